"""What the log refused comes back, and an evaluation counts it once."""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, replace

import pytest

from contender.domain.experiment import ExperimentState
from contender.domain.records import RECOVERABLE_S, SPILLED, Feedback, PredictionRecord
from contender.errors import NotFound
from contender.usecases.predict import iso_utc
from contender.usecases.recover import BOOKMARK, BUDGET_S, LAG_S, SLICE_S, Recover
from tests.support.evaluation import MemorySpilled, Trial
from tests.support.world import ROW


class Spilling(Trial):
    """A trial whose log refuses some records."""

    def __init__(self) -> None:
        super().__init__()
        self.spilled = MemorySpilled()
        self.recover = Recover(
            self.spilled, self.world.log, self.experiments, self.world.observer, self.world.clock
        )

    def spill(self, times: int = 1, record: PredictionRecord | None = None) -> PredictionRecord:
        """A request is answered while the log refuses writes."""
        if record is None:
            self.world.log.down = True
            record = self.world.predict({"features": ROW}).record
            self.world.log.down = False
        line = json.dumps({SPILLED: asdict(record)})
        self.spilled.lines += [(self.world.clock.now, line)] * times
        return record

    def counts(self) -> tuple[int, int]:
        """Requests and outcomes in the state."""
        state = ExperimentState.from_dict(json.loads(zlib.decompress(self.record.state)))
        return state.requests_a + state.requests_b, state.outcomes


@pytest.fixture
def trial() -> Spilling:
    return Spilling()


def test_a_spilled_prediction_is_logged_as_it_was_made(trial: Spilling) -> None:
    record = trial.spill()
    trial.settle()
    assert trial.recover() == 1
    assert trial.world.log.records == {record.request_id: record}
    assert trial.world.log.logged_at == {record.request_id: iso_utc(trial.world.clock.now)}
    assert ("spilled_recovered", {"records": 1}) in trial.world.observer.notes
    assert trial.recover() == 0


def test_its_outcome_is_lost_before_and_kept_after(trial: Spilling) -> None:
    record = trial.spill()
    with pytest.raises(NotFound):
        trial.world.log.set_outcome(record.request_id, Feedback(1), iso_utc(trial.world.clock.now))
    trial.settle()
    trial.recover()
    trial.world.feedback({"request_id": record.request_id, "outcome": 1})
    assert trial.world.log.outcomes[record.request_id][0] == 1


def test_an_evaluation_that_has_read_past_its_time_counts_it_and_its_outcome_once(trial: Spilling) -> None:
    trial.pass_traffic(100)
    record = trial.spill()
    trial.pass_traffic(100)
    trial.settle()
    trial.evaluate()
    assert trial.counts() == (200, 200)
    assert trial.record.read_until > record.at
    trial.recover()
    trial.evaluate()
    assert trial.counts() == (200, 200)  # it was logged this very moment, and is read half a minute later
    trial.settle()
    trial.recover()
    trial.evaluate()
    assert trial.counts() == (201, 200)
    trial.world.feedback({"request_id": record.request_id, "outcome": 1})
    for _ in range(3):
        trial.settle()
        trial.recover()
        trial.evaluate()
    assert trial.counts() == (201, 201)


def test_counting_anew_gives_the_same(trial: Spilling) -> None:
    trial.pass_traffic(100)
    record = trial.spill()
    trial.settle()
    trial.evaluate()
    trial.recover()
    trial.world.feedback({"request_id": record.request_id, "outcome": 1})
    trial.settle()
    trial.experiments.save(replace(trial.record, settings="others"))
    trial.evaluate()
    assert trial.counts() == (101, 101)


def test_one_that_was_stored_after_all_is_left_as_it_is(trial: Spilling) -> None:
    record = trial.spill()
    trial.world.log.put(record)
    trial.world.feedback({"request_id": record.request_id, "outcome": 0})
    trial.settle()
    assert trial.recover() == 0
    assert trial.world.log.logged_at == {}
    assert trial.world.log.outcomes[record.request_id][0] == 0


def test_two_lines_of_one_record_and_two_recoveries_at_once_log_it_once(trial: Spilling) -> None:
    record = trial.spill(times=2)
    trial.settle()
    other = Recover(
        trial.spilled, trial.world.log, trial.experiments, trial.world.observer, trial.world.clock
    )
    assert trial.recover() + other() == 1
    assert list(trial.world.log.records) == [record.request_id]


def test_the_latest_seconds_are_left_to_a_write_that_may_still_arrive(trial: Spilling) -> None:
    trial.spill()
    trial.world.pass_time(LAG_S - 1)
    assert trial.recover() == 0
    trial.world.pass_time(2)
    assert trial.recover() == 1


def test_a_line_that_reaches_the_log_minutes_late_is_found(trial: Spilling) -> None:
    record = trial.spill()
    late = trial.spilled.lines.pop()
    trial.world.pass_time(120)
    assert trial.recover() == 0
    trial.spilled.lines.append(late)
    trial.world.pass_time(300)
    assert trial.recover() == 1
    assert record.request_id in trial.world.log.records


def test_the_first_time_a_day_is_read_and_then_only_what_is_new(trial: Spilling) -> None:
    trial.recover()
    assert trial.spilled.asked[0][0] == trial.world.clock.now - LAG_S - RECOVERABLE_S
    assert all(until - since <= SLICE_S for since, until in trial.spilled.asked)
    assert trial.experiments.bookmarks[BOOKMARK] == trial.world.clock.now - LAG_S
    trial.spilled.asked.clear()
    trial.world.pass_time(300)
    trial.recover()
    assert len(trial.spilled.asked) == 1  # five minutes, and ten that are read again


def test_one_that_takes_too_long_goes_on_the_next_time(trial: Spilling) -> None:
    record = trial.spill()
    trial.settle()
    between = trial.spilled.between

    def slowly(since: float, until: float):  # type: ignore[no-untyped-def]
        trial.world.pass_time(BUDGET_S)
        return between(since, until)

    trial.spilled.between = slowly  # type: ignore[method-assign]
    trial.recover()
    assert len(trial.spilled.asked) == 1
    trial.spilled.between = between  # type: ignore[method-assign]
    trial.recover()
    assert record.request_id in trial.world.log.records


def test_what_does_not_answer_is_told_and_taken_up_again(trial: Spilling) -> None:
    record = trial.spill()
    trial.settle()
    for service in (trial.spilled, trial.world.log, trial.experiments):
        service.down = True
        assert trial.recover() == 0
        service.down = False
    assert trial.world.observer.problem_events.count("spilled_unread") == 3
    trial.recover()
    assert record.request_id in trial.world.log.records


def test_a_line_that_is_no_record_is_told_and_stops_nothing(trial: Spilling) -> None:
    trial.spilled.lines.append((trial.world.clock.now, json.dumps({SPILLED: {"request_id": "half"}})))
    trial.spill()
    trial.settle()
    assert trial.recover() == 1
    assert trial.world.observer.problem_events == ["prediction_spilled", "spilled_unreadable"]
