"""Alert policies in a ``defs.yaml`` notify as those of ``alert_policies.yaml``."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from dagster_dg_cli.cli import cli
from tests.integration.components.conftest import loaded, project  # noqa: F401 - fixtures
from tests.integration.orchestration_platform.alerts.conftest import QUICK
from tests.support.failing_jobs import fail, other_job

from orchestration_platform.alerts.outbox.policies_in_force import InvalidPoliciesWarning
from orchestration_platform.components import AlertPolicies
from sandboxes.slack.server import TOKEN, SlackServer
from shared_lib.components.strict import example_of
from shared_lib.configuration.validated_yaml import ConfigurationError

Load = Callable[[Mapping[str, str]], dg.Definitions]

SENSOR = "slack_on_run_failure_sensor"
EXAMPLE = example_of(AlertPolicies)
WRONG = EXAMPLE.replace("event_types", "event_type")
LINE = next(n for n, text in enumerate(EXAMPLE.splitlines(), 1) if "event_types" in text)


def tick(definitions: dg.Definitions, instance: dg.DagsterInstance) -> str:
    repository = definitions.get_repository_def()
    with dg.build_sensor_context(
        instance=instance,
        repository_def=repository,
        sensor_name=SENSOR,
        resources={**repository.get_top_level_resources(), "alerts_timing": QUICK},
    ) as context:
        return repository.get_sensor_def(SENSOR).evaluate_tick(context).skip_message or ""


@pytest.fixture
def token(slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", TOKEN)
    monkeypatch.setenv("SLACK_API_URL", slack.url)


@pytest.mark.usefixtures("token")
def test_the_example_notifies_its_channel_and_a_mistake_leaves_it_in_force(
    loaded: Load,  # noqa: F811
    instance: dg.DagsterInstance,
    slack: SlackServer,
) -> None:
    secrets = "type: shared_lib.components.DeclaredSecrets\n"
    definitions = loaded({"alerts/defs.yaml": EXAMPLE, "secrets/defs.yaml": secrets})
    assert tick(definitions, instance) == "0 failures, 0 messages sent, 0 waiting"
    fail(instance, other_job)
    assert tick(definitions, instance).startswith("1 failures")
    assert [head.channel for head in slack.heads] == ["data"]

    with pytest.warns(
        InvalidPoliciesWarning, match=f"alerts/defs.yaml:{LINE}: attributes.alert_pol"
    ):
        definitions = loaded({"alerts/defs.yaml": WRONG})
    fail(instance)
    with pytest.raises(ConfigurationError, match="event_type: unknown key"):
        tick(definitions, instance)
    assert len(slack.heads) == 2


def test_dg_lists_scaffolds_and_checks_the_component(
    project: Callable[[Mapping[str, str]], Path],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = project({"wrong/defs.yaml": WRONG})
    monkeypatch.chdir(root)
    name = "orchestration_platform.components.AlertPolicies"

    listed = json.loads(CliRunner().invoke(cli, ["list", "components", "--json"]).output)["items"]
    [summary] = [entry["summary"] for entry in listed if entry["key"] == name]
    assert summary.startswith("The sensor that notifies people")

    checked = CliRunner().invoke(cli, ["check", "yaml"])
    place = f"{root}/src/shop/defs/wrong/defs.yaml:{LINE} - {name} "
    assert (checked.exit_code, place in checked.output) == (1, True), checked.output

    (root / "src/shop/defs/wrong/defs.yaml").unlink()
    scaffolded = CliRunner().invoke(cli, ["scaffold", "defs", name, "alerts"])
    assert scaffolded.exit_code == 0, scaffolded.output
    dg.Definitions.validate_loadable(dg.load_from_defs_folder(path_within_project=root / "src"))
