"""What is wrong with a data set is said before anything of it is uploaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from contender.errors import BadInput
from scripts.bring import print_problems, read_folder
from scripts.running_stack import adopt_running_stack

DECLARED = {
    "task": "classification",
    "target": "y",
    "features": {"speed [km/h]": "numeric", "colour": "categorical"},
}
GOOD = "speed [km/h],colour,y\n1.5,red,1\n,,0\n3,blue,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dataset.json").write_text(json.dumps(DECLARED))
    for name, content in (("reference/a.csv", GOOD), ("current/june/b.csv", GOOD)):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(content)
    return tmp_path


def problems(folder: Path) -> list[str]:
    with pytest.raises(BadInput) as caught:
        read_folder(folder)
    return [str(problem) for problem in caught.value.problems]


def test_a_usable_folder_gives_its_declaration_and_every_file(folder: Path) -> None:
    dataset, files = read_folder(folder)
    assert dataset.target == "y"
    assert sorted(path.relative_to(folder).as_posix() for path in files) == [
        "current/june/b.csv",
        "dataset.json",
        "reference/a.csv",
    ]


def test_missing_columns_and_texts_among_numbers_are_named_with_their_window(folder: Path) -> None:
    (folder / "reference" / "a.csv").write_text("speed [km/h],y\nthree,1\n2,0\n")
    found = problems(folder)
    assert found == [
        "reference: colour: is not a column of it; "
        "add it (upper and lower case matter), or do not declare it",
        "reference: speed [km/h]: 1 of 2 values are no numbers; correct them, leave them empty, "
        "or declare the column categorical",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "dataset.json").unlink(), "does not exist"),
        (lambda folder: (folder / "dataset.json").write_text("{"), "is not JSON"),
        (lambda folder: (folder / "reference" / "a.csv").unlink(), "holds no data"),
        (
            lambda folder: (folder / "dataset.json").write_text(
                json.dumps({**DECLARED, "features": {"prediction": "numeric"}})
            ),
            "is the name of the model's output",
        ),
    ],
)
def test_what_is_missing_is_said(folder: Path, change: object, message: str) -> None:
    change(folder)  # type: ignore[operator]
    assert message in problems(folder)[0]


def test_names_with_brackets_are_printed_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    print_problems(BadInput.of("reference: speed [km/h]", "is no [/number]", "correct it"), Console())
    assert "reference: speed [km/h]: is no [/number]; correct it" in capsys.readouterr().out


def test_a_stack_that_the_environment_names_is_not_replaced(tmp_path: Path) -> None:
    environ = {"DATA_BUCKET": "mine"}
    assert not adopt_running_stack(environ, tmp_path)
    assert environ == {"DATA_BUCKET": "mine"}


def test_without_a_stack_of_make_up_none_is_adopted(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    assert not adopt_running_stack(environ, tmp_path)
    assert environ == {}
