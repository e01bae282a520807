"""A name of an export becomes part of its keys."""

from __future__ import annotations

import pytest

from scripts.export import main


@pytest.mark.parametrize("name", ["../x y", "a/b", "", ".hidden", "ä", "x" * 101])
def test_a_name_that_is_no_part_of_a_key_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--name", name])
    assert "is no name: use letters, digits" in capsys.readouterr().err
