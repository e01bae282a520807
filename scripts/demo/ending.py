"""How an experiment of the demo ends: judged by the deployed function, carried out by its task.

What is reported was read afterwards from where it must show: the experiments' table and history, MLflow, and
the router itself.
"""

from __future__ import annotations

import json
import time
from typing import Any

import requests

from contender.adapters.mlflow_registry import MlflowRegistry
from contender.domain.assignment import Variant
from contender.domain.lifecycle import ExperimentRecord, HistoryEntry
from contender.domain.release import ALIASES
from infra.local.info import StackInfo
from scripts.demo.display import Step
from scripts.evaluation import Evaluation
from scripts.loop import LoopFailed

MODEL = "contender"
"""The registered model: the template's default of ``ModelName``."""
FOLLOWED_WITHIN_S = 10.0
"""In so many seconds every router follows a new release."""
LOOK_EVERY_S = 0.5


class Endings:
    """Ends experiments by what the deployed parts do of themselves, in ``auto``.

    Args:
        stack: The running stack.
        evaluation: Its evaluation.
    """

    def __init__(self, stack: StackInfo, evaluation: Evaluation) -> None:
        self._stack = stack
        self._evaluation = evaluation
        self._registry = MlflowRegistry(stack.mlflow_url, MODEL)

    def end(self, step: Step, told_at: float) -> dict[str, Any]:
        """Asks for a look and waits until what it leads to is done.

        Args:
            step: Told what was found and done.
            told_at: Epoch seconds when the last outcome was told.

        Returns:
            For the summary: what was found and on which figures, and what was done, by the word of the
            experiments' table, of MLflow and of the router.

        Raises:
            LoopFailed: When the evaluation fails, or its task does.
        """
        answer = self._evaluation.look_at_everything(step.progress, told_at=told_at)
        name = answer["experiment_id"]
        if answer["outcome"] == "acting":
            record = self._evaluation.wait_for_end(name, step.progress)
        else:
            found = self._evaluation.experiments.get(name)
            if found is None:
                raise LoopFailed(f"nothing was evaluated: {answer['reason']}")
            record = found
        registered = self._registered()
        serves = self._served({variant.value: version for variant, version in registered.items()})
        deed = next(
            (one for one in self._evaluation.experiments.history(5) if one.experiment_id == name), None
        )
        step.outcome = f"{record.finding}: {record.sentence}"
        done = (
            f"{record.stage.value}: {record.detail}" if deed else f"{record.stage.value}: nothing to act on"
        )
        step.notes = [done, f"the router serves {_said(serves)}; the share of B is {self.split()}"]
        return {
            "finding": record.finding,
            "stage": record.stage.value,
            "deed": None if deed is None else deed.deed.value,
            "compared": {"A": record.champion_version, "B": record.challenger_version},
            **_figures(record if deed is None else deed),
            "aliases": {ALIASES[variant]: version for variant, version in registered.items()},
            "serves": serves,
            "split": self.split(),
        }

    def split(self) -> float:
        """The share of B in force, by the router's word."""
        return float(requests.get(f"{self._stack.api_url}/config", timeout=60).json()["ab_split_b"])

    def _registered(self) -> dict[Variant, str]:
        """Variant → version that MLflow's alias names."""
        found = {variant: self._registry.by_alias(alias) for variant, alias in ALIASES.items()}
        return {variant: model.model_version for variant, model in found.items() if model is not None}

    def _served(self, wanted: dict[str, str]) -> dict[str, str]:
        """Variant → version by the router's word, once it follows or should have."""
        deadline = time.monotonic() + FOLLOWED_WITHIN_S
        while True:
            release = requests.get(f"{self._stack.api_url}/release", timeout=60).json()
            served = {name: str(one["model_version"]) for name, one in release["variants"].items()}
            if served == wanted or time.monotonic() > deadline:
                return served
            time.sleep(LOOK_EVERY_S)


def _figures(told: ExperimentRecord | HistoryEntry) -> dict[str, Any]:
    """The estimate that decided, from the evidence that was kept."""
    evidence = json.loads(told.evidence)
    metric, sides = next(iter(evidence["metrics"].items()))
    estimate = sides[evidence["decided_by"]]
    return {
        "metric": metric,
        "decided_by": evidence["decided_by"],
        "outcomes_used": estimate["outcomes"],
        "estimate": estimate["value"],
        "interval": [estimate["lower"], estimate["upper"]],
        "reasons": evidence["reasons"],
    }


def _said(serves: dict[str, str]) -> str:
    alone = "" if len(serves) > 1 else " alone"
    return " and ".join(f"version {version} as {name}" for name, version in serves.items()) + alone
