"""Invented experiments: what comes back when two models serve, in many runs at once."""

from __future__ import annotations

import numpy as np

from simulations.experiment_rules import Floats, World

SPLITS = (0.1, 0.5, 0.3)
"""Share of B in three equal parts of an experiment whose split is moved."""
ACCURACY = 0.8
"""Share of right answers of A where the score is accuracy."""
LOWEST, HIGHEST = 0.1, 0.4
"""Share of what is predicted, at the beginning and at the end of an experiment in a world that moves."""
SPREAD = 1.2
"""Standard deviation of the true log odds between requests: two models of AUC 0.75 or so."""
APART = 0.35
"""Standard deviation of each model's own error in the log odds: labels agree on 9 of 10 requests."""


def still(rng: np.random.Generator, runs: int, n: int) -> World:
    """A/A under an even split: log loss of a calibrated model in a world that does not move."""
    p = np.full((1, n), 0.5)
    return World(_log_loss(rng, runs, np.full(n, 0.25)), rng.random((runs, n)) < p, p)


def moving(rng: np.random.Generator, runs: int, n: int) -> World:
    """A/A: the split is moved twice while what is predicted becomes four times as frequent."""
    p = moved_split(n)
    return World(_log_loss(rng, runs, _rates(n)), rng.random((runs, n)) < p, p)


def labels(rng: np.random.Generator, runs: int, n: int, effect: float = 0.0) -> World:
    """Accuracy under an even split; B is right more often by ``effect``."""
    p = np.full((1, n), 0.5)
    is_b = rng.random((runs, n)) < p
    return World((rng.random((runs, n)) < ACCURACY + effect * is_b).astype(np.float64), is_b, p)


def moving_labels(rng: np.random.Generator, runs: int, n: int, effect: float) -> World:
    """Accuracy while split and base rate move: A is right from 60 % to 90 % of the time."""
    p = moved_split(n)
    is_b = rng.random((runs, n)) < p
    right = np.linspace(0.6, 0.9, n) + effect * is_b
    return World((rng.random((runs, n)) < right).astype(np.float64), is_b, p)


def steered_labels(rng: np.random.Generator, runs: int, n: int, effect: float) -> World:
    """As :func:`moving_labels`, but somebody moves the split by what is seen: at each third to 0.5 where B
    has been right more often than A so far, else to 0.1."""
    third = n // 3
    right = np.linspace(0.6, 0.9, n)
    p = np.full((runs, n), 0.3)
    is_b = np.zeros((runs, n), dtype=np.bool_)
    scores = np.zeros((runs, n))
    for start in range(0, n, third):
        part = slice(start, min(start + third, n))
        if start:
            b, a = is_b[:, :start], ~is_b[:, :start]
            ahead = (scores[:, :start] * b).sum(1) / b.sum(1) - (scores[:, :start] * a).sum(1) / a.sum(1)
            p[:, part] = np.where(ahead > 0, 0.5, 0.1)[:, None]
        is_b[:, part] = rng.random(is_b[:, part].shape) < p[:, part]
        scores[:, part] = rng.random(is_b[:, part].shape) < right[part] + effect * is_b[:, part]
    return World(scores, is_b, p)


def shadowed(rng: np.random.Generator, runs: int, n: int) -> World:
    """A/A with shadows: two different models that are equally good; log loss."""
    truth = SPREAD * rng.standard_normal((runs, n)) + np.log(0.25 / 0.75)
    happened = rng.random((runs, n)) < _sigmoid(truth)
    losses = [_loss(_sigmoid(truth + APART * rng.standard_normal((runs, n))), happened) for _ in "AB"]
    p = np.full((1, n), 0.5)
    is_b = rng.random((runs, n)) < p
    return World(np.where(is_b, losses[1], losses[0]), is_b, p, losses[1] - losses[0])


def shadowed_labels(rng: np.random.Generator, runs: int, n: int, effect: float) -> World:
    """Accuracy with shadows: the models differ on 10 % of the requests, and B is right more often."""
    p = np.full((1, n), 0.5)
    u = rng.random((runs, n))
    lead = np.where(u < 0.05 + effect / 2, 1.0, np.where(u > 0.95 + effect / 2, -1.0, 0.0))
    a = np.where(lead > 0, 0.0, np.where(lead < 0, 1.0, rng.random((runs, n)) < ACCURACY))
    is_b = rng.random((runs, n)) < p
    return World(np.where(is_b, a + lead, a), is_b, p, lead)


def moved_split(n: int) -> Floats:
    """Shape [1, n]: the splits in equal parts."""
    return np.array([SPLITS])[:, np.arange(n) * len(SPLITS) // n]


def _rates(n: int) -> Floats:
    return np.linspace(LOWEST, HIGHEST, n)


def _log_loss(rng: np.random.Generator, runs: int, rate: Floats) -> Floats:
    p = _sigmoid(SPREAD * rng.standard_normal((runs, rate.size)) + np.log(rate / (1 - rate)))
    return _loss(p, rng.random(p.shape) < p)


def _loss(p: Floats, happened: np.ndarray) -> Floats:
    found: Floats = -np.log(np.where(happened, p, 1 - p))
    return found


def _sigmoid(x: Floats) -> Floats:
    found: Floats = 1 / (1 + np.exp(-x))
    return found
