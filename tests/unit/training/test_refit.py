from __future__ import annotations

import pytest
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from contender.errors import TrainingFailed
from tests.support.training import collinear_data
from trainer.candidates import Candidate
from trainer.holdout import split
from trainer.refit import refit_best
from trainer.search import Leaderboard, Ranked

PARTS = split(collinear_data(), 0.2, 1)


class Unconvertible(LogisticRegression):
    """scikit-learn knows it, skl2onnx does not."""


def board(*estimators: object) -> Leaderboard:
    ranked = (
        Ranked(Candidate(f"c{i}", f"Candidate {i}", made), {}, 0.0) for i, made in enumerate(estimators)
    )
    return Leaderboard("Log loss", tuple(ranked), ())


def test_given_unfit_candidates_when_refitted_then_the_next_is_taken_and_each_reason_told() -> None:
    leaderboard = board(
        QuadraticDiscriminantAnalysis(), Unconvertible(max_iter=50), LogisticRegression(max_iter=50)
    )

    chosen = refit_best(leaderboard, PARTS.train, PARTS.holdout, limit_mb=50)

    assert chosen.candidate.key == "c2"
    first, second, last = chosen.attempts
    assert "answers otherwise: agrees on" in first.passed_over
    assert "Unconvertible" in second.passed_over
    assert last.passed_over == ""
    assert last.bytes == len(chosen.content)
    assert chosen.classes == (0, 1)
    assert len(chosen.model.predict_many(PARTS.holdout.columns).labels) == len(PARTS.holdout)


def test_given_a_limit_when_every_file_is_larger_then_training_fails_with_the_sizes() -> None:
    with pytest.raises(TrainingFailed, match=r"0\.0 MB, the limit is 0\.0001 MB"):
        refit_best(board(LogisticRegression(max_iter=50)), PARTS.train, PARTS.holdout, limit_mb=0.0001)
