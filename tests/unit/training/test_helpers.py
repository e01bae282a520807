from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from contender.errors import TrainingFailed
from tests.support.training import sklearn_data
from trainer.candidates import Candidate
from trainer.contest import Arena, Contest
from trainer.helpers import MOST_HELPERS, Helper, HelperLost, helpers
from trainer.holdout import folds
from trainer.search import Leaderboard, search
from trainer.stopping import OUT_OF_TIME, TIMED_OUT, Stopped

WINE = sklearn_data("wine")
CONTESTANTS = [
    Candidate("lr", "Logistic regression", make_pipeline(StandardScaler(), LogisticRegression(max_iter=200))),
    Candidate("bad", "Refuses its parameters", LogisticRegression(C=-1.0)),
    Candidate("dt", "Decision tree", DecisionTreeClassifier(random_state=1)),
    Candidate("nb", "Naive Bayes", GaussianNB()),
]


def board(given: list[Helper]) -> Leaderboard:
    made, _ = folds(WINE, 2, 1)
    return search(WINE, made, CONTESTANTS, 60, 1, given)


def figures(found: Leaderboard) -> list[tuple[str, dict[str, float], str]]:
    entries = (*found.ranked, *found.unranked)
    return [(entry.candidate.key, entry.metrics, entry.failure) for entry in entries]


@pytest.fixture
def helper() -> Iterator[Helper]:
    with helpers(cores=2) as (started,):
        yield started


@pytest.fixture(scope="module")
def alone() -> Leaderboard:
    return board([])


def test_given_a_helper_when_searched_then_the_leaderboard_is_the_same(
    helper: Helper, alone: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def counted(*given: object) -> object:
        done.append("helped")
        return cross_validate(*given)

    cross_validate = Helper.cross_validate
    monkeypatch.setattr(Helper, "cross_validate", counted)

    # The process that searches waits, else it might be done before the helper has imported anything.
    def late(self: Arena, contest: Contest) -> None:
        made(self, contest)
        while not done:
            os.sched_yield()

    made = Arena.__init__
    monkeypatch.setattr(Arena, "__init__", late)

    assert figures(board([helper])) == figures(alone)
    assert done


def test_given_a_helper_that_dies_when_searched_then_nothing_is_missing(
    helper: Helper, alone: Leaderboard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(self: Helper, estimator: object) -> object:
        self.end()
        return cross_validate(self, estimator)

    cross_validate = Helper.cross_validate
    monkeypatch.setattr(Helper, "cross_validate", dies)

    assert figures(board([helper])) == figures(alone)


def test_given_a_dead_helper_when_used_then_it_is_lost(helper: Helper) -> None:
    helper.end()

    with pytest.raises(HelperLost):
        helper.cross_validate(GaussianNB())


def test_given_a_helper_at_work_when_the_training_has_to_end_then_it_ends_at_once(
    helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_time(self: Arena, contest: Contest) -> None:
        raise Stopped(OUT_OF_TIME, TIMED_OUT)

    monkeypatch.setattr(Arena, "__init__", out_of_time)

    with pytest.raises(Stopped):
        board([helper])
    with pytest.raises(HelperLost):
        helper.cross_validate(GaussianNB())


def test_given_only_failures_and_a_helper_when_searched_then_it_says_so(helper: Helper) -> None:
    made, _ = folds(WINE, 2, 1)

    with pytest.raises(TrainingFailed):
        search(WINE, made, [CONTESTANTS[1]], 60, 1, [helper])


@pytest.mark.parametrize(("cores", "count"), [(1, 0), (2, 1), (64, MOST_HELPERS)])
def test_given_cores_when_started_then_all_but_one_have_a_helper(
    cores: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[object] = []

    class Fake:
        def end(self) -> None:
            ended.append(self)

    monkeypatch.setattr(Helper, "start", Fake)

    with helpers(cores) as started:
        assert len(started) == count
    assert ended == list(started)


def test_given_no_memory_for_a_helper_then_the_search_has_those_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[object] = []

    class Fake:
        def __init__(self) -> None:
            if len(started) == 1:
                raise BlockingIOError
            started.append(self)

        def end(self) -> None:
            started.remove(self)

    monkeypatch.setattr(Helper, "start", Fake)

    with helpers(cores=4) as given:
        assert list(given) == started
        assert len(given) == 1
    assert not started
