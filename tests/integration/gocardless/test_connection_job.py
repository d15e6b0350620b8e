"""The job for one connection: through a web server as an application would, and in process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.dagster_client.conftest import running_webserver

from gocardless.definitions import defs
from gocardless.jobs import (
    CONNECTION_JOB,
    ENABLE_BANKING_CONNECTION_JOB,
    WildcardConfigError,
    expand,
)
from sandboxes.bank.server import RunningSandbox
from shared_lib.warehouse import read_warehouse, write_warehouse

pytest_plugins = ("tests.integration.gocardless.bank_platform",)

OF_NOBODY = "0b5f2a34-7d18-4c0e-9a61-3f1d2c8e9b70"
OF_ANOTHER = "5d0a6a1e-2f3b-4c59-8d57-6f1c9e0b7a42"


def execute(instance: dg.DagsterInstance, run_config: dict[str, Any]) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(CONNECTION_JOB).execute_in_process(
        instance=instance, raise_on_error=False, run_config=run_config
    )


def about(connection_id: str, **config: Any) -> dict[str, Any]:
    return {"ops": {"*": {"config": {"connection_id": connection_id, **config}}}}


def test_everything_that_it_touches_is_that_connections(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance, synced: Path
) -> None:
    state = platform_with_sandbox.state
    chosen = state.connections[1]
    own = [account.account_id for account in chosen.accounts]
    with write_warehouse(synced) as connection:
        # as if the others had something to be done too, and each something to be lost
        connection.execute("delete from unified.transaction_tags")
        connection.execute("delete from unified.synced_fetches")
        connection.execute("delete from unified.opening_balances")
        connection.execute("update unified.accounts set name = 'as it was'")
        connection.execute("update unified.transactions set description = description || ' '")
    before = other_rows(synced, chosen.requisition_id, own)
    count = len(state.calls)

    result = execute(instance, about(chosen.requisition_id, refresh=True))

    assert result.success
    assert other_rows(synced, chosen.requisition_id, own) == before
    assert min(map(len, before.values())) > 0
    asked = [path for _, path in state.calls[count:] if "/token/" not in path]
    assert len(asked) >= 3 * len(own)
    assert all(any(account in path for account in own) for path in asked), asked
    with read_warehouse(synced) as connection:
        names = connection.execute(
            "select distinct name = 'as it was' from unified.accounts where connection_id = ?",
            [chosen.requisition_id],
        ).fetchall()
        tagged = connection.execute(
            "select count(*) from unified.transaction_tags as t "
            "inner join unified.transactions using (transaction_key) "
            "where list_contains(?, account_id)",
            [own],
        ).fetchall()
    assert names == [(False,)]
    assert tagged > [(0,)]


def other_rows(warehouse: Path, connection_id: str, own: list[str]) -> dict[str, list]:
    """All rows of all tables that are not of the connection."""
    found = {}
    with read_warehouse(warehouse) as connection:
        tables = connection.execute(
            "select schema_name, table_name, list(column_name) from duckdb_columns() "
            "where schema_name in ('raw', 'unified') group by all order by all"
        ).fetchall()
        for schema, table, columns in tables:
            where = "true"
            if "account_id" in columns:
                where = f"not list_contains({own}, account_id)"
            elif "transaction_key" in columns:
                where = (
                    "transaction_key not in (select transaction_key from unified.transactions "
                    f"where list_contains({own}, account_id))"
                )
            elif "fetch_number" in columns:
                where = (
                    "fetch_number not in (select fetch_number from raw.gc_fetches "
                    f"where list_contains({own}, account_id))"
                )
            elif "connection_id" in columns:
                where = f"connection_id <> '{connection_id}'"
            rows = connection.execute(
                f"from {schema}.{table} where {where} order by all"
            ).fetchall()
            if rows:
                found[f"{schema}.{table}"] = rows
    return found


def test_global_assets_are_left_out() -> None:
    selected = {
        key.to_user_string()
        for key in defs.resolve_job_def(CONNECTION_JOB).asset_layer.selected_asset_keys
    }
    assert selected == {
        "source/gocardless/extract/bank_accounts",
        "source/gocardless/extract/account_details",
        "source/gocardless/extract/account_balances",
        "source/gocardless/extract/transactions",
        "sync/gocardless/accounts",
        "sync/gocardless/transactions",
        "sync/gocardless/balances",
        "sync/gocardless/transaction_tags",
    }


@pytest.mark.parametrize(
    ("connection_id", "message"),
    [("not-an-id", "is not a UUID: give the id"), (OF_NOBODY, "there is no connection")],
)
def test_an_unknown_or_malformed_id_fails_with_a_message(
    connection_id: str,
    message: str,
    platform_with_sandbox: RunningSandbox,
    instance: dg.DagsterInstance,
    synced: Path,
) -> None:
    count = len(platform_with_sandbox.state.calls)
    result = execute(instance, about(connection_id))
    assert not result.success
    errors = [event.step_failure_data.error for event in result.get_step_failure_events()]
    assert [message in str(error) for error in errors] == [True]
    assert not [
        path for _, path in platform_with_sandbox.state.calls[count:] if "/accounts/" in path
    ]


def test_an_inactive_connection_is_skipped_with_the_reason(
    platform_with_sandbox: RunningSandbox, instance: dg.DagsterInstance, synced: Path
) -> None:
    state = platform_with_sandbox.state
    chosen = state.connections[0]
    with write_warehouse(synced) as connection:
        connection.execute(
            "update raw.gc_requisitions set status = 'EX' where requisition_id = ?",
            [chosen.requisition_id],
        )
        connection.execute(
            "update unified.connections set status = 'expired' where connection_id = ?",
            [chosen.requisition_id],
        )
    count = len(state.calls)
    result = execute(instance, about(chosen.requisition_id, refresh=True))
    assert result.success
    assert not [path for _, path in state.calls[count:] if "/accounts/" in path]
    reasons = {
        event.asset_key.path[-2] + "/" + event.asset_key.path[-1]: str(
            event.materialization.metadata["skipped"].value
        )
        for event in result.get_asset_materialization_events()
        if "skipped" in event.materialization.metadata
    }
    assert reasons["extract/transactions"].endswith("has the status EX, not LN")
    assert reasons["gocardless/transactions"].endswith("is expired, not active")


def test_the_wildcard_is_written_out_for_every_step() -> None:
    connection_id = OF_NOBODY
    run_config = about(connection_id, refresh=True, retag=True)
    run_config["ops"]["sync__gocardless__transaction_tags"] = {"config": {"retag": False}}
    ops = expand(run_config)["ops"]
    assert {op["config"]["connection_id"] for op in ops.values()} == {connection_id}
    assert ops["source__gocardless__extract__transactions"]["config"]["refresh"]
    assert "refresh" not in ops["sync__gocardless__accounts"]["config"]
    assert not ops["sync__gocardless__transaction_tags"]["config"]["retag"]


@pytest.mark.parametrize(
    ("ops", "message"),
    [
        ({"*": {"config": {"colour": "red"}}}, "no step has the field colour"),
        ({"sync__gocardless__connections": {"config": {}}}, "sync__gocardless__connections is no"),
        (
            {"sync__gocardless__accounts": {"config": {"connection_id": OF_ANOTHER}}},
            "a run processes one connection",
        ),
    ],
)
def test_what_cannot_be_written_out_is_refused(ops: dict, message: str) -> None:
    every = {"connection_id": OF_NOBODY, **ops.get("*", {}).get("config", {})}
    with pytest.raises(WildcardConfigError, match=message):
        expand({"ops": {**ops, "*": {"config": every}}})


@pytest.mark.parametrize("job", [CONNECTION_JOB, ENABLE_BANKING_CONNECTION_JOB])
@pytest.mark.parametrize(
    ("ops", "message"),
    [
        ({"*": {"colour": "red"}}, 'unexpected config entry "colour" at path root:ops:*:config'),
        ({"*": {"refresh": "red"}}, "Invalid scalar at path root:ops:*:config:refresh"),
        ({"sync__gocardless__connections": {}}, 'entry "sync__gocardless__connections" at path'),
        (
            {"sync__gocardless__accounts": {"connection_id": OF_ANOTHER}},
            'entry "connection_id" at path root:ops:sync__gocardless__accounts:config',
        ),
        (
            {"sync__gocardless__transaction_tags": {"refresh": True}},
            'entry "refresh" at path root:ops:sync__gocardless__transaction_tags:config',
        ),
    ],
)
def test_dagster_names_what_the_job_does_not_take(job: str, ops: dict, message: str) -> None:
    entries = {step: {"config": config} for step, config in ops.items()}
    entries["*"] = {"config": {"connection_id": OF_NOBODY, **ops.get("*", {})}}
    with pytest.raises(dg.DagsterInvalidConfigError) as refused:
        dg.validate_run_config(defs.resolve_job_def(job), {"ops": entries})
    assert message in str(refused.value)


def test_the_command_triggers_it_through_a_webserver_and_waits(
    platform_with_sandbox: RunningSandbox, synced: Path, tmp_path: Path
) -> None:
    chosen = platform_with_sandbox.state.connections[1]
    location = "  - python_module: {module_name: gocardless.definitions}\n"
    with running_webserver(tmp_path, location) as dagster:

        def trigger(*options: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                [sys.executable, "-m", "shared_lib.dagster_client", "trigger", CONNECTION_JOB,
                 *options, "--wait"],
                env={**os.environ, "DAGSTER_WEBSERVER_URL": dagster.url,
                     "JOB_RUNS_DATABASE_URL": f"sqlite:///{tmp_path / 'job_runs.db'}"},
                capture_output=True, text=True, timeout=300,
            )  # fmt: skip

        before = len(platform_with_sandbox.state.calls)
        ended = trigger("--connection-id", chosen.requisition_id, "--for", "anna")
        asked = [path for _, path in platform_with_sandbox.state.calls[before:]]
        unknown = trigger("--connection-id", OF_NOBODY)
        mistyped = trigger("--config", json.dumps(about(chosen.requisition_id, foo=1)))
        with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
            run = instance.get_run_by_id(ended.stdout.strip())
    assert ended.returncode == 0, ended.stderr
    assert run is not None
    assert run.job_name == CONNECTION_JOB
    assert run.run_config["ops"]["*"]["config"]["connection_id"] == chosen.requisition_id
    own = {account.account_id for account in chosen.accounts}
    others = {account for path in asked for account in [path.split("/")[4]] if "/accounts/" in path}
    assert others <= own
    assert unknown.returncode == 1, unknown.stderr
    assert mistyped.returncode == 4, mistyped.stderr
    assert 'unexpected config entry "foo" at path root:ops:*:config' in mistyped.stderr
