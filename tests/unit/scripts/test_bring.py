"""What is wrong with a data set is said before anything of it is uploaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rich.console import Console

from contender.errors import BadInput
from scripts.bring import bring, print_problems, read_folder
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
        "reference: speed [km/h]: 1 of 2 values are no numbers; correct them, leave them empty, "
        "or declare the column categorical",
        "reference: colour: is not a column of it; "
        "add it (upper and lower case matter), or do not declare it",
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


def test_a_column_that_one_file_of_a_window_lacks_is_named_with_the_file(folder: Path) -> None:
    (folder / "current" / "june" / "c.csv").write_text("colour,y\nred,1\n")
    (folder / "reference" / "c.csv").write_text("speed [km/h],colour\n1,red\n")
    advice = "add it (upper and lower case matter), or do not declare it"
    assert problems(folder) == [
        f"reference/c.csv: y: is not a column of it; {advice}",
        f"current/june: speed [km/h]: is absent from current/june/c.csv; {advice}",
    ]


def test_windows_without_data_and_files_without_a_window_are_named(folder: Path) -> None:
    (folder / "current" / "july").mkdir()
    (folder / "current" / "stray.csv").write_text(GOOD)
    (folder / "current" / "june" / "c.csv").write_text("")
    assert problems(folder) == [
        "current/stray.csv: lies in no window; move it into current/<window-id>/",
        "current/june/c.csv: is empty; fill it, or delete it",
        "current/july/: holds no data; put its files there, or delete the folder",
    ]


class FakeLoop:
    """A bucket and a check that finds no drift."""

    def __init__(self, *keys: str) -> None:
        self.stored = set(keys)

    def keys(self, prefix: str) -> list[str]:
        return sorted(key for key in self.stored if key.startswith(prefix))

    def delete(self, keys: list[str]) -> None:
        self.stored -= set(keys)

    def upload(self, root: Path, *paths: Path) -> None:
        self.stored |= {path.relative_to(root).as_posix() for path in paths}

    def check(self, event: dict[str, str]) -> dict[str, str]:
        return {"window": "june", "verdict": "no_drift", "reason": "nothing moved", "action": "nothing"}


UPLOADED = {"dataset.json", "reference/a.csv", "current/june/b.csv"}


def bring_to(loop: FakeLoop, folder: Path, replace: bool = False) -> str:
    console = Console(record=True, width=200)
    bring(folder, loop, console, check=True, replace=replace)  # type: ignore[arg-type]
    return console.export_text()


def test_the_window_that_was_checked_is_said(folder: Path) -> None:
    loop = FakeLoop("dataset.json", "reference/a.csv", "current/may/x.csv")
    assert "window june: no_drift: nothing moved" in bring_to(loop, folder)
    assert loop.stored == UPLOADED | {"current/may/x.csv"}


def test_other_files_in_the_bucket_are_not_silently_merged(folder: Path) -> None:
    others = {f"reference/{name}.csv" for name in "uvwxyz"} | {"current/june/z.csv", "current/may/x.csv"}
    loop = FakeLoop(*others)
    with pytest.raises(BadInput) as caught:
        bring_to(loop, folder)
    assert [str(problem) for problem in caught.value.problems] == [
        "reference/: has other files in the bucket, which would be merged: reference/u.csv, reference/v.csv, "
        "reference/w.csv, reference/x.csv, reference/y.csv and 1 more; --replace deletes them",
        "current/june/: has other files in the bucket, which would be merged: current/june/z.csv; "
        "--replace deletes them; or give the window another id",
    ]
    assert loop.stored == others


def test_other_files_are_deleted_when_asked_for(folder: Path) -> None:
    loop = FakeLoop("reference/z.csv", "current/may/x.csv")
    assert "reference/: deleted reference/z.csv" in bring_to(loop, folder, replace=True)
    assert loop.stored == UPLOADED | {"current/may/x.csv"}


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
