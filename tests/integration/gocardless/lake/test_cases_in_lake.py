"""Cases that exist for a file, in a lake: all of them as accounts of one, answered together."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.integration.gocardless.enable_banking.conftest import (
    BANK,
    client,
    opened,
    state,
    truth,
    url,
)
from tests.integration.gocardless.lake.test_bank_in_lake import tables_of
from tests.unit.gocardless import test_random_ledgers
from tests.unit.gocardless.test_random_ledgers import account, wrong

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.enable_banking.client import EnableBankingClient
from gocardless.enable_banking.models import NewSession
from gocardless.enable_banking.provider import ENABLE_BANKING
from gocardless.enable_banking.sessions import accounts_of_sessions, record_session
from gocardless.enable_banking.tables import create_enable_banking_tables
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.steps import Extraction, extract_balances, extract_transactions
from gocardless.extraction.transactions import record_transactions, window_of
from gocardless.opening import bank_tables
from gocardless.statement_files.loading import import_file
from gocardless.statement_files.tables import create_file_tables
from gocardless.sync.balances import create_balance_tables, sync_balances
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts
from gocardless.sync.tables import create_unified_tables
from sandboxes.bank.endpoints.accounts import iban_of
from sandboxes.enable_banking import documents
from sandboxes.enable_banking.state import EnableBankingState

__all__ = ["client", "state", "url"]

# a day costs much more than a further account
ACCOUNTS, DAYS = 200, 3
STATEMENTS = ("giro_de.csv", "mt940.sta", "ofx1.ofx", "semicolon_utf8.csv")


@pytest.fixture
def lake_connection(variables: Mapping[str, str]) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty lake of the bank, open as a command has it."""
    with bank_tables("a test") as connection:
        create(connection)
        yield connection


@pytest.fixture
def file_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A warehouse with keys, as a file has them."""
    with duckdb.connect() as connection:
        create(connection)
        yield connection


def create(connection: duckdb.DuckDBPyConnection) -> None:
    create_gocardless_tables(connection)
    create_enable_banking_tables(connection)
    create_file_tables(connection)
    create_unified_tables(connection)
    create_balance_tables(connection)


def test_random_histories_end_in_their_true_ledgers(
    lake_connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_random_ledgers, "DAYS", DAYS)
    accounts = [account(seed) for seed in range(ACCOUNTS)]
    assert wrong(lake_connection, accounts, with_balances=False) == {}


def test_histories_and_odd_entries_of_real_banks_end_in_the_rows_of_the_file(
    lake_connection: duckdb.DuckDBPyConnection, file_connection: duckdb.DuckDBPyConnection
) -> None:
    from tests.unit.gocardless.test_bank_cases import cases

    histories = [parameter.values[0] for parameter in cases("histories")]
    entries = [parameter.values[0] for parameter in cases("entries")]
    for connection in (lake_connection, file_connection):
        for day in range(2):
            for case in histories:
                take(connection, case["name"], **case["answers"][day])
            sync_transactions(connection, GOCARDLESS)
        for case in entries:
            take(connection, case["name"], "2026-11-28", [case["entry"]], [])
        sync_transactions(connection, GOCARDLESS)
    booked = dict(
        lake_connection.execute(
            "select account_id, (sum(amount), count(*)) from unified.transactions "
            "where status = 'booked' group by all"
        ).fetchall()
    )
    for case in histories:
        expected = Decimal(case["booked_sum"]), case["booked_rows"]
        assert booked.get(case["name"], (0, 0)) == expected, case["name"]
    assert tables_of(lake_connection) == tables_of(file_connection)


def take(
    connection: duckdb.DuckDBPyConnection, name: str, seen: str, booked: list, pending: list
) -> None:
    """What the bank answers about the account of a case on a day."""
    today = date.fromisoformat(seen)
    window = window_of(
        connection, AccountToFetch(name, "requisition", 90), today=today, overlap_days=3
    )
    first = window.date_from.isoformat()
    lists = {"booked": [one for one in booked if one["bookingDate"] >= first], "pending": pending}
    at = datetime(today.year, today.month, today.day, 6, tzinfo=UTC)
    record_transactions(connection, window, lists, at=at, run_id="run")


def test_enable_banking_and_statement_files_end_in_the_rows_of_the_file(
    lake_connection: duckdb.DuckDBPyConnection,
    file_connection: duckdb.DuckDBPyConnection,
    client: EnableBankingClient,
    state: EnableBankingState,
    tmp_path: Path,
) -> None:
    from tests.unit.gocardless.test_bank_cases import CASES

    bank = next(bank for bank in state.banks.banks if bank.name == BANK)
    now = state.clock.now().replace(hour=12)
    state.clock.set(now)
    opened(state)
    listed = [documents.account(uid, one) for uid, one in state.sessions[0].accounts.items()]
    session = NewSession.model_validate(
        {
            "session_id": state.sessions[0].session_id,
            "aspsp": documents.name_of(bank),
            "access": documents.access(state.sessions[0]),
            "accounts": listed,
        }
    )
    # a file of an account that is connected as well, and files of others
    own = tmp_path / "own.csv"
    lines = [
        f"{item.booking_date(now.date())},{item.amount},EUR,{item.text}\n"
        for item in bank.customer[0].ledger.transactions
        if item.is_booked(now.date())
    ]
    own.write_text("booking_date,amount,currency,description\n" + "".join(lines), "utf-8")

    for connection in (lake_connection, file_connection):
        record_session(connection, session, at=now, run_id="run")
        run = Extraction(
            connection=connection,
            client=client,
            run_id="run",
            now=lambda: now,
            accounts=accounts_of_sessions,
            concurrency=1,
        )
        extract_balances(run)
        extract_transactions(run, overlap_days=3)
        sync_accounts(connection, ENABLE_BANKING, now=now)
        sync_transactions(connection, ENABLE_BANKING)
        sync_balances(connection, ENABLE_BANKING)
        import_file(connection, own, account=iban_of(bank.customer[0]), at=now)
        for name in STATEMENTS:
            import_file(connection, CASES / "statements" / name, account=name, at=now)
    in_lake, in_file = tables_of(lake_connection), tables_of(file_connection)
    # the bank counts the calls of both
    del in_lake["raw.gc_call_budget"], in_file["raw.gc_call_budget"]
    assert in_lake == in_file
    assert len(in_lake["unified.accounts"]) == len(listed) + len(STATEMENTS)
    booked = lake_connection.execute(
        "select count(*) from unified.transactions where status = 'booked' "
        "and account_id in (select account_id from unified.accounts where provider = $provider)",
        {"provider": ENABLE_BANKING.name},
    ).fetchone()
    assert booked is not None
    assert booked[0] >= truth(state, days=90).total()
