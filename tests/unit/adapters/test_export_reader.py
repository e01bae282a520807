"""What an export's lines become, and what happens to lines and files that are wrong."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest

from contender.adapters.export_layout import Export, find_exports, load_export, write_data, write_manifests
from contender.adapters.export_reader import Reading, read_export
from contender.adapters.local_objects import LocalObjects
from contender.adapters.logged_item import Malformed, observation
from contender.errors import BadInput, NotFound
from tests.support.exports import Invented, items, write_export


@pytest.fixture
def item() -> dict[str, Any]:
    return dict(next(items(Invented(requests=1, outcomes=1.0))))


def read(folder: Path) -> Reading:
    store = LocalObjects(folder)
    with read_export(store, find_exports(store, "")[0]) as reading:
        return reading


def rewrite(folder: Path, change: Any) -> None:
    """Changes the lines of the first data file."""
    path = sorted(folder.rglob("*.json.gz"))[0]
    lines = gzip.decompress(path.read_bytes()).splitlines()
    path.write_bytes(gzip.compress(b"\n".join(change(lines)) + b"\n"))


def test_given_a_record_then_its_fields_arrive(item: dict[str, Any]) -> None:
    item |= {"assigned": {"S": "B"}, "served": {"S": "A"}, "probability": {"N": "0.2"}}
    release, row = observation(item)
    assert release == "d1" * 32
    assert row.assigned_b
    assert row.fallback
    assert row.probability == 0.2
    assert row.at == 1_372_636_800.0
    assert row.outcome == float(item["outcome"]["N"])
    assert row.outcome_at > row.at
    assert row.probabilities is not None
    assert sum(row.probabilities.values()) == pytest.approx(1)
    assert not row.spilled


@pytest.mark.parametrize(
    ("attribute", "value"),
    [({"N": "3"}, 3.0), ({"N": "-1.5E+2"}, -150.0), ({"S": "late"}, "late"), ({"BOOL": True}, "True")],
)
def test_given_labels_of_each_type_then_they_are_read(
    item: dict[str, Any], attribute: Any, value: Any
) -> None:
    row = observation({**item, "prediction": attribute, "outcome": attribute})[1]
    assert row.prediction == value
    assert row.outcome == value


def test_given_no_outcome_or_probabilities_then_none_are_made_up(item: dict[str, Any]) -> None:
    for name in ("outcome", "outcome_at", "probabilities"):
        del item[name]
    row = observation(item)[1]
    assert row.outcome is None
    assert row.probabilities is None
    assert observation({**item, "outcome": {"NULL": True}, "probabilities": {"NULL": True}})[
        1
    ] == pytest.approx(row, nan_ok=True)


SHADOW = {
    "variant": {"S": "A"},
    "model_version": {"S": "1"},
    "prediction": {"N": "1"},
    "probabilities": {"M": {"0": {"N": "0.25"}, "1": {"N": "0.75"}}},
}


def test_given_a_shadow_and_a_value_then_they_are_read(item: dict[str, Any]) -> None:
    served = {**item, "served": {"S": "B"}, "assigned": {"S": "B"}}
    row = observation({**served, "shadow": {"M": SHADOW}, "value": {"N": "2.5"}})[1]
    assert row.shadow == (1.0, {"0": 0.25, "1": 0.75})
    assert row.value == 2.5
    assert row.alone
    assert not observation({**item, "unit_id": {"S": "somebody"}})[1].alone


def test_given_no_shadow_or_one_that_failed_then_there_is_none(item: dict[str, Any]) -> None:
    served = {**item, "served": {"S": "B"}, "assigned": {"S": "B"}}
    failed = {name: member for name, member in SHADOW.items() if name == "variant"}
    for shadow in ({"NULL": True}, {"M": failed}, {"M": {**failed, "prediction": {"NULL": True}}}):
        assert observation({**served, "shadow": shadow, "value": {"NULL": True}})[1].shadow is None
    number = {"M": {**SHADOW, "probabilities": {"NULL": True}}}
    assert observation({**served, "shadow": number})[1].shadow == (1.0, None)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("shadow", {"M": {**SHADOW, "prediction": {"L": []}}}, "shadow cannot be read"),
        ("shadow", {"M": {}}, "shadow cannot be read"),
        ("shadow", {"M": {**SHADOW, "variant": {"S": "C"}}}, "shadow cannot be read"),
        ("value", {"N": "inf"}, "value cannot be read"),
        ("value", {"S": "much"}, "value cannot be read"),
        ("unit_id", None, "unit_id is missing"),
        ("split", {"S": "half"}, "split is not of type N"),
        ("split", {"N": "half"}, "split cannot be read"),
        ("at", {"S": "yesterday"}, "at cannot be read"),
        ("at", {"S": "2013-07-01T00:00:00"}, "at cannot be read"),
        ("assigned", {"S": "C"}, "assigned and served must be A or B, not C and A"),
        ("probability", {"N": "0"}, "probability of the assigned variant"),
        ("prediction", {"L": []}, "prediction cannot be read"),
        ("prediction", {"N": "NaN"}, "prediction cannot be read"),
        ("probabilities", {"M": {"1": {"S": "x"}}}, "probabilities cannot be read"),
        ("outcome", {"N": "?"}, "outcome cannot be read"),
        ("outcome_at", {"S": "?"}, "outcome_at cannot be read"),
        ("latency_ms", "3", "latency_ms is not of type N"),
    ],
)
def test_given_a_wrong_attribute_then_it_is_named(
    item: dict[str, Any], name: str, value: Any, says: str
) -> None:
    broken = {**item, "served": {"S": "A"}, name: value}
    if value is None:
        del broken[name]
    with pytest.raises(Malformed, match=says):
        observation(broken)


def test_given_malformed_lines_then_they_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    write_export(tmp_path, items(Invented(requests=30)))
    rewrite(tmp_path, lambda lines: [b"{", b"[]", b'{"Item": {}}', b'{"Item": {}}', b"\xff", b"", *lines[5:]])
    reading = read(tmp_path)
    assert reading.records == 25
    assert {reason: trouble.count for reason, trouble in reading.malformed.items()} == {
        "not JSON": 2,
        "not an object with an Item": 1,
        "request_id is missing": 2,
    }
    assert reading.malformed["request_id is missing"].first == "data-00000.json.gz line 3"
    assert reading.damaged == []


def test_given_a_file_that_ends_early_then_what_it_held_is_read_and_it_is_named(tmp_path: Path) -> None:
    write_export(tmp_path, items(Invented(requests=400)))
    path = next(tmp_path.rglob("*.json.gz"))
    path.write_bytes(path.read_bytes()[:-4000])
    reading = read(tmp_path)
    assert 0 < reading.records < 400
    assert "ends early" in reading.damaged[0]


def test_given_a_file_that_is_missing_or_short_then_it_is_named(tmp_path: Path) -> None:
    write_export(tmp_path, items(Invented(requests=300)), max_bytes=60_000)
    first, second, *others = sorted(tmp_path.rglob("*.json.gz"))
    assert others
    first.unlink()
    second.write_bytes(
        gzip.compress(b"".join(gzip.decompress(second.read_bytes()).splitlines(keepends=True)[1:]))
    )
    reading = read(tmp_path)
    assert "is not there" in reading.damaged[0]
    assert "manifest says" in reading.damaged[1]


def test_given_several_releases_then_each_is_counted(tmp_path: Path) -> None:
    lines = list(items(Invented(requests=10)))
    other = [{**line, "release": {"S": "e2" * 32}} for line in lines[:4]]
    reading = read(write_export(tmp_path, [*lines, *other]))
    assert {digest[:2]: found.requests for digest, found in reading.releases.items()} == {"d1": 10, "e2": 4}


def test_given_progress_then_it_is_told_the_lines_read(tmp_path: Path) -> None:
    write_export(tmp_path, items(Invented(requests=50)))
    told: list[int] = []
    store = LocalObjects(tmp_path)
    with read_export(store, find_exports(store, "")[0], told.append) as reading:
        assert len(list(reading.times())) == 50
    assert told == [50, 50]


def test_given_items_when_written_then_files_are_bounded_and_read_back_whole(tmp_path: Path) -> None:
    lines = list(items(Invented(requests=200)))
    store = LocalObjects(tmp_path)
    files = tuple(write_data(store, "x/AWSDynamoDB/1-a", lines, "data", max_bytes=20_000))
    write_manifests(store, Export("x/AWSDynamoDB/1-a", files, {"exportTime": "2013"}))
    assert len(files) > 5
    for path in tmp_path.rglob("*.json.gz"):
        assert len(gzip.decompress(path.read_bytes())) < 20_000 + 2_000
    export = load_export(store, "x/AWSDynamoDB/1-a")
    assert export.files == files
    assert export.items == 200
    back = [
        json.loads(line)["Item"]
        for file in export.files
        for line in gzip.decompress(store.get(file.key)).splitlines()
    ]
    assert back == lines


def test_given_a_local_copy_under_another_path_then_it_is_found_from_any_folder_above(tmp_path: Path) -> None:
    write_export(tmp_path / "made", items(Invented(requests=20)))
    inner = next((tmp_path / "made").rglob("manifest-summary.json")).parent
    (tmp_path / "copy").mkdir()
    inner.rename(tmp_path / "copy" / "renamed")
    for folder in (tmp_path, tmp_path / "copy", tmp_path / "copy" / "renamed"):
        assert read(folder).records == 20


def test_given_two_exports_then_the_newest_comes_first(tmp_path: Path) -> None:
    store = LocalObjects(tmp_path)
    for root, time in (("a", "2013-07-02"), ("b", "2013-07-09"), ("c", "2013-07-05")):
        write_manifests(store, Export(root, (), {"exportTime": time}))
    assert [export.root for export in find_exports(store, "")] == ["b", "c", "a"]
    assert [export.root for export in find_exports(store, "c/")] == ["c"]


def test_given_a_broken_manifest_then_the_error_names_it(tmp_path: Path) -> None:
    store = LocalObjects(tmp_path)
    write_manifests(store, Export("a", (), {}))
    store.put("a/manifest-files.json", b'{"itemCount": 1}\n')
    with pytest.raises(BadInput, match=r"manifest-files\.json: is no manifest"):
        find_exports(store, "")


def test_given_no_such_file_then_a_folder_store_says_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        LocalObjects(tmp_path).get("nowhere")


def test_given_an_interrupt_while_reading_then_it_ends_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_export(tmp_path / "export", items(Invented(requests=60)), max_bytes=20_000)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))

    def interrupt(lines: int) -> None:
        raise KeyboardInterrupt

    store = LocalObjects(tmp_path / "export")
    with pytest.raises(KeyboardInterrupt), read_export(store, find_exports(store, "")[0], interrupt):
        raise AssertionError("it must not begin")
    assert list((tmp_path / "scratch").iterdir()) == []
