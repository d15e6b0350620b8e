"""The bank in a lake beside the bank in a file: the same answers lead to the same tables."""

import signal
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.integration.gocardless.conftest import NOON, ledger
from tests.integration.gocardless.lake.bank_processes import sync, sync_of_process

from gocardless.opening import LOCATION
from sandboxes.bank.bank import Bank, SandboxState, account_uuid
from sandboxes.bank.ledger import believable_months
from sandboxes.bank.server import RunningSandbox, sandbox_server
from sandboxes.waiting import wait_until
from shared_lib.secrets.redaction.forms import written_forms
from shared_lib.warehouse import read_location
from shared_lib.warehouse.lake.catalog import open_catalog
from shared_lib.warehouse.lake.claim import ALL, Claim, ClaimLostError, claimed
from shared_lib.warehouse.transaction import guarded, transaction

ACCOUNTS = 4
DAYS = 2
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


def tables(*, without: Collection[str] = ()) -> Tables:
    """All rows of all tables, wherever they are, with all columns but some."""
    with read_location(LOCATION) as connection:
        return tables_of(connection, without=without)


def tables_of(connection: duckdb.DuckDBPyConnection, *, without: Collection[str] = ()) -> Tables:
    """The same of a warehouse that is open."""
    names = connection.execute(
        "select schema_name || '.' || table_name, list(column_name order by column_name) "
        "from duckdb_columns() where database_name = current_database() "
        "and schema_name in ('raw', 'unified') and not list_contains($without, column_name) "
        "group by all",
        {"without": list(without)},
    ).fetchall()
    return {
        table: sorted(
            connection.execute(f"select {', '.join(columns)} from {table}").fetchall(), key=repr
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


def written_to_postgres() -> str:
    """Every row of every table, as text; bytes as hexadecimal and as the text that they are."""
    with open_catalog() as catalog:
        names = catalog.run(
            "select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables "
            "where schemaname not in ('pg_catalog', 'information_schema')"
        )
        rows = [row for (name,) in names for row in catalog.run(f"select * from {name}")]
    values = [value for row in rows for value in row]
    texts = [bytes(value) for value in values if isinstance(value, memoryview)]
    return "\n".join(
        [*map(str, values), *(text.hex() for text in texts), *map(str, texts)]
    )  # fmt: skip


@pytest.mark.parametrize("point", ["while the banks answer", "before answers are forgotten"])
def test_a_sync_that_is_killed_goes_on_and_the_lake_has_the_rows_of_the_file(
    point: str,
    tables_of_file: Tables,
    variables: Mapping[str, str],
    processes: ForkServerContext,
) -> None:
    is_answering = point == "while the banks answer"
    state = bank()
    state.latency_seconds = 0.05 if is_answering else 0

    def asked() -> Counter[str]:
        return Counter(path.split("/")[4] for _, path in state.calls if "/transactions/" in path)

    with sandbox_server(state) as server:
        killed = processes.Process(
            target=sync_of_process,
            args=(variables, server.url, NOON, None),
            kwargs={"kills_itself": not is_answering},
        )
        killed.start()
        if is_answering:
            wait_until(lambda: asked().total() >= ACCOUNTS // 2, seconds=300)
            killed.kill()
        killed.join()
        assert killed.exitcode == -signal.SIGKILL
        # while Postgres takes the dead one for alive, its calls are under way
        wait_until(lambda: not calls_under_way())
        before = asked()
        if not is_answering:
            # they are in the lake, and Postgres still has them
            assert transactions_in_postgres() == ACCOUNTS
            with read_location(LOCATION) as connection:
                fetches = connection.execute("select count(*) from raw.gc_fetches").fetchall()
            assert fetches == [(ACCOUNTS,)]
        state.latency_seconds = 0
        sync_days(state, server, range(DAYS))
        tokens = server.routes.tokens.issued()
    # what had been answered was not asked again on that day
    twice = asked().total() - ACCOUNTS * DAYS
    assert twice <= is_answering
    assert before.total() >= (ACCOUNTS // 2 if is_answering else ACCOUNTS)
    assert transactions_in_postgres() == 0
    found = tables()
    assert found.keys() == tables_of_file.keys()
    assert len(found["unified.transactions"]) > 100
    for table, rows in tables_of_file.items():
        # the call that was under way is one that the bank has counted
        if not (twice and table == "raw.gc_call_budget"):
            assert found[table] == rows, table

    # the killed one's token was used until its end, and nothing that is stored has it
    assert [path.split("/")[4] for _, path in state.calls if "/token/" in path] == [
        "new", "refresh"
    ]  # fmt: skip
    written = f"{written_to_postgres()}\n{found}"
    assert b"gAAAA".hex() in written, "the tokens' row, as encrypted"
    for secret in [*tokens, state.secret_key]:
        for form in written_forms(secret):
            assert form not in written
            assert form.encode().hex() not in written


def calls_under_way() -> list[tuple[Any, ...]]:
    """The calls of sessions that are alive, as Postgres knows it."""
    with open_catalog() as catalog:
        return catalog.run(
            "select account_id from bank.call_budget inner join pg_stat_activity "
            "on asker = pid::text || ' ' || backend_start::text"
        )


def transactions_in_postgres() -> int:
    """How many answers about transactions Postgres has."""
    with open_catalog() as catalog:
        return catalog.run("select count(*) from bank.answers where scope = 'transactions'")[0][0]


def two_banks() -> SandboxState:
    """Two connections of two banks."""
    state = SandboxState()
    state.clock.set(NOON)
    state.connect(Bank("ONE_ONEEDEFF", "Bank One"), [ledger(0), ledger(1)])
    state.connect(Bank("TWO_TWOEDEFF", "Bank Two"), [ledger(2)])
    return state


# in the order of the answers, which two processes do not share
_NUMBERS = ("fetch_number", "first_fetch_number", "last_fetch_number", "transaction_key")


def test_two_connections_that_are_synced_at_once_end_as_one_after_the_other(
    data: Path,
    variables: Mapping[str, str],
    processes: ForkServerContext,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = NOON + timedelta(days=1)
    state = two_banks()
    with monkeypatch.context() as patch, sandbox_server(state) as server:
        patch.delenv("WAREHOUSE")
        sync(server.url, NOON)
        state.clock.set(later)
        for connection in state.connections:
            sync(server.url, later, connection_id=connection.requisition_id)
        expected = tables(without=_NUMBERS)
    (data / "gocardless.duckdb").unlink()

    state = two_banks()
    # each waits for the other while it holds the right to write its connection
    both = processes.Barrier(2)
    with sandbox_server(state) as server:
        sync(server.url, NOON)
        state.clock.set(later)
        runs = [
            processes.Process(
                target=sync_of_process,
                args=(variables, server.url, later, connection.requisition_id, both),
            )
            for connection in state.connections
        ]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    found = tables(without=_NUMBERS)
    for table, rows in expected.items():
        assert found[table] == rows, table
    with read_location(LOCATION) as connection:
        assert connection.execute(
            "select count(*), count(distinct fetch_number), max(fetch_number) from raw.gc_fetches"
        ).fetchall() == [(6, 6, 6)]


@pytest.mark.usefixtures("variables")
def test_a_run_of_all_connections_and_one_of_a_single_one_end_each_others_claims() -> None:
    def write(claim: Claim, connection: duckdb.DuckDBPyConnection) -> None:
        with guarded(connection, claim.written), transaction(connection):
            connection.execute("create table if not exists written (holder varchar)")
            connection.execute("insert into written values (?)", [claim.holder])

    def taken(part: str, holder: str) -> AbstractContextManager:
        return claimed(LOCATION, part=part, holder=holder, shares_rows=True)

    with taken(ALL, "first") as first, taken("one", "second") as second:
        with pytest.raises(ClaimLostError, match="taken over by second"):
            write(*first)
        write(*second)
        with taken("two", "third") as third:
            write(*third)
            write(*second)
            # both believe that it is their turn
            with pytest.raises(duckdb.TransactionException, match="conflict"):
                _write_at_once(second, third)
            with taken(ALL, "fourth") as fourth:
                write(*fourth)
                for lost in (second, third):
                    with pytest.raises(ClaimLostError, match="taken over by fourth"):
                        write(*lost)


def _write_at_once(*writers: tuple[Claim, duckdb.DuckDBPyConnection]) -> None:
    with ExitStack() as stack:
        for claim, connection in writers:
            stack.enter_context(transaction(connection))
            claim.confirm(connection)
            connection.execute("insert into written values (?)", [claim.holder])
