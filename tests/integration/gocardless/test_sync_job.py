"""The whole job in Dagster, against the sandbox that a new user gets."""

import os
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from gocardless.bank_account_data.connected_accounts import KEY as CONNECTED_ACCOUNTS
from gocardless.definitions import defs
from sandboxes.bank.server import RunningSandbox
from shared_lib.warehouse import read_warehouse, write_warehouse

pytest_plugins = ("tests.integration.gocardless.bank_platform",)

JOB = "gocardless_sync_job"


def execute(instance: dg.DagsterInstance, **ops: object) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(JOB).execute_in_process(
        instance=instance, raise_on_error=False, run_config={"ops": ops}
    )


def test_the_job_ends_in_the_true_ledger_and_a_second_run_changes_nothing(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance, data: Path
) -> None:
    state = platform_with_sandbox.state
    today = state.clock.now().date()
    first = execute(instance)
    assert first.success
    checks = {check.check_name: check for check in first.get_asset_check_evaluations()}
    assert {name for name, check in checks.items() if not check.passed} <= {"budgets_kept"}
    assert set(checks) >= {
        "accounts_answered",
        "entries_readable",
        "connections_not_expiring",
        "closing_balances_match_the_bank",
        "budgets_kept",
        "cash_flow_is_all_that_was_booked",
        "bank_balances_have_each_day_once",
    }
    assert checks["closing_balances_match_the_bank"].metadata["reported_balances"].value == 4
    truth = Counter(
        (account.account_id, item.amount, item.text)
        for connection in state.connections
        for account in connection.accounts
        for item in account.ledger.transactions
        if item.is_booked(today)
        and item.booking_date(today) >= today - timedelta(days=connection.max_historical_days)
    )
    assert synced(data) == truth
    assert len(truth) > 500
    before = marts(data)
    count = len(state.calls)
    assert execute(instance).success
    assert synced(data) == truth
    assert marts(data) == before
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


def marts(data: Path) -> dict[str, list]:
    """What the marts hold, and what has been notified."""
    with read_warehouse(data / "gocardless.duckdb") as connection:
        return {
            relation: connection.execute(f"from {relation} order by all").fetchall()
            for relation in (
                "marts.bank_balances_daily",
                "marts.cash_flow_monthly",
                "marts.spend_by_tag_monthly",
                "unified.transaction_tags",
                "unified.budget_notifications",
            )
        }


def test_dbt_starts_from_the_parsed_project_and_leaves_the_simulations_alone(
    synced: Path, instance: dg.DagsterInstance, parsed_bank: Path
) -> None:
    parsed = parsed_bank / "target" / "gocardless" / "partial_parse.msgpack"
    before = parsed.read_bytes()
    target = os.environ["DBT_TARGET_PATH"]
    result = defs.resolve_job_def(JOB).execute_in_process(
        instance=instance, asset_selection=[dg.AssetKey("bank_balances_daily")]
    )
    assert result.success
    assert os.environ["DBT_TARGET_PATH"] == target
    logs = (parsed_bank / "target" / "gocardless").glob(
        f"bank_models-{result.run_id[:8]}-*/dbt.log"
    )
    (text,) = [path.read_text(encoding="utf-8") for path in logs]
    assert "Partial parsing enabled: 0 files deleted, 0 files added, 0 files changed" in text
    assert "Unable to do partial parsing" not in text
    assert parsed.read_bytes() == before
    assert list((parsed_bank / "target").iterdir()) == [parsed.parent]


