"""What ``platform_health`` reports about an instance and the secrets that the locations need."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.discovery.workspace import declared_secrets

VARIABLES = {
    "GOCARDLESS_API__SECRET_ID": "canary-secret-id",
    "GOCARDLESS_API__SECRET_KEY": "canary-secret-key",
    "GOCARDLESS_ENABLE_BANKING__APPLICATION_ID": "canary-application-id",
    "GOCARDLESS_ENABLE_BANKING__PRIVATE_KEY": "canary-private-key",
    "ORCHESTRATION_PLATFORM_SLACK__TOKEN": "canary-slack-token",
}

Evaluate = Callable[[], dict[str, dg.AssetCheckEvaluation]]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


@pytest.fixture
def evaluate(instance: dg.DagsterInstance) -> Evaluate:
    """Materialises the asset; returns its check evaluations by name."""
    from orchestration_platform.definitions import defs

    def run() -> dict[str, dg.AssetCheckEvaluation]:
        result = defs.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
        return {found.check_name: found for found in result.get_asset_check_evaluations()}

    return run


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_daemons_without_a_heartbeat_are_named(evaluate: Evaluate) -> None:
    alive = evaluate()["daemons_alive"]

    assert not alive.passed
    assert "SCHEDULER" in (alive.description or "")
    assert "is dagster-daemon running?" in (alive.description or "")


def test_runs_of_the_last_day_are_counted_and_older_ones_not(instance: dg.DagsterInstance) -> None:
    from orchestration_platform.health.platform_health import examine

    @dg.job
    def nothing() -> None: ...

    nothing.execute_in_process(instance=instance)
    now = datetime.now(UTC)

    assert examine(instance, now=now).runs == {"SUCCESS": 1}
    assert examine(instance, now=now + timedelta(hours=25)).runs == {}


def test_secrets_that_are_missing_are_named_with_what_to_do_and_who_needs_them(
    evaluate: Evaluate, variables: pytest.MonkeyPatch
) -> None:
    variables.setenv("GOCARDLESS_API__SECRET_ID", "canary-secret-id")

    reachable = evaluate()["secrets_reachable"]

    assert not reachable.passed
    assert reachable.severity is dg.AssetCheckSeverity.WARN
    description = reachable.description or ""
    assert "gocardless/api is missing: the secret gocardless/api lacks secret_key" in description
    assert "orchestration_platform/slack is missing" in description
    assert "ORCHESTRATION_PLATFORM_SLACK__<KEY>" in description
    assert reachable.metadata["gocardless/api"].value["needed_by"] == ["gocardless"]


API, ENABLE_BANKING, SLACK = "GOCARDLESS_API", "GOCARDLESS_ENABLE_BANKING", "ORCHESTRATION"


@pytest.mark.parametrize(
    ("configured", "problems"),
    [
        ([API, SLACK], []),
        ([ENABLE_BANKING, SLACK], []),
        ([SLACK], ["gocardless/api", "gocardless/enable_banking"]),
        ([API], ["orchestration_platform/slack"]),
        # one that is there in part is a mistake, whatever the other one is
        ([API, f"{ENABLE_BANKING}__APP", SLACK], ["gocardless/enable_banking"]),
        ([f"{API}__SECRET_ID", SLACK], ["gocardless/api", "gocardless/enable_banking"]),
    ],
)
def test_the_secret_of_one_of_the_two_bank_apis_is_enough(
    evaluate: Evaluate,
    variables: pytest.MonkeyPatch,
    configured: list[str],
    problems: list[str],
) -> None:
    for name, value in VARIABLES.items():
        if name.startswith(tuple(configured)):
            variables.setenv(name, value)

    reachable = evaluate()["secrets_reachable"]

    description = reachable.description or ""
    assert reachable.passed == (not problems)
    needs = [need.path for needs in declared_secrets().values() for need in needs]
    assert [path for path in needs if f"{path} is missing" in description] == problems
    assert ("one of gocardless/api, gocardless/enable_banking is enough" in description) == (
        len(problems) == 2
    )


def test_secrets_that_are_there_are_found_and_no_value_is_stored(
    evaluate: Evaluate, variables: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    for name, value in VARIABLES.items():
        variables.setenv(name, value)

    reachable = evaluate()["secrets_reachable"]

    assert reachable.passed
    [run] = instance.get_runs()
    stored = "".join(entry.to_json() for entry in instance.all_logs(run.run_id))
    assert "secrets_reachable" in stored
    assert "canary" not in stored


def test_every_declared_secret_has_a_line_in_the_example_of_variables() -> None:
    example = (REPOSITORY_ROOT / ".env.example").read_text()
    needs = [need for needs in declared_secrets().values() for need in needs]

    assert needs
    for need in needs:
        for key in need.keys:
            name = f"{need.path.replace('/', '_')}__{key}".upper()
            assert f"{name}=" in example


def test_without_an_approle_no_secret_id_can_end(evaluate: Evaluate) -> None:
    last = evaluate()["secret_ids_last"]

    assert last.passed
    assert last.description == "no location logs in with a secret id"
