"""Settings of the drift check that are JSON objects: thresholds, launch rule, classifier."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, TypeVar

from contender.domain.drift import ClassifierSettings, DriftSettings, LaunchRule
from contender.errors import BadInput

OFF = ("", "off")
"""Texts that leave the classifier out."""

_T = TypeVar("_T")


def drift_settings(text: str) -> DriftSettings:
    """Reads thresholds: fields of ``DriftSettings`` that replace its defaults. Raises ``BadInput``."""
    return _read("DRIFT_SETTINGS", text, lambda given: DriftSettings(**given))


def launch_rule(text: str) -> LaunchRule:
    """Reads when a drift is worth a training.

    Args:
        text: A JSON object of ``drifted``, ``of_last`` and ``cooldown_hours``; each may be left out.

    Raises:
        BadInput: When it is none.
    """

    def make(given: Mapping[str, Any]) -> LaunchRule:
        fields = dict(given)
        return LaunchRule(cooldown=timedelta(hours=fields.pop("cooldown_hours", 0)), **fields)

    return _read("LAUNCH_RULE", text, make)


def classifier_settings(text: str) -> ClassifierSettings | None:
    """Reads the thresholds of the test of all columns together.

    Args:
        text: A JSON object of fields of ``ClassifierSettings`` that replace its defaults; ``off`` or empty
            leaves the test out.

    Raises:
        BadInput: When it is neither.
    """
    if text.strip() in OFF:
        return None
    return _read("DRIFT_CLASSIFIER", text, lambda given: ClassifierSettings(**given))


def _read(name: str, text: str, make: Callable[[Mapping[str, Any]], _T]) -> _T:
    try:
        return make(dict(json.loads(text or "{}")))
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput.of(name, f"is not usable: {error}", "give a JSON object of settings") from error