def test_each_materialization_counts_the_calls_that_it_spent(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance
) -> None:
    state = platform_with_sandbox.state
    # an attempt that failed was a call too
    state.connections[0].accounts[0].failures["balances"] = ["ServiceError"]
    fetched = ("institutions", "requisitions", "bank_accounts", "account_balances")
    keys = [dg.AssetKey(["source", "gocardless", "extract", name]) for name in fetched]
    result = defs.resolve_job_def(JOB).execute_in_process(instance=instance, asset_selection=keys)
    calls: dict[dg.AssetKey, Any] = {
        event.asset_key: event.materialization.metadata["calls"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key
    }
    assert set(calls) == set(keys)
    [balances] = result.asset_materializations_for_node(
        "source__gocardless__extract__account_balances"
    )
    assert balances.metadata["cpu_seconds"].value
    assert sum(calls.values()) == len(state.calls)
    # a token, and each account once, but one twice
    accounts = sum(len(connection.accounts) for connection in state.connections)
    assert calls[keys[-1]] == 1 + accounts + 1


def test_the_connected_accounts_are_observed_without_a_call(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance, data: Path
) -> None:
    state = platform_with_sandbox.state
    listed = dg.AssetKey(["source", "gocardless", "extract", "requisitions"])

    def observe(*keys: dg.AssetKey) -> dg.AssetObservation:
        job = defs.resolve_job_def(JOB)
        keys = (*keys, CONNECTED_ACCOUNTS)
        assert job.execute_in_process(instance=instance, asset_selection=list(keys)).success
        [record] = instance.fetch_observations(CONNECTED_ACCOUNTS, limit=1).records
        assert record.asset_observation is not None
        return record.asset_observation

    first, calls = observe(listed), len(state.calls)
    accounts = [one for connection in state.connections for one in connection.accounts]
    assert first.metadata["accounts"].value == len(accounts)
    assert first.metadata["connections"].value == {"LN": len(state.connections)}
    again = observe()
    assert len(state.calls) == calls
    assert again.tags["dagster/data_version"] == first.tags["dagster/data_version"]
    for name in ("accounts", "connections", "dagster/last_updated_timestamp"):
        assert again.metadata[name] == first.metadata[name]
    # no id of an account is kept in the log of events
    shown = str([entry.value for entry in first.metadata.values()]) + str(first.tags)
    assert not [one for one in accounts if one.account_id in shown]
    with write_warehouse(data / "gocardless.duckdb") as connection:
        connection.execute("update raw.gc_requisitions set status = 'EX' where rowid = 0")
    assert observe().tags["dagster/data_version"] != first.tags["dagster/data_version"]


def test_a_limited_account_is_a_warning_and_the_run_succeeds(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance
) -> None:
    platform_with_sandbox.state.banks[0].calls_a_day = 0
    result = execute(instance)
    assert result.success
    warned = {
        (check.asset_key.path[-1], check.severity.value)
        for check in result.get_asset_check_evaluations()
        if not check.passed and check.check_name == "accounts_answered"
    }
    assert warned == {
        ("account_details", "WARN"),
        ("account_balances", "WARN"),
        ("transactions", "WARN"),
    }


def test_a_connection_that_is_about_to_expire_is_a_warning_with_the_date(
    synced: Path, instance: dg.DagsterInstance
) -> None:
    with write_warehouse(synced) as connection:
        # agreed for 90 days
        connection.execute(
            "update raw.gc_agreements set accepted_at = accepted_at - interval 80 day "
            "where institution_id like 'MERIDIAN%'"
        )
        connection_id, bank, ends = connection.execute(
            "select requisition_id, a.institution_id, "
            "(a.accepted_at + to_days(a.access_valid_for_days))::date::varchar "
            "from raw.gc_requisitions inner join raw.gc_agreements as a using (agreement_id) "
            "where a.institution_id like 'MERIDIAN%'"
        ).fetchone() or ("", "", "")

    def check(warn_days: int) -> dg.AssetCheckEvaluation:
        key = dg.AssetKey(["sync", "gocardless", "connections"])
        result = defs.resolve_job_def(JOB).execute_in_process(
            instance=instance,
            asset_selection=[key],
            run_config={
                "ops": {"sync__gocardless__connections": {"config": {"warn_days": warn_days}}}
            },
        )
        return result.get_asset_check_evaluations()[0]

    warned = check(14)
    assert (warned.passed, warned.severity.value) == (False, "WARN")
    assert warned.description == (
        f"{connection_id} ends on {ends}: its owner has to connect {bank} again with the link that "
        f"`python -m gocardless.connect --provider gocardless --bank {bank}` prints"
    )
    assert check(9).passed


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


def test_without_credentials_the_run_names_what_to_set(
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


def test_nothing_runs_automatically() -> None:
    repository = defs.get_repository_def()
    assert [schedule.name for schedule in repository.schedule_defs] == ["gocardless_daily_sync"]
    for schedule in repository.schedule_defs:
        assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert {sensor.name: sensor.default_status for sensor in repository.sensor_defs} == {
        "statement_files_dropped": dg.DefaultSensorStatus.STOPPED,
        "default_automation_condition_sensor": dg.DefaultSensorStatus.STOPPED,
    }
