from __future__ import annotations

import time

import pytest

from contender.adapters.ssm_parameters import SsmParameters
from contender.errors import NotFound, StoreUnavailable
from contender.ports import Parameters
from tests.contract.conftest import MakeClient
from tests.support.fakes import MemoryParameters


@pytest.fixture
def parameters(backend: str, client: MakeClient) -> Parameters:
    return MemoryParameters(clock=time.time) if backend == "fake" else SsmParameters(client("ssm"))


@pytest.fixture
def name(unique: str) -> str:
    return f"/contender/{unique}/split"


def test_versions_start_at_1_and_grow_with_every_change(parameters: Parameters, name: str) -> None:
    assert [parameters.put(name, value) for value in ("0.1", "0.2", "0.2")] == [1, 2, 3]
    found = parameters.get([name])[name]
    assert (found.value, found.version) == ("0.2", 3)
    assert abs(found.modified - time.time()) < 600


def test_a_change_is_never_older_than_what_it_replaces(parameters: Parameters, name: str) -> None:
    parameters.put(name, "0.1")
    before = parameters.get([name])[name]
    parameters.put(name, "0.2")
    assert parameters.get([name])[name].modified >= before.modified


def test_several_are_read_in_one_call_and_unknown_ones_are_absent(parameters: Parameters, name: str) -> None:
    parameters.put(name, "0.1")
    parameters.put(f"{name}-2", "releases/abc.json")
    found = parameters.get([name, f"{name}-2", f"{name}-3"])
    assert {key: parameter.value for key, parameter in found.items()} == {
        name: "0.1",
        f"{name}-2": "releases/abc.json",
    }
    assert parameters.get([f"{name}-3"]) == {}


def test_every_value_that_a_parameter_had_is_kept_the_present_one_first(
    parameters: Parameters, name: str
) -> None:
    with pytest.raises(NotFound):
        parameters.history(name)
    for number in range(12):
        parameters.put(name, f"0.{number}")
    kept = parameters.history(name)
    assert [(one.value, one.version) for one in kept[:3]] == [("0.11", 12), ("0.10", 11), ("0.9", 10)]
    assert len(kept) == 12


@pytest.mark.parametrize("backend", ["moto"], indirect=True)
def test_a_value_that_the_service_refuses_is_told(parameters: Parameters, name: str) -> None:
    with pytest.raises(StoreUnavailable, match="ssm"):
        parameters.put(name, "")


def test_without_a_service_every_call_says_which(nowhere: MakeClient, name: str) -> None:
    parameters = SsmParameters(nowhere("ssm"))
    calls = (
        lambda: parameters.get([name]),
        lambda: parameters.put(name, "0.1"),
        lambda: parameters.history(name),
    )
    for call in calls:
        with pytest.raises(StoreUnavailable, match=r"^ssm: ") as error:
            call()
        assert error.value.service == "ssm"
