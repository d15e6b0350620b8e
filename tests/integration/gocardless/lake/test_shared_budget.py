"""Budgets of calls and answers in Postgres, with processes that ask at once."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from multiprocessing.context import ForkServerContext
from pathlib import Path

import duckdb
import pytest
from tests.integration.gocardless.conftest import NOON, ledger
from tests.integration.gocardless.lake.bank_processes import SCOPE, ask_for_calls

from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.bank_api.client import Answer
from gocardless.bank_api.errors import NoAnswerError
from gocardless.bank_api.limits import Limit
from gocardless.extraction.budget import Settlement
from gocardless.extraction.journal import Received, Wording
from gocardless.extraction.operational.shared import shared_state
from gocardless.opening import bank_tables
from sandboxes.bank.bank import Bank, SandboxState
from sandboxes.bank.server import sandbox_server
from sandboxes.ports import reserved_port
from shared_lib.warehouse import WarehouseSettingError
from shared_lib.warehouse.lake.catalog import CatalogUnreachableError, open_catalog

PROCESSES = 10
CALLS = 4
ACCOUNT = "an account"


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """Raw tables, which have the copies of budgets."""
    with duckdb.connect() as opened:
        create_gocardless_tables(opened)
        yield opened


def test_of_ten_processes_that_ask_at_once_as_many_get_a_call_as_are_left(
    variables: Mapping[str, str],
    connection: duckdb.DuckDBPyConnection,
    processes: ForkServerContext,
) -> None:
    account = ledger(0)
    state = SandboxState()
    state.clock.set(NOON)
    state.connect(Bank("ONE_ONEEDEFF", "Bank One", calls_a_day=CALLS), [account])
    with shared_state(connection) as shared:
        shared.budget(SCOPE).allow([account.account_id], calls=CALLS, now=NOON)
    all_at_once, made = processes.Barrier(PROCESSES), processes.Queue()
    with sandbox_server(state) as server:
        asking = [
            processes.Process(
                target=ask_for_calls,
                args=(variables, server.url, account.account_id, NOON, 2, all_at_once, made),
            )
            for _ in range(PROCESSES)
        ]
        for process in asking:
            process.start()
        granted = [made.get() for _ in asking]
        for process in asking:
            process.join()
    # one that had asked the bank for more would have ended with its refusal
    assert [process.exitcode for process in asking] == [0] * PROCESSES
    assert sum(granted) == CALLS
    assert len([path for _, path in state.calls if "/balances/" in path]) == CALLS
    with shared_state(connection) as shared:
        [decision] = shared.budget(SCOPE).decide([account.account_id], now=NOON)
        assert decision.limited_until == NOON + timedelta(days=1)
        shared.budget(SCOPE).allow([account.account_id], calls=CALLS, now=NOON)
        assert shared.budget(SCOPE).reserve([account.account_id], now=NOON) == {
            account.account_id: decision.reason
        }
        next_day = NOON + timedelta(days=1)
        assert shared.budget(SCOPE).reserve([account.account_id], now=next_day) == {}


@pytest.mark.usefixtures("variables")
def test_while_nobody_knows_how_many_are_left_one_asks_and_its_end_lets_the_next(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    with shared_state(connection) as others:
        with shared_state(connection) as first:
            assert first.budget(SCOPE).reserve([ACCOUNT], now=NOON) == {}
            refused = others.budget(SCOPE).reserve([ACCOUNT, "another"], now=NOON)
            assert list(refused) == [ACCOUNT]
            assert "another run is asking" in refused[ACCOUNT]
        # it has ended without a settlement
        assert others.budget(SCOPE).reserve([ACCOUNT], now=NOON) == {}
        with open_catalog() as catalog, shared_state(connection) as third:
            # as a death ends a session, which Postgres notices in its own time
            catalog.run(
                "select pg_terminate_backend(split_part(asker, ' ', 1)::integer, 60000) "
                "from bank.call_budget where asker is not null"
            )
            assert third.budget(SCOPE).reserve([ACCOUNT], now=NOON) == {}
            settled = Settlement(ACCOUNT, Limit(4, 2, 3_600), answered_at=NOON)
            third.budget(SCOPE).settle([settled], now=NOON)
            left = [third.budget(SCOPE).reserve([ACCOUNT], now=NOON) for _ in range(3)]
    assert [list(one) for one in left] == [[], [], [ACCOUNT]]


@pytest.mark.usefixtures("variables")
def test_an_answer_that_comes_late_gives_no_call_back_that_others_have_spent(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    def remaining() -> tuple[int, ...]:
        return connection.execute("select remaining from raw.gc_call_budget").fetchall()[0]

    with shared_state(connection) as shared:
        budget = shared.budget(SCOPE)
        budget.allow([ACCOUNT], calls=4, now=NOON)
        for _ in range(3):
            assert budget.reserve([ACCOUNT], now=NOON) == {}
        # when the bank sent it, it had one of the three calls
        first = Settlement(ACCOUNT, Limit(4, 3, 86_400), answered_at=NOON)
        budget.settle([first], now=NOON)
        assert remaining() == (1,)
        budget.settle([first], now=NOON)
        assert remaining() == (1,)
        assert budget.has_settled(ACCOUNT, answered_at=NOON)
        # a call that fails counts for nothing
        failed = Settlement.of_error(ACCOUNT, NoAnswerError("no answer"))
        budget.settle([failed], now=NOON)
        assert remaining() == (2,)


@pytest.mark.usefixtures("variables")
def test_a_budget_of_a_file_goes_on_in_postgres(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "insert into raw.gc_call_budget (account_id, scope, remaining, resets_at) "
        "values (?, ?, ?, ?)",
        [ACCOUNT, SCOPE, 1, (NOON + timedelta(hours=1)).replace(tzinfo=None)],
    )
    with shared_state(connection) as shared:
        budget = shared.budget(SCOPE)
        assert [one.reason for one in budget.decide([ACCOUNT], now=NOON)] == [None]
        assert budget.reserve([ACCOUNT], now=NOON) == {}
        [decision] = budget.decide([ACCOUNT], now=NOON)
        assert decision.limited_until == NOON + timedelta(hours=1)


@pytest.mark.usefixtures("variables")
def test_answers_are_in_postgres_until_they_are_taken(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    wording = Wording[str](lambda text: [text], lambda text: text)
    text = '{"transactions": {"booked": []}}\r\n\n\u2028 \u00e9 \U0001f389 \\u0000'
    received = Received("one/two", Answer(text, Limit(4, 3, 86_400)), NOON)
    with shared_state(connection) as shared:
        journal = shared.journal("transactions", wording)
        journal.keep(received)
        # another machine, and another scope
        assert shared.journal("balances", wording).left(["one/two"]) == []
        assert journal.left(["one/two", "three"]) == ["one/two"]
        assert journal.read("one/two") == received
        assert "bank.answers" in journal.set_aside("one/two", because="it is broken")
        assert journal.left(["one/two"]) == []
        journal.forget(["one/two"])
        journal.keep(received)
        journal.forget(["one/two", "three"])
        assert journal.left(["one/two"]) == []


@pytest.mark.usefixtures("variables")
def test_a_postgres_that_does_not_answer_is_named_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, connection: duckdb.DuckDBPyConnection
) -> None:
    port = reserved_port()
    monkeypatch.setenv("WAREHOUSE_CATALOG", f"postgresql://postgres@127.0.0.1:{port}/bank")
    message = rf"does not answer at 127\.0\.0\.1:{port} \(database bank, user postgres\): check WAR"
    with pytest.raises(CatalogUnreachableError, match=message), bank_tables("a command"):
        pytest.fail("it was opened")
    with pytest.raises(CatalogUnreachableError, match=message), shared_state(connection):
        pytest.fail("it was opened")


@pytest.mark.usefixtures("variables")
def test_tables_that_are_still_in_the_file_are_not_begun_anew(data: Path) -> None:
    data.mkdir()
    duckdb.connect(str(data / "gocardless.duckdb")).close()
    with (
        pytest.raises(WarehouseSettingError, match=r"gocardless\.warehouse migrate --to lake"),
        bank_tables("a command"),
    ):
        pytest.fail("it was opened")
