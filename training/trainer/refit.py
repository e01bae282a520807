"""Refits the ranked candidates in order until one is fit to serve."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from hashlib import sha256
from time import perf_counter

from sklearn.pipeline import Pipeline

from contender.adapters.onnx_model import OnnxModel, open_onnx
from contender.domain.release import Label
from contender.errors import BadInput, TrainingFailed
from trainer.candidates import Candidate
from trainer.data import TrainingData
from trainer.face import to_onnx
from trainer.parity import Parity, check_parity
from trainer.search import Leaderboard

MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Attempt:
    """What became of a candidate after the search.

    Attributes:
        candidate: Its key.
        name: Its name for people.
        passed_over: Why it cannot serve; empty for the one that was chosen.
        seconds: Time of refit, conversion and checks.
        bytes: Size of its ONNX file; 0 when there is none.
        parity: Whether the graph agrees, in words; empty when it was not compared.
    """

    candidate: str
    name: str
    passed_over: str
    seconds: float
    bytes: int = 0
    parity: str = ""


@dataclass(frozen=True)
class Chosen:
    """The model that goes on.

    Attributes:
        candidate: The algorithm.
        pipeline: Fitted on all training rows.
        content: The ONNX file.
        sha256: Its digest, in hex.
        model: The file, loaded.
        classes: Labels in the order of the probabilities; ``None`` for regression.
        attempts: All candidates that were tried, in the order of the leaderboard; the last is this one.
    """

    candidate: Candidate
    pipeline: Pipeline
    content: bytes
    sha256: str
    model: OnnxModel
    classes: tuple[Label, ...] | None
    attempts: tuple[Attempt, ...]


def refit_best(
    leaderboard: Leaderboard, train: TrainingData, holdout: TrainingData, limit_mb: float
) -> Chosen:
    """Takes the first of the leaderboard that converts, is small enough, and answers alike in both forms.

    Args:
        leaderboard: Candidates, best first.
        train: All training rows.
        holdout: Rows on which both forms are compared.
        limit_mb: Largest file, in megabytes (10**6 bytes).

    Returns:
        The model, with why those before it were passed over.

    Raises:
        TrainingFailed: When none is left, with the reason of each.
        BadInput: When a feature's name cannot be an input of a model.
    """
    attempts: list[Attempt] = []
    for entry in leaderboard.ranked:
        candidate = entry.candidate
        started = perf_counter()
        content, parity = b"", None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of scikit-learn and converters about each other
                pipeline = candidate.pipeline(train.features, list(train.dataset.features.values()))
                pipeline.fit(train.features, train.target)
                content = to_onnx(pipeline, train.dataset)
                classes = tuple(pipeline.classes_.tolist()) if hasattr(pipeline, "classes_") else None
                reason = _too_large(content, limit_mb)
                if not reason:
                    model = open_onnx(content, classes)
                    parity = check_parity(pipeline, model, holdout.features)
                    reason = "" if parity.holds else f"its ONNX graph answers otherwise: {parity}"
        except BadInput:
            raise
        except Exception as error:  # converters and estimators raise what they like; the next is tried
            reason = f"{type(error).__name__}: {_first_line(error)}"
        attempts.append(_attempt(candidate, reason, perf_counter() - started, content, parity))
        if not reason:
            return Chosen(
                candidate, pipeline, content, sha256(content).hexdigest(), model, classes, tuple(attempts)
            )
    told = "; ".join(f"{attempt.name}: {attempt.passed_over}" for attempt in attempts)
    raise TrainingFailed(f"no candidate is fit to serve: {told}")


def _too_large(content: bytes, limit_mb: float) -> str:
    size = len(content) / MEGABYTE
    return f"its file has {size:.1f} MB, the limit is {limit_mb:g} MB" if size > limit_mb else ""


def _attempt(
    candidate: Candidate, reason: str, seconds: float, content: bytes, parity: Parity | None
) -> Attempt:
    return Attempt(
        candidate=candidate.key,
        name=candidate.name,
        passed_over=reason,
        seconds=round(seconds, 2),
        bytes=len(content),
        parity="" if parity is None else str(parity),
    )


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else "no message"
