"""The whole job in Dagster, against the sandbox that a new user gets."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

from gocardless.api.reachability import BASE_URL_VARIABLE
from gocardless.definitions import defs
from gocardless.sandbox.bank import demonstration
from gocardless.sandbox.server import RunningSandbox, sandbox_server
from shared_lib.warehouse import read_warehouse

JOB = "gocardless_sync_job"


@pytest.fixture
def platform_with_sandbox(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[RunningSandbox]:
    """A platform without data whose API is the sandbox."""
    with sandbox_server(demonstration()) as running:
        monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
        monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
        monkeypatch.delenv("SECRETS_BACKEND", raising=False)
        monkeypatch.setenv(BASE_URL_VARIABLE, running.url)
        monkeypatch.setenv("GOCARDLESS_API__SECRET_ID", running.state.secret_id)
        monkeypatch.setenv("GOCARDLESS_API__SECRET_KEY", running.state.secret_key)
        yield running


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


def execute(instance: dg.DagsterInstance, **ops: object) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(JOB).execute_in_process(
        instance=instance, raise_on_error=False, run_config={"ops": ops}
    )


def test_the_job_ends_in_the_true_ledger_and_a_second_run_changes_nothing(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    state = platform_with_sandbox.state
    today = state.clock.now().date()
    first = execute(instance)
    assert first.success
    checks = {check.check_name: check for check in first.get_asset_check_evaluations()}
    assert all(check.passed for check in first.get_asset_check_evaluations()), checks
    assert set(checks) == {"accounts_answered", "entries_readable", "connections_not_expiring"}
    truth = Counter(
        (account.account_id, item.amount, item.text)
        for connection in state.connections
        for account in connection.accounts
        for item in account.ledger.transactions
        if item.is_booked(today)
        and item.booking_date(today) >= today - timedelta(days=connection.max_historical_days)
    )
    assert synced(tmp_path) == truth
    assert len(truth) > 500
    count = len(state.calls)
    assert execute(instance).success
    assert synced(tmp_path) == truth
    # a token, and the lists that count against no bank's limit
    assert len(state.calls) - count <= 6
    assert not [path for _, path in state.calls[count:] if "/accounts/" in path]


def synced(data: Path) -> Counter:
    with read_warehouse(data / "gocardless.duckdb") as connection:
        return Counter(
            connection.execute(
                "select account_id, amount, description from unified.transactions "
                "where status = 'booked'"
            ).fetchall()
        )


def test_a_limited_account_is_a_warning_and_the_run_succeeds(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance
) -> None:
    platform_with_sandbox.state.banks[0].calls_a_day = 0
    result = execute(instance)
    assert result.success
    warned = {
        (check.asset_key.path[-1], check.severity.value)
        for check in result.get_asset_check_evaluations()
        if not check.passed
    }
    assert warned == {
        ("account_details", "WARN"),
        ("account_balances", "WARN"),
        ("transactions", "WARN"),
    }


def test_an_unknown_connection_fails_the_run_with_a_message(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance
) -> None:
    result = execute(
        instance,
        source__gocardless__extract__bank_accounts={"config": {"connection_id": "nonsense"}},
    )
    assert not result.success
    errors = [event.step_failure_data.error for event in result.get_step_failure_events()]
    assert any("is not a UUID: give the id" in str(error) for error in errors)


def test_without_credentials_the_run_says_what_to_set(
    platform_with_sandbox: RunningSandbox,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GOCARDLESS_API__SECRET_ID", "")
    monkeypatch.setenv("GOCARDLESS_API__SECRET_KEY", "")
    result = execute(instance)
    assert not result.success
    errors = [event.step_failure_data for event in result.get_step_failure_events()]
    assert any("set GOCARDLESS_API__<KEY>" in str(error) for error in errors)
    assert platform_with_sandbox.state.calls == []


def test_nothing_runs_by_itself() -> None:
    repository = defs.get_repository_def()
    assert [schedule.name for schedule in repository.schedule_defs] == ["gocardless_daily_sync"]
    for schedule in repository.schedule_defs:
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert repository.sensor_defs == []
    assert not any(spec.automation_condition for spec in defs.resolve_all_asset_specs())
