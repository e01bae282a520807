from __future__ import annotations

from dataclasses import replace

import pytest

from contender.adapters.dynamo_experiments import DynamoExperiments
from contender.domain.lifecycle import Deed, ExperimentRecord, HistoryEntry, Stage, experiment_id
from contender.errors import Conflict, StoreUnavailable
from contender.experiment_ports import Experiments
from infra.local.deploy import create_declared_table
from tests.contract.conftest import MakeClient
from tests.support.evaluation import MemoryExperiments


def made(day: int, stage: Stage = Stage.RUNNING) -> ExperimentRecord:
    at = f"2024-01-{day:02}T00:00:00.000Z"
    return ExperimentRecord(experiment_id(at, "abc" * 20), "abc" * 20, "1", "2", at, stage)


def deed(day: int, what: Deed = Deed.PROMOTED) -> HistoryEntry:
    return HistoryEntry(f"2024-01-{day:02}T00:00:00.000Z", what, "evaluate", "a" * 64, "b" * 64)


@pytest.fixture
def experiments(backend: str, client: MakeClient, unique: str) -> Experiments:
    if backend == "fake":
        return MemoryExperiments()
    dynamodb = client("dynamodb")
    return DynamoExperiments(dynamodb, create_declared_table(dynamodb, "Experiments", unique))


def test_what_is_saved_comes_back_with_its_revision(experiments: Experiments) -> None:
    full = replace(
        made(1, Stage.PROMOTING),
        settings="{}",
        read_until="x",
        state=bytes(range(256)) * 100,
        evaluated_at="x",
        finding="ship",
        sentence="ü",
        evidence="{}",
        decided_at="x",
        stopped_at="x",
        attempt=2,
        launched_at="x",
        task_arn="arn",
        ended_at="x",
        detail="x",
    )
    for record in (made(2), full):
        saved = experiments.save(record)
        assert saved == replace(record, revision=1)
        assert experiments.get(record.experiment_id) == saved
        again = experiments.save(replace(saved, finding="keep"))
        assert experiments.get(record.experiment_id) == again
        assert again.revision == 2
    assert experiments.get("unknown") is None


def test_of_two_that_know_the_same_revision_one_is_refused(experiments: Experiments) -> None:
    with pytest.raises(Conflict):
        experiments.save(replace(made(1), revision=1))
    first = experiments.save(made(1))
    with pytest.raises(Conflict):
        experiments.save(made(1))
    experiments.save(replace(first, finding="ship"))
    with pytest.raises(Conflict):
        experiments.save(replace(first, finding="keep"))
    found = experiments.get(first.experiment_id)
    assert found is not None
    assert found.finding == "ship"


def test_a_claim_is_one_owners_until_it_is_given_back_or_expires(experiments: Experiments) -> None:
    assert experiments.claim("x", "ann", 100.0, 160.0) == ""
    assert experiments.claim("x", "ann", 110.5, 170.5) == ""
    assert experiments.claim("x", "bob", 170.0, 230.0) == "ann"
    assert experiments.claim("another", "bob", 170.0, 230.0) == ""
    experiments.let_go("x", "bob")
    assert experiments.claim("x", "bob", 170.0, 230.0) == "ann"
    assert experiments.claim("x", "bob", 170.5, 230.5) == ""
    assert experiments.claim("x", "ann", 180.0, 240.0) == "bob"
    experiments.let_go("x", "bob")
    assert experiments.claim("x", "ann", 180.0, 240.0) == ""
    experiments.let_go("never claimed", "ann")
    assert experiments.recent(9) == []
    assert experiments.history(9) == []


def test_the_latest_come_first(experiments: Experiments) -> None:
    for day in (2, 10, 1):
        experiments.save(made(day))
        experiments.append(deed(day))
    assert [record.started_at[8:10] for record in experiments.recent(2)] == ["10", "02"]
    assert [entry.at[8:10] for entry in experiments.history(2)] == ["10", "02"]
    assert len(experiments.recent(9)) == len(experiments.history(9)) == 3


def test_a_deed_is_told_of_once_and_never_changed(experiments: Experiments) -> None:
    assert experiments.append(replace(deed(1), evidence='{"a": 1}', detail="first"))
    assert not experiments.append(replace(deed(1), detail="second"))
    assert experiments.append(deed(1, Deed.STOPPED))
    assert {entry.detail for entry in experiments.history(9)} == {"first", ""}


def test_without_a_service_it_is_named(nowhere: MakeClient) -> None:
    experiments = DynamoExperiments(nowhere("dynamodb"), "table")
    calls = (
        lambda: experiments.get("x"),
        lambda: experiments.recent(1),
        lambda: experiments.save(made(1)),
        lambda: experiments.append(deed(1)),
        lambda: experiments.history(1),
    )
    for call in calls:
        with pytest.raises(StoreUnavailable, match=r"^dynamodb: "):
            call()


def test_a_bookmark_is_where_it_was_put_last(experiments: Experiments) -> None:
    assert isinstance(experiments, DynamoExperiments | MemoryExperiments)
    assert experiments.bookmark("spilled") is None
    for at in (1_700_000_000.125, 1_700_000_300.5, 1_700_000_200.0):
        experiments.set_bookmark("spilled", at)
        assert experiments.bookmark("spilled") == at
    assert experiments.bookmark("another") is None
    assert experiments.recent(9) == experiments.history(9) == []
