from __future__ import annotations

from typing import Any

import pytest

from contender.errors import BadInput
from contender.experiment_settings import EvaluateSettings, PromoteSettings
from contender.settings import CheckSettings, RouterSettings, TrainerSettings

ROUTER = {
    "ARTIFACT_BUCKET": "a",
    "PREDICTIONS_TABLE": "p",
    "RELEASE_PARAMETER": "/r",
    "SPLIT_PARAMETER": "/s",
}
CHECK = {
    "DATA_BUCKET": "d",
    "ARTIFACT_BUCKET": "a",
    "RUNS_TABLE": "r",
    "RELEASE_PARAMETER": "/r",
    "CLUSTER_ARN": "c",
    "TASK_DEFINITION_ARN": "t",
}
TRAINER = {
    "DATA_BUCKET": "d",
    "ARTIFACT_BUCKET": "a",
    "RUNS_TABLE": "r",
    "RELEASE_PARAMETER": "/r",
    "MLFLOW_TRACKING_URI": "http://m",
    "RUN_KEY": "k",
    "REASON": "drift",
    "TRAIN_PREFIX": "reference/",
    "EXPERIMENTS_TABLE": "e",
    "SPLIT_PARAMETER": "/s",
}
EVALUATE = {
    "ARTIFACT_BUCKET": "a",
    "PREDICTIONS_TABLE": "p",
    "EXPERIMENTS_TABLE": "e",
    "ROUTER_LOG_GROUP": "l",
    "RELEASE_PARAMETER": "/r",
    "SPLIT_PARAMETER": "/s",
    "CLUSTER_ARN": "c",
    "TASK_DEFINITION_ARN": "t",
}
PROMOTE = {
    "EXPERIMENT_ID": "x",
    "DATA_BUCKET": "d",
    "ARTIFACT_BUCKET": "a",
    "EXPERIMENTS_TABLE": "e",
    "RELEASE_PARAMETER": "/r",
    "SPLIT_PARAMETER": "/s",
    "MLFLOW_TRACKING_URI": "http://m",
}
PROGRAMS = [
    (RouterSettings, ROUTER),
    (CheckSettings, CHECK),
    (TrainerSettings, TRAINER),
    (EvaluateSettings, EVALUATE),
    (PromoteSettings, PROMOTE),
]


@pytest.mark.parametrize(("kind", "environ"), PROGRAMS)
def test_what_must_be_set_is_enough(kind: Any, environ: dict[str, str]) -> None:
    assert kind.read(environ) == kind.read({**environ, "UNRELATED": "x"})


@pytest.mark.parametrize(("kind", "environ"), PROGRAMS)
@pytest.mark.parametrize("value", [None, ""])
def test_everything_missing_or_empty_is_named_at_once(
    kind: Any, environ: dict[str, str], value: str | None
) -> None:
    given = {} if value is None else dict.fromkeys(environ, value)
    with pytest.raises(BadInput) as error:
        kind.read(given)
    assert [problem.field for problem in error.value.problems] == list(environ)


@pytest.mark.parametrize("text", ["soon", "nan", "-1", "10.5", "inf"])
def test_a_number_out_of_range_is_named_with_its_range(text: str) -> None:
    with pytest.raises(BadInput, match=r"REFRESH_SECONDS: is '.*'; set it to a number from 0 to 10"):
        RouterSettings.read({**ROUTER, "REFRESH_SECONDS": text})


def test_the_promise_of_ten_seconds_is_kept_by_default() -> None:
    assert RouterSettings.read(ROUTER).refresh_s < 10


@pytest.mark.parametrize(("text", "names"), [("", ()), (" a, b ,", ("a", "b")), (",", ())])
def test_lists_are_separated_by_commas_and_may_be_empty(text: str, names: tuple[str, ...]) -> None:
    assert CheckSettings.read({**CHECK, "SUBNETS": text}).subnets == names
