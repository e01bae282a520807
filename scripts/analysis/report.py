"""Chooses the experiment in an export, and gathers all that is said about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from contender.adapters.export_layout import Export, find_exports
from contender.adapters.export_reader import Reading, read_export
from contender.adapters.local_objects import LocalObjects
from contender.adapters.s3_objects import S3Objects
from contender.domain.assignment import Variant
from contender.domain.dataset import Task, parse_dataset
from contender.domain.experiment import Analysis, ExperimentSettings, analyse
from contender.domain.release import parse_release, release_key
from contender.errors import BadInput, ContenderError, NotFound
from contender.ports import ObjectStore
from scripts.running_stack import aws_client


class NothingToAnalyse(ContenderError):
    """The export has no prediction records."""


class Other(NamedTuple):
    """A release that the analysis leaves out.

    Attributes:
        requests: Its records.
        to_b: Those assigned to B.
    """

    requests: int
    to_b: int


@dataclass(frozen=True, slots=True)
class Report:
    """An analysis and where it comes from.

    Attributes:
        analysis: Of one release.
        source: Location of the export.
        exported_at: Time of the export, ISO 8601.
        records: Prediction records in the export, over all releases.
        spilled: Those read back from the router's log.
        release: Digest of the release that was analysed.
        others: Digest → releases in the export that were not.
        target: Name of what is predicted; empty when no dataset is known.
        problems: What was wrong with the data, for people.
        remarks: What else is to be known of the export, for people.
        judged_by: Where the settings come from, in a sentence; empty when untold.
    """

    analysis: Analysis
    source: str
    exported_at: str
    records: int
    spilled: int
    release: str
    others: Mapping[str, Other]
    target: str
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    judged_by: str = ""


def make_report(
    location: str,
    dataset: str = "",
    release: str = "",
    task: Task | None = None,
    positive: str | None = None,
    settings: ExperimentSettings | None = None,
    judged_by: str = "",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Report:
    """Reads an export and analyses its experiment.

    A release pins two models, so it is the experiment; figures over several would mix models. The latest
    release that sent anything to B is taken, or else the latest.

    Args:
        location: ``s3://bucket/prefix`` or a folder; the newest export at or below it is read.
        dataset: A ``dataset.json``, by path or ``s3://`` address; empty to look for the release's manifest
            beside the export, which is optional.
        release: Start of a release's digest, to analyse that one.
        task: Overrules what the records, or the dataset, say.
        positive: Positive class of two.
        settings: How the experiment is judged.
        judged_by: Where those come from, in a sentence, to be told with the rest.
        progress: Told lines done and lines expected.

    Returns:
        The report.

    Raises:
        NotFound: No export there, or no such release.
        NothingToAnalyse: It holds no prediction records.
        BadInput: A manifest or dataset cannot be read; no such class or metric.
        StoreUnavailable: S3 does not answer.
    """
    store, prefix = open_location(location)
    exports = find_exports(store, prefix)
    if not exports:
        raise NotFound(f"no complete export at {location}: there is no manifest-summary.json")
    export = exports[0]
    with read_export(store, export, lambda done: progress(done, export.items)) as reading:
        chosen = _choose(reading, release, store.uri(export.root))
        declared = _declared(store, chosen, dataset)
        log = reading.log(chosen, task or declared.task)
        return Report(
            analysis=analyse(log, positive, settings, challenger=declared.challenger),
            source=store.uri(export.root),
            exported_at=export.time,
            records=reading.records,
            spilled=sum(found.spilled for found in reading.releases.values()),
            release=chosen,
            others={
                digest: Other(found.requests, found.to_b)
                for digest, found in reading.releases.items()
                if digest != chosen
            },
            target=declared.target,
            problems=_problems(reading),
            remarks=_remarks(exports),
            judged_by=judged_by,
        )


def open_location(location: str) -> tuple[ObjectStore, str]:
    """Turns ``s3://bucket/prefix`` or a folder into a store and a prefix in it."""
    if location.startswith("s3://"):
        bucket, _, prefix = location.removeprefix("s3://").partition("/")
        return S3Objects(aws_client("s3"), bucket), prefix
    folder = Path(location)
    if not folder.is_dir():
        raise NotFound(f"no folder {location}")
    return LocalObjects(folder), ""


def _choose(reading: Reading, wanted: str, source: str) -> str:
    releases = reading.releases
    if not releases:
        why = f" ({reading.lines} lines, none of them a record)" if reading.lines else ""
        raise NothingToAnalyse(f"the export at {source} holds no prediction records{why}")
    if wanted:
        found = [digest for digest in releases if digest.startswith(wanted)]
        if len(found) != 1:
            names = ", ".join(digest[:12] for digest in releases)
            raise NotFound(f"{len(found)} releases in the export start with {wanted!r}; there are {names}")
        return found[0]
    return max(releases, key=lambda digest: (releases[digest].to_b > 0, releases[digest].latest))


class _Declared(NamedTuple):
    """What dataset and release say, as far as they are at hand.

    Attributes:
        task: ``None`` when unknown.
        target: Empty when unknown.
        challenger: Whether the release has one; ``None`` when unknown.
    """

    task: Task | None = None
    target: str = ""
    challenger: bool | None = None


def _declared(store: ObjectStore, digest: str, dataset: str) -> _Declared:
    """Task and target by the dataset, or by the release's manifest if that lies in the same store."""
    try:
        release = parse_release(store.get(release_key(digest)))
        known = _Declared(release.dataset.task, release.dataset.target, Variant.B in release.variants)
    except (NotFound, BadInput):
        known = _Declared()
    if not dataset:
        return known
    try:
        declared = parse_dataset(json.loads(_read(dataset)))
    except ValueError as error:
        raise BadInput.of(dataset, f"is not JSON: {error}", "give a dataset.json") from error
    return known._replace(task=declared.task, target=declared.target)


def _read(location: str) -> bytes:
    folder, _, name = location.rpartition("/")
    store, prefix = open_location(folder or ".")
    return store.get(f"{prefix}/{name}" if prefix else name)


def _problems(reading: Reading) -> tuple[str, ...]:
    found = [
        f"{trouble.count:,} malformed lines: {reason} (first: {trouble.first})"
        for reason, trouble in reading.malformed.items()
    ]
    return (*found, *reading.damaged)


def _remarks(exports: list[Export]) -> tuple[str, ...]:
    return (f"{len(exports)} exports are there; the newest was read",) if len(exports) > 1 else ()
