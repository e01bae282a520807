from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from infra.local import tools
from infra.local.deploy import read_template
from infra.profiles import NoProfile, as_override, parse_parameter, read_profile


@pytest.mark.parametrize("name", ["local", "prod"])
def test_a_profile_sets_only_parameters_that_the_template_has(name: str) -> None:
    assert {*read_profile(name).parameters} <= {*read_template()["Parameters"]}


def test_the_local_profile_makes_nothing_that_costs_and_asks_for_no_key() -> None:
    declared = read_template()["Parameters"]
    defaults = {name: str(one.get("Default", "")) for name, one in declared.items()}
    effective = {**defaults, **read_profile("local").parameters}
    switches = ("CreateNetwork", "CreateMlflow", "GradualDeployment", "ConfigKeyRequired")
    assert {effective[name] for name in switches} == {"false"}


def test_only_on_a_laptop_an_experiment_may_end_before_it_has_seen_a_week() -> None:
    assert read_profile("local").parameters["MinExperimentHours"] == "0"
    assert "MinExperimentHours" not in read_profile("prod").parameters
    assert read_template()["Parameters"]["MinExperimentHours"]["Default"] == 168


def test_the_aws_profile_makes_what_is_missing_and_keeps_the_key() -> None:
    parameters = read_profile("prod").parameters
    assert {name for name, value in parameters.items() if value == "true"} == {
        "CreateNetwork",
        "CreateMlflow",
        "GradualDeployment",
    }
    assert read_template()["Parameters"]["ConfigKeyRequired"]["Default"] == "true"


def test_a_missing_profile_is_named_beside_those_that_are_there(tmp_path: Path) -> None:
    config = tmp_path / "samconfig.toml"
    config.write_text('version = 0.1\n[one.deploy.parameters]\nstack_name = "s"\n[two.build.parameters]\n')
    assert read_profile("one", config).stack_name == "s"
    with pytest.raises(NoProfile, match="no profile 'two'; it has one"):
        read_profile("two", config)


def test_a_parameter_may_hold_any_value_but_needs_a_name() -> None:
    assert parse_parameter("Subnets=a,b=c") == ("Subnets", "a,b=c")
    for wrong in ("Subnets", "=x", "Sub nets=x"):
        with pytest.raises(ValueError, match="Name=value"):
            parse_parameter(wrong)


def test_sam_reads_every_value_as_it_was_given() -> None:
    values = {"A": "", "B": "cron(0 6 * * ? *)", "C": '{"a": 1, "b": "x y"}', "D": "https://host/path?a=b,c"}
    program = (
        "import json, sys; from samcli.cli.types import CfnParameterOverridesType;"
        "print(json.dumps(CfnParameterOverridesType().convert(tuple(sys.argv[1:]), None, None)))"
    )
    overrides = [as_override(name, value) for name, value in values.items()]
    command = [str(tools.SAM_PYTHON), "-c", program, *overrides]
    read = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(read) == values
