"""What a training found out, written to its run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from contender.adapters.onnx_model import Predictions
from contender.domain.promotion import GateResult
from contender.domain.release import ModelRef
from trainer.data import TrainingData
from trainer.plots import make_plots, permutation_importance
from trainer.refit import Chosen
from trainer.search import Leaderboard
from trainer.tracking import Tracking


def log_findings(
    tracking: Tracking,
    leaderboard: Leaderboard,
    chosen: Chosen,
    result: GateResult,
    champion: ModelRef | None,
    metrics: Mapping[str, float],
) -> None:
    """Writes the figures: of the holdout, the gate, the selection, and the leaderboard.

    Args:
        tracking: Where to.
        leaderboard: What the search found.
        chosen: The model that went on.
        result: What the gate said.
        champion: What it was compared with, if there was one.
        metrics: Figures on the holdout.
    """
    tracking.metrics({f"holdout_{name}": value for name, value in metrics.items()})
    tracking.metrics(
        {
            "gate_challenger": result.challenger,
            "gate_champion": result.champion,
            "gate_difference": result.difference,
            "gate_low": result.low,
            "gate_high": result.high,
            "model_bytes": float(len(chosen.content)),
        }
    )
    against = None if champion is None else champion.model_version
    tracking.document({**result.to_dict(), "champion_version": against}, "gate.json")
    tracking.document([asdict(attempt) for attempt in chosen.attempts], "selection.json")
    tracking.tags(
        {"gate": result.verdict.value, "gate_reason": result.reason, "algorithm": chosen.candidate.name}
    )
    table = leaderboard.to_frame()
    passed_over = {attempt.candidate: attempt.passed_over for attempt in chosen.attempts}
    table["chosen"] = table["candidate"] == chosen.candidate.key
    table["passed_over"] = [passed_over.get(key, "") for key in table["candidate"]]
    tracking.leaderboard(table)


def log_plots(
    tracking: Tracking, holdout: TrainingData, chosen: Chosen, predictions: Predictions, seed: int
) -> None:
    """Measures the features' importance, draws the plots, and writes both.

    Args:
        tracking: Where to.
        holdout: The holdout.
        chosen: The model that went on.
        predictions: Its answers for the holdout.
        seed: Seed of the importance.
    """
    importances = permutation_importance(holdout, chosen.model, seed)
    tracking.document(importances, "importance.json")
    tracking.plots(make_plots(holdout, chosen.model, predictions, importances))
