"""What `make deploy` asks, says and runs, with CloudFormation on moto and without sam."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from infra.local.deploy import LAYER_PYTHON
from scripts import deploy

OUTPUTS = ("ApiUrl", "DataBucketName", "ConfigKeyId", "RouterFunctionName")
PLAIN = f"""
Parameters:
  TrainingImage: {{Type: String, Default: there}}
  AlarmEmail: {{Type: String, Default: me@example.org}}
Resources: {{Topic: {{Type: "AWS::SNS::Topic"}}}}
Outputs: {{{", ".join(f"{name}: {{Value: {name}-1}}" for name in OUTPUTS)}}}
"""


class Sam:
    """Stands for sam: notes commands, and on `deploy` makes the stack that is looked at afterwards."""

    def __init__(self, code: int = 0) -> None:
        self.code = code
        self.commands: list[list[str]] = []
        self.environments: list[Mapping[str, str]] = []

    def __call__(self, command: Sequence[str], env: Mapping[str, str]) -> int:
        self.commands.append([Path(command[0]).name, *command[1:]])
        self.environments.append(env)
        if command[1] == "deploy" and self.code == 0:
            make_stack()
        return self.code

    @property
    def overrides(self) -> set[str]:
        """Parameters of the last command."""
        last = self.commands[-1]
        return {text.replace('"', "") for text in last[last.index("--parameter-overrides") + 1 :]}


def make_stack() -> None:
    """Makes contender-prod, unless it is there."""
    client = boto3.client("cloudformation")
    if not client.list_stacks()["StackSummaries"]:
        client.create_stack(StackName="contender-prod", TemplateBody=PLAIN)


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "LAYER_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    # The alias is the emulator's business: see tests/integration/test_prod_profile.py.
    monkeypatch.setattr(deploy, "use_settings", lambda _function: None)
    with mock_aws():
        yield


def test_a_first_deployment_builds_and_deploys_with_the_profiles_parameters(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sam = Sam()
    assert deploy.main(["TrainingImage=uri", "CreateMlflow=false", "--yes"], run=sam) == 0
    assert [command[1] for command in sam.commands] == ["build", "deploy"]
    assert all(command[command.index("--config-env") + 1] == "prod" for command in sam.commands)
    assert sam.overrides == {
        "Stage=prod",
        "TrainingImage=uri",
        "CreateMlflow=false",
        "CreateNetwork=true",
        "GradualDeployment=true",
    }
    assert "--no-confirm-changeset" in sam.commands[-1]
    assert "LAYER_PYTHON" not in sam.environments[0]  # layers are built for Lambda's own
    said = capsys.readouterr().out
    assert "a VPC without NAT is made" in said
    assert "none; training fails without one" in said
    assert "export DATA_BUCKET=DataBucketName-1" in said
    assert "get-api-key" in said


def test_on_a_terminal_it_asks_for_what_a_first_deployment_needs() -> None:
    sam, asked = Sam(), []

    def ask(question: str) -> str:
        asked.append(question.split()[0])
        return {"TrainingImage": " uri ", "AlarmEmail": "me@example.org"}.get(asked[-1], "")

    assert deploy.main(["Subnets=a,b"], ask=ask, run=sam) == 0
    assert asked == [name for name in deploy.ASKED if name != "Subnets"]
    assert {"TrainingImage=uri", "AlarmEmail=me@example.org", "Subnets=a,b"} <= sam.overrides
    assert not any("InitialSplit" in text for text in sam.overrides)
    assert "--no-confirm-changeset" not in sam.commands[-1]


def test_without_a_terminal_what_is_missing_is_an_error_with_the_next_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    sam = Sam()
    assert deploy.main([], run=sam) == 1
    assert "scripts.push_image" in capsys.readouterr().err
    assert not sam.commands


def test_a_later_deployment_asks_nothing_and_leaves_the_rest_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_stack()
    sam = Sam()
    assert deploy.main(["BurstLimit=5"], ask=pytest.fail, run=sam) == 0
    assert not any("TrainingImage" in text for text in sam.overrides)
    said = capsys.readouterr().out
    assert "Updates contender-prod" in said
    assert "alarms      me@example.org" in said


def test_a_template_that_is_built_is_not_built_again() -> None:
    sam = Sam()
    assert deploy.main(["TrainingImage=uri", "--template", "built.yaml"], run=sam) == 0
    (command,) = sam.commands
    assert command[command.index("--template-file") + 1] == "built.yaml"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--stage", "moon"], "no profile 'moon'; it has local, prod"),
        (["Trainingimage=x"], "no parameter Trainingimage"),
        (["TrainingImage"], "write Name=value"),
    ],
)
def test_a_wrong_command_line_says_what_there_is(
    argv: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sam = Sam()
    assert deploy.main(argv, ask=pytest.fail, run=sam) == 1
    assert said in capsys.readouterr().err
    assert not sam.commands


def test_for_an_emulator_layers_are_built_for_its_interpreter() -> None:
    sam = Sam(code=1)
    deploy.main(["--stage", "local", "TrainingImage=uri"], run=sam)
    assert sam.environments[0]["LAYER_PYTHON"] == LAYER_PYTHON["local"]


def test_a_failure_of_sam_ends_the_deployment(capsys: pytest.CaptureFixture[str]) -> None:
    sam = Sam(code=3)
    assert deploy.main(["TrainingImage=uri"], ask=lambda _: "", run=sam) == 1
    assert len(sam.commands) == 1
    assert "sam build failed with exit code 3" in capsys.readouterr().err


def test_ctrl_c_at_a_question_ends_quietly() -> None:
    def interrupted(_question: str) -> str:
        raise KeyboardInterrupt

    assert deploy.main([], ask=interrupted, run=Sam()) == 130
