"""By which settings an experiment is judged: the stack's, if one is at hand, and what was given here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import NamedTuple

from contender.adapters._aws import translated
from contender.domain.experiment import ExperimentSettings
from contender.errors import BadInput, ContenderError
from contender.experiment_settings import EvaluateSettings, experiment_fields
from scripts.running_stack import aws_client

EXAMPLE = 'give a JSON object, as in \'{"decide_by": "paired", "min_hours": 168}\''
"""What ``--settings`` takes."""


class Judging(NamedTuple):
    """Settings and where they come from.

    Attributes:
        settings: To judge by.
        told: A sentence that names the source, and each setting that is not the default.
    """

    settings: ExperimentSettings
    told: str


def judging(environ: Mapping[str, str], text: str = "", given: Mapping[str, object] | None = None) -> Judging:
    """Settles by what an experiment is judged, so that an analysis says what the stack's own evaluation says.

    What is given here goes before the stack's settings, and those before the defaults.

    Args:
        environ: Names the stack's function in ``EVALUATE_FUNCTION``; without it no stack is asked.
        text: A JSON object of fields of ``ExperimentSettings``; may be empty.
        given: Further fields, which go before those; ``None`` is one that was not given.

    Returns:
        The settings. A stack that cannot be asked is told of, and does not keep anybody from an analysis.

    Raises:
        BadInput: When what is given here is no setting.
    """
    own = {
        **experiment_fields(text, "--settings", EXAMPLE),
        **{name: value for name, value in (given or {}).items() if value is not None},
    }
    function = environ.get("EVALUATE_FUNCTION", "")
    basis, source = ExperimentSettings(), "No stack found: judged by the defaults"
    if function:
        try:
            basis, source = _of_stack(function), f"Judged as the stack is configured ({function})"
        except ContenderError as error:
            source = f"The stack's settings could not be read ({error}): judged by the defaults"
    try:
        settings = replace(basis, **own)
    except TypeError as error:
        known = ", ".join(field.name for field in fields(ExperimentSettings))
        raise BadInput.of("--settings", f"is not usable: {error}", f"choose from {known}") from error
    but = f", but for {', '.join(own)}, given here" if own else ""
    changed = [
        f"{field.name} {getattr(settings, field.name)}"
        for field in fields(settings)
        if getattr(settings, field.name) != field.default
    ]
    told = f": {', '.join(changed)}, the rest by default" if changed else " (every setting is the default)"
    return Judging(settings, f"{source}{but}{told}.")


def _of_stack(function: str) -> ExperimentSettings:
    """What the deployed evaluation judges by, from the function's own environment."""
    with translated("lambda", f"read the configuration of {function}"):
        found = aws_client("lambda").get_function_configuration(FunctionName=function)
    return EvaluateSettings.read(found.get("Environment", {}).get("Variables", {})).experiment
