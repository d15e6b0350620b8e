"""An instance as the repository configures it, and a Slack to tell."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.slack_server import (
    TOKEN,
    SlackServer,
    slack_server,
)

from orchestration_platform.alerts.policies import Policy, load_policies
from orchestration_platform.alerts.slack_api import SlackWebApi
from orchestration_platform.alerts.watch import Pass, open_database, run_pass

REPOSITORY = Path(__file__).parents[4]

Watch = Callable[..., Pass]


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path)
    with dg.DagsterInstance.get() as found:
        yield found
    open_database.cache_clear()


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    # the pace is tested where it is the subject
    with slack_server(seconds_between_messages=0.0) as server:
        yield server


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Waits as short as a test can bear."""
    from orchestration_platform.alerts import outbox

    monkeypatch.setattr(outbox, "SECONDS_BETWEEN_CALLS", 0.0)
    monkeypatch.setattr(outbox, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(outbox, "CLAIM_SECONDS", 2.0)
    monkeypatch.setattr(outbox, "_LONGEST_PAUSE_SECONDS", 0.2)
    return monkeypatch


@pytest.fixture
def watch(instance: dg.DagsterInstance, slack: SlackServer, quick: pytest.MonkeyPatch) -> Watch:
    """A pass over the instance; the first one, which only takes note, is done."""
    api = SlackWebApi(api_url=slack.url, timeout_seconds=1.0)

    def run(policies: list[Policy] | None = None, seconds: float = 3.0) -> Pass:
        return run_pass(
            instance,
            policies=policies or load_policies(),
            slack=api,
            token=TOKEN,
            sending_seconds=seconds,
        )

    run()
    return run
