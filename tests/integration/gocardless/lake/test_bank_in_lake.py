"""The bank in a lake beside the bank in a file: the same answers lead to the same tables."""

import signal
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest
from tests.integration.gocardless.conftest import NOON
from tests.integration.gocardless.lake.bank_processes import sync, sync_of_process

from gocardless.opening import LOCATION
from sandboxes.bank.bank import Bank, SandboxState, account_uuid
from sandboxes.bank.ledger import believable_months
from sandboxes.bank.server import RunningSandbox, sandbox_server
from sandboxes.waiting import wait_until
from shared_lib.warehouse import read_location

ACCOUNTS = 6
DAYS = 3
# of another start of the sandbox, or another time
_OF_THE_RUN = {"raw.applied_migrations", "raw.gc_requisitions"}

Tables = dict[str, list[tuple]]


def bank() -> SandboxState:
    """A bank whose accounts have months behind them, and days to come."""
    state = SandboxState()
    state.clock.set(NOON)
    accounts = [
        believable_months(
            account_uuid(number), "EUR", until=NOON.date() + timedelta(days=DAYS), days=30,
            seed=number,
        )
        for number in range(ACCOUNTS)
    ]  # fmt: skip
    state.connect(Bank("ONE_ONEEDEFF", "Bank One"), accounts)
    return state


def tables() -> Tables:
    """All rows of all tables, wherever they are."""
    with read_location(LOCATION) as connection:
        names = connection.execute(
            "select schema_name || '.' || table_name, list(column_name order by column_name) "
            "from duckdb_columns() where database_name = current_database() "
            "and schema_name in ('raw', 'unified') group by all"
        ).fetchall()
        return {
            table: sorted(
                connection.execute(f"select {', '.join(columns)} from {table}").fetchall(),
                key=repr,
            )
            for table, columns in names
            if table not in _OF_THE_RUN
        }


def sync_days(state: SandboxState, server: RunningSandbox, days: range) -> None:
    for day in days:
        now = NOON + timedelta(days=day)
        state.clock.set(now)
        sync(server.url, now)


@pytest.fixture
def tables_of_file(data: Path, monkeypatch: pytest.MonkeyPatch) -> Tables:
    """What the file has after some days; it is not there any more."""
    state = bank()
    with monkeypatch.context() as patch, sandbox_server(state) as server:
        patch.delenv("WAREHOUSE", raising=False)
        sync_days(state, server, range(DAYS))
        found = tables()
    (data / "gocardless.duckdb").unlink()
    return found


def test_a_sync_that_is_killed_goes_on_and_the_lake_has_the_rows_of_the_file(
    tables_of_file: Tables, variables: Mapping[str, str], processes: ForkServerContext
) -> None:
    state = bank()
    state.latency_seconds = 0.05

    def asked() -> Counter[str]:
        return Counter(path.split("/")[4] for _, path in state.calls if "/transactions/" in path)

    with sandbox_server(state) as server:
        killed = processes.Process(
            target=sync_of_process, args=(variables, server.url, NOON, None, None)
        )
        killed.start()
        wait_until(lambda: asked().total() >= ACCOUNTS // 2, seconds=300)
        killed.kill()
        killed.join()
        assert killed.exitcode == -signal.SIGKILL
        before = asked()
        state.latency_seconds = 0
        sync_days(state, server, range(DAYS))
    # what had been answered was not asked again on that day
    twice = asked().total() - ACCOUNTS * DAYS
    assert twice <= 1
    assert before.total() >= ACCOUNTS // 2
    found = tables()
    assert found.keys() == tables_of_file.keys()
    assert len(found["unified.transactions"]) > 100
    for table, rows in tables_of_file.items():
        # the call that was under way is one that the bank has counted
        if not (twice and table == "raw.gc_call_budget"):
            assert found[table] == rows, table
