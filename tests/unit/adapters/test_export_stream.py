"""An export that is streamed says what the same records say when they are read one by one, all in memory."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contender.adapters import export_blocks, export_reader, record_spool, spooled_log
from contender.adapters.export_blocks import BlockParser, blocks
from contender.adapters.export_layout import Export, find_exports, write_data, write_manifests
from contender.adapters.export_reader import read_export
from contender.adapters.local_objects import LocalObjects
from contender.adapters.logged_item import Malformed, observation
from contender.adapters.record_spool import Codes
from contender.domain.experiment import Analysis, Columns, ObservationTable, Order, analyse
from contender.domain.experiment.columns import joined
from scripts.analysis.document import to_document
from scripts.analysis.report import make_report
from tests.support.exports import Invented, items, write_export

DIGEST = "d1" * 32

names = st.sampled_from(["0", "1", "late", "on time", "a/b", "~0", "it's", 'say "so"', "", "ü", "1.5", "x]"])
numbers = st.floats(allow_nan=False, allow_infinity=False, width=32).map(lambda x: {"N": repr(x)})
labels = st.one_of(names.map(lambda x: {"S": x}), numbers, st.booleans().map(lambda x: {"BOOL": x}))
nothing = st.just({"NULL": True})
probabilities = st.one_of(
    nothing,
    st.dictionaries(names, st.floats(0, 1).map(lambda x: {"N": repr(x)}), max_size=4).map(lambda x: {"M": x}),
)
broken = st.sampled_from(
    [
        {"L": []},
        {"N": "many"},
        {"N": "inf"},
        {"S": "2013-07-01"},
        {"M": {"0": {"S": "x"}}},
        3,
        "text",
        [],
        None,
        {},
    ]
)
times = st.sampled_from(
    [
        {"S": "2013-07-02T00:00:00.123Z"},
        {"S": "2013-07-02T00:00:00+02:00"},
        {"S": "2013-02-30T00:00:00.000Z"},
        {"S": "2013-07-02 00:00:00.000Z"},
    ]
)
attributes = (
    *("outcome", "outcome_at", "value", "probabilities", "shadow", "prediction", "at", "split_version"),
    *("unit_id", "assigned", "latency_ms", "spilled", "probability", "release"),
)
changes = st.dictionaries(st.sampled_from(attributes), broken, max_size=2)


@st.composite
def logged(draw: st.DrawFn) -> dict[str, Any]:
    """An item, mostly whole, of any kind."""
    served = draw(st.sampled_from("AB"))
    item: dict[str, Any] = dict(next(items(Invented(requests=1, outcomes=1.0))))
    item |= {
        "served": {"S": served},
        "assigned": {"S": draw(st.sampled_from("AB"))},
        "unit_id": {"S": draw(st.sampled_from(["r00000000", "u1", "ü"]))},
        "at": draw(times),
        "prediction": draw(labels),
        "probabilities": draw(probabilities),
    }
    optional = {"outcome": labels | nothing, "outcome_at": times | nothing, "value": numbers | nothing}
    for name, strategy in optional.items():
        item.pop(name, None)
        if draw(st.booleans()):
            item[name] = draw(strategy)
    if draw(st.booleans()):
        shadow = {"variant": {"S": draw(st.sampled_from(["AB".replace(served, ""), served]))}}
        if draw(st.booleans()):
            shadow |= {"prediction": draw(labels | nothing), "probabilities": draw(probabilities)}
        item["shadow"] = draw(st.sampled_from([{"M": shadow}, {"NULL": True}]))
    return {**item, **draw(changes)}


def one_by_one(lines: Sequence[Mapping[str, Any]]) -> tuple[dict[str, ObservationTable], list[str]]:
    tables: dict[str, ObservationTable] = {}
    wrong = []
    for line in lines:
        try:
            release, row = observation(line)
        except Malformed as error:
            wrong.append(str(error))
            continue
        tables.setdefault(release, ObservationTable()).add(row)
    return tables, wrong


def rows(columns: Columns) -> list[tuple[str, ...]]:
    """What is said of each record, in one order."""
    left_out = ("task", "classes", "units", "models", "model", "alone")
    named = [getattr(columns, part.name) for part in fields(Columns) if part.name not in left_out]
    versions = [columns.models[code] for code in columns.model]
    return sorted(tuple(repr(cell) for cell in row) for row in zip(versions, *named, strict=True))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(logged(), min_size=1, max_size=12))
@example([dict(next(items(Invented(requests=1, outcomes=1.0)))) | {"spilled": None}])
def test_given_items_of_any_kind_then_both_ways_read_the_same(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, Any]]
) -> None:
    store = LocalObjects(write_export(tmp_path_factory.mktemp("export"), lines))
    tables, wrong = one_by_one(lines)
    with read_export(store, find_exports(store, "")[0]) as reading:
        told = [reason for reason, trouble in reading.malformed.items() for _ in range(trouble.count)]
        assert sorted(told) == sorted(wrong)
        assert {name: found.requests for name, found in reading.releases.items()} == {
            name: len(table) for name, table in tables.items()
        }
        for release, table in tables.items():
            log, expected = reading.log(release), table.columns()
            assert (log.task, log.classes, log.clustered) == (
                expected.task,
                expected.classes,
                expected.clustered,
            )
            assert rows(joined(list(log.batches(Order.ANY)))) == rows(expected)


def analysed(folder: Path, lines: Sequence[Any], max_bytes: int) -> dict[str, Any]:
    store = LocalObjects(folder)
    root = "AWSDynamoDB/01372636800000-abcdef01"
    folder.mkdir(exist_ok=True)
    write_manifests(store, Export(root, tuple(write_data(store, root, lines, "data", max_bytes)), {}))
    document = to_document(make_report(str(folder)))
    return {name: document[name] for name in document if name != "source"}


def flat(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict | list) and value:
        parts = value.items() if isinstance(value, dict) else enumerate(value)
        return {key: leaf for part, member in parts for key, leaf in flat(member, f"{name}/{part}").items()}
    return {name: value}


PLANS = [
    Invented(requests=700, splits=(0.2, 0.5, 0.3), shadow=0.9, value=True, fallback=0.05),
    Invented(requests=500, classes=("a", "b", "c"), requests_per_unit=3, splits=(0.5, 0.3)),
    Invented(requests=500, classes=(), requests_per_unit=2, shadow=0.5, splits=(0.5, 0.3)),
]


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(("max_bytes", "batch", "block"), [(20_000, 64, 4_000), (90_000, 7, 10**6)])
def test_given_any_split_into_files_blocks_and_parts_then_the_answer_is_that_of_the_whole(
    plan: Invented, max_bytes: int, batch: int, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = list(items(plan))
    whole = flat(analysed(tmp_path / "whole", lines, 2**26))
    monkeypatch.setattr(spooled_log, "BATCH_ROWS", batch)
    monkeypatch.setattr(record_spool, "FILE_ROWS", 100)
    monkeypatch.setattr(export_reader, "blocks", lambda chunks: export_blocks.blocks(chunks, block))
    order = np.random.default_rng(max_bytes).permutation(len(lines))
    split = flat(analysed(tmp_path / "split", [lines[i] for i in order], max_bytes))
    assert split.keys() == whole.keys()
    for name, value in whole.items():
        if isinstance(value, float):
            assert split[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name
        else:
            assert split[name] == value, name


def test_given_an_export_then_the_analysis_is_that_of_the_same_records_in_memory(tmp_path: Path) -> None:
    lines = list(items(PLANS[1]))
    store = LocalObjects(write_export(tmp_path, lines))
    expected = analyse(one_by_one(lines)[0][DIGEST].columns())
    with read_export(store, find_exports(store, "")[0]) as reading:
        found = analyse(reading.log(DIGEST))

    def figures(analysis: Analysis) -> list[float]:
        estimates = [entry.a for entry in analysis.comparisons] + [entry.b for entry in analysis.comparisons]
        return [number for estimate in estimates for number in estimate]

    assert figures(found) == pytest.approx(figures(expected), rel=1e-9)
    assert found.look.metrics[0].served == pytest.approx(expected.look.metrics[0].served, rel=1e-9)
    assert found.a.units == expected.a.units < found.a.requests


@given(st.lists(st.sampled_from(["", "  ", "x" * 5, "y" * 40, "{}"]), max_size=30), st.integers(1, 50))
def test_given_text_in_pieces_then_blocks_hold_every_line_with_its_number(
    lines: list[str], size: int
) -> None:
    text = "\n".join(lines).encode()
    chunks = [text[i : i + 7] for i in range(0, len(text), 7)]
    found = {}
    for block in blocks(iter(chunks), size):
        assert block.filled == len(block.places)
        found |= {block.number(place): block.line(place).rstrip(b"\n").decode() for place in block.places}
        assert block.table().num_rows == block.filled
    assert found == {number: line for number, line in enumerate(lines, 1) if line.strip()}


def test_given_sure_lines_then_duckdb_reads_them_all_once_their_classes_are_known() -> None:
    plan = Invented(requests=40, shadow=0.5, classes=("late", "on time"), outcomes=0.6)
    text = b"".join(json.dumps({"Item": item}).encode() + b"\n" for item in items(plan))
    parser = BlockParser(Codes())
    (block,) = blocks([text])
    assert parser.parse(block) == (None, list(range(40)))
    assert parser.learn(block.line(0))
    found, unsure = parser.parse(block)
    assert found is not None
    assert (found.num_rows, unsure) == (40, [])
    assert not parser.learn(block.line(1))


def test_given_a_block_that_is_no_json_or_no_text_then_the_next_one_is_read_as_ever() -> None:
    text = b"".join(json.dumps({"Item": item}).encode() + b"\n" for item in items(Invented(requests=9)))
    parser = BlockParser(Codes())
    (block,), (no_text,), (no_json,) = (list(blocks([part])) for part in (text, b"\xff" * 20, b"{" * 20))

    assert parser.parse(no_text) == (None, [0])
    assert not parser.learn(no_text.line(0))
    assert parser.learn(block.line(0))
    first, unsure = parser.parse(block)
    assert parser.parse(no_json) == (None, [0])
    again, _ = parser.parse(block)

    assert first is not None
    assert (first.num_rows, unsure) == (9, [])
    assert first.equals(again)


def test_given_one_broken_line_then_it_is_named_by_file_and_number_whatever_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_export(tmp_path, items(Invented(requests=50)))
    path = next(tmp_path.rglob("*.json.gz"))
    lines = gzip.decompress(path.read_bytes()).splitlines()
    lines[33] = lines[33][:-9]
    path.write_bytes(gzip.compress(b"\n".join(lines)))
    monkeypatch.setattr(export_reader, "blocks", lambda chunks: export_blocks.blocks(chunks, 6_000))
    store = LocalObjects(tmp_path)
    with read_export(store, find_exports(store, "")[0]) as reading:
        assert reading.malformed["not JSON"].first == "data-00000.json.gz line 34"
        assert reading.records == 49
