"""What `infra/profile-map.yaml` sends is what its function takes."""

from __future__ import annotations

import re
from typing import Any

import yaml

from infra.local import tools

TEXT = (tools.ROOT / "infra/profile-map.yaml").read_text()
TEMPLATE = yaml.load(re.sub(r"!(Sub|Ref|GetAtt)\b", "", TEXT), yaml.SafeLoader)
MACHINE: dict[str, Any] = TEMPLATE["Resources"]["ProfileMap"]["Properties"]
STATES: dict[str, Any] = MACHINE["Definition"]["States"]
HANDLER = (tools.ROOT / "functions/profile_object/handler.py").read_text()


def tasks(states: dict[str, Any]) -> list[dict[str, Any]]:
    """All task states, those of maps included."""
    own = [state for state in states.values() if state["Type"] == "Task"]
    inner = [state["ItemProcessor"]["States"] for state in states.values() if state["Type"] == "Map"]
    return own + [task for states in inner for task in tasks(states)]


def test_each_step_is_one_that_the_function_knows_with_all_it_needs() -> None:
    steps = [task["Parameters"]["Payload"] for task in tasks(STATES)]
    sent = {
        step["step"]: {name.removesuffix(".$") for name in step} - {"step"}
        for step in steps
        if "step" in step
    }

    assert sent == {
        "reference": {"window"},
        "profile": {"key", "reference_profile"},
        "merge": {"window", "reference_profile"},
    }
    for step, names in sent.items():
        assert f'"{step}"' in HANDLER
        assert all(f'"{name}"' in HANDLER for name in names)
    assert {"window.$": "$.window"} in steps  # the drift check, at the end


def test_every_task_is_tried_again_when_a_service_is_busy() -> None:
    for task in tasks(STATES):
        assert {
            "StoreUnavailable",
            "Lambda.AWSLambdaException",
            "Lambda.ClientExecutionTimeoutException",
            "Lambda.SdkClientException",
            "Lambda.ServiceException",
            "Lambda.TooManyRequestsException",
        } == set(task["Retry"][0]["ErrorEquals"])
    assert len(tasks(STATES)) == 4


def test_every_name_in_the_definition_is_substituted() -> None:
    used = set(re.findall(r"\$\{(\w+)\}", yaml.dump(MACHINE["Definition"])))

    assert used == set(MACHINE["DefinitionSubstitutions"])


def test_objects_are_mapped_as_executions_of_their_own() -> None:
    objects = STATES["Objects"]

    assert objects["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED"
    assert objects["ItemReader"]["Resource"] == "arn:aws:states:::s3:listObjectsV2"
    assert isinstance(objects["MaxConcurrency"], int)


def test_every_item_ends_with_next_to_nothing_so_that_results_of_many_fit_into_the_maps_own() -> None:
    states = STATES["Objects"]["ItemProcessor"]["States"]
    last = [state for state in states.values() if state.get("End") or state["Type"] == "Succeed"]

    assert len(last) == 2
    for state in last:
        assert (state["Type"], state["Result"]) == ("Pass", {})


def test_the_function_may_read_what_says_which_window_is_the_reference() -> None:
    resources = TEMPLATE["Resources"]
    variables = resources["ProfileObjectFunction"]["Properties"]["Environment"]["Variables"]
    (policy,) = resources["ProfileObjectRole"]["Properties"]["Policies"]
    allowed = {
        (action, statement["Resource"].rpartition(":")[2])
        for statement in policy["PolicyDocument"]["Statement"]
        if isinstance(statement["Resource"], str)
        for action in statement["Action"]
    }

    assert variables["RELEASE_PARAMETER"] == "ReleaseParameter"
    assert ("ssm:GetParameters", "parameter${ReleaseParameter}") in allowed
    assert ("s3:GetObject", "${ArtifactBucket}/releases/*") in allowed
