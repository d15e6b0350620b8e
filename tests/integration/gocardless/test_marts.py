"""The marts over what the sandbox's banks show, day by day, and the check on their balances."""

import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import SHARED_DATA

from gocardless.bank_account_data import steps as gocardless_steps
from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.registers import extract_requisitions
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction import steps
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.reading.entries import read_balances
from gocardless.extraction.steps import Extraction
from gocardless.extraction.tables import BALANCES as BALANCE_TABLE
from gocardless.extraction.transactions import record_transactions, window_of
from gocardless.extraction.writing import upsert
from gocardless.marts.checks import reconciliation_result
from gocardless.marts.reconciliation import unexplained_balances
from gocardless.sync.balances import create_balance_tables, sync_balances
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts, sync_connections
from gocardless.sync.tables import create_unified_tables
from gocardless.tagging.application import apply_rules
from gocardless.tagging.rules import SourcedRule
from gocardless.tagging.tables import create_tag_tables
from sandboxes.bank.bank import account_uuid
from sandboxes.bank.ledger import TrueTransaction
from sandboxes.bank.server import RunningSandbox
from shared_lib.dbt.invocation import invoke_dbt
from shared_lib.discovery.dbt.sections import selection_of

pytest_plugins = ("tests.integration.gocardless.bank_platform",)

FIRST, SECOND, THIRD = (account_uuid(number) for number in range(3))


@pytest.fixture(scope="session")
def built_marts(parsed_bank: Path) -> Path:
    """A warehouse without rows whose marts dbt has built: they are views and follow."""
    path = parsed_bank / "data" / "gocardless.duckdb"
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        create_gocardless_tables(connection)
        create_unified_tables(connection)
        create_balance_tables(connection)
        create_tag_tables(connection)
    invoke_dbt(
        ["run", *selection_of("gocardless")],
        warehouse=path,
        target=parsed_bank / "target" / "gocardless" / "marts",
        on_event=lambda _: None,
    )
    # the views name the database, so the file keeps its name
    kept = parsed_bank / "marts" / path.name
    kept.parent.mkdir()
    return Path(shutil.move(path, kept))


@pytest.fixture
def connection(built_marts: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built_marts)) as opened:
        tables = opened.execute(
            "select schema_name || '.' || table_name from duckdb_tables() where not temporary"
        ).fetchall()
        for (table,) in tables:
            opened.execute(f"delete from {table}")
        yield opened


@pytest.fixture
def run_day(
    connection: duckdb.DuckDBPyConnection, client: BankDataClient, sandbox: RunningSandbox
) -> Callable[..., None]:
    """Runs everything on the sandbox's day, and moves on to the next."""

    def run(*, transactions: bool = True) -> None:
        now = sandbox.state.clock.now
        extract_requisitions(connection, client, at=now(), run_id="run")
        extraction = Extraction(
            accounts=accounts_to_fetch, connection=connection, client=client, run_id="run", now=now
        )
        gocardless_steps.extract_bank_accounts(extraction)
        steps.extract_balances(extraction)
        if transactions:
            steps.extract_transactions(extraction, overlap_days=3)
        sync_connections(connection, GOCARDLESS)
        sync_accounts(connection, GOCARDLESS, now=now())
        sync_transactions(connection, GOCARDLESS)
        sync_balances(connection, GOCARDLESS)
        sandbox.state.clock.advance(timedelta(days=1))

    return run


def late(number: int, *, day: date, appears_after: int) -> TrueTransaction:
    """A booking that the bank shows some days after its date."""
    return TrueTransaction(
        number=number,
        amount=Decimal("-7.77"),
        text=f"SPAET {number}",
        counterparty="Laden",
        booked_on=day,
        late_by=appears_after,
    )


def test_the_closing_balances_are_those_of_the_true_ledgers(
    run_day: Callable[..., None], connection: duckdb.DuckDBPyConnection, sandbox: RunningSandbox
) -> None:
    ledger = sandbox.state.connections[0].accounts[0].ledger
    begin = sandbox.state.clock.now().date()
    ledger.transactions.append(late(900, day=begin - timedelta(days=1), appears_after=2))
    for day in range(6):
        # on a day without transactions, which a limit may forbid, the next one catches up
        run_day(transactions=day != 3)
    assert unexplained_balances(connection) == (18, [])
    closing = dict(
        connection.execute(
            "select day, closing_balance from marts.bank_balances_daily where account_id = ?",
            [FIRST],
        ).fetchall()
    )
    today = begin + timedelta(days=5)
    assert closing == {
        day: ledger.opening_balance
        + sum(item.amount for item in ledger.transactions if item.booked_on <= day)
        for day in (begin - timedelta(days=39) + timedelta(days=past) for past in range(45))
    }
    assert max(closing) == today


@pytest.mark.parametrize("lost", ["2026-03-28", "2026-05-06"])
def test_a_transaction_that_is_missing_turns_the_check_red(
    lost: str, run_day: Callable[..., None], connection: duckdb.DuckDBPyConnection
) -> None:
    for _ in range(4):
        run_day()
    connection.execute(
        "delete from unified.transactions where account_id = ? and booking_date = ?", [SECOND, lost]
    )
    compared, unexplained = unexplained_balances(connection)
    assert compared == 12
    assert [entry.account_id for entry in unexplained] == [SECOND]
    result = reconciliation_result(compared, unexplained)
    assert not result.passed
    # what the sandbox booked on that day, or earns: on 28 March -0.37, on 6 May +0.02
    missing = {"2026-03-28": "-0.3700", "2026-05-06": "0.0200"}[lost]
    assert f"{missing} is missing" in str(result.description)


def test_cash_flow_and_spending_are_exact_and_follow_the_tags(
    run_day: Callable[..., None], connection: duckdb.DuckDBPyConnection
) -> None:
    run_day()
    flow = connection.execute(
        "select month::varchar, money_in, money_out, net, transactions "
        "from marts.cash_flow_monthly where account_id = ? order by month desc",
        [THIRD],
    ).fetchall()
    # a purchase a day, of as many cents as days have passed: 0 to 3 in May, 4 to 33 in April
    assert flow[:2] == [
        ("2026-05-01", Decimal(0), Decimal("0.06"), Decimal("-0.06"), 4),
        ("2026-04-01", Decimal(0), Decimal("5.55"), Decimal("-5.55"), 30),
    ]
    rule = SourcedRule(name="r", tag="shopping", source="file", description="^EINKAUF 2 ")
    apply_rules(connection, [rule], at=sandbox_noon(connection), run_id="run")
    spent = connection.execute(
        "select tag, spent, transactions from marts.spend_by_tag_monthly "
        "where month = '2026-05-01' order by tag"
    ).fetchall()
    assert spent == [("shopping", Decimal("0.06"), 4), ("untagged", Decimal("0.12"), 8)]


OWN = {"giro": "DE02120300000000202051", "savings": "DE02500105170137075030"}


@pytest.mark.parametrize(
    ("parties", "days_apart", "savings", "is_transfer"),
    [
        # the bank of either account may name the other one
        ({"out": ("Erika", OWN["savings"])}, 0, "500.00", True),
        ({"in": ("Erika", OWN["giro"])}, 3, "500.00", True),
        ({"out": ("ERIKA ", None), "in": ("Erika", None)}, 1, "500.00", True),
        ({"out": ("Shop", "DE1")}, 0, "500.00", False),
        ({"out": ("Erika", OWN["savings"])}, 6, "500.00", False),
        ({"out": ("Erika", OWN["savings"])}, 0, "500.01", False),
    ],
)
def test_transfers_between_own_accounts_leave_income_and_spending(
    connection: duckdb.DuckDBPyConnection,
    parties: dict[str, tuple[str, str | None]],
    days_apart: int,
    savings: str,
    *,
    is_transfer: bool,
) -> None:
    for account, iban in OWN.items():
        connection.execute(
            "insert into unified.accounts (provider, account_id, iban, owner_name, status) "
            "values ('gocardless', ?, ?, 'Erika', 'active')",
            [account, iban],
        )
    day = date(2026, 5, 4)
    for number, (account, amount, on, side) in enumerate(
        [
            ("giro", "-500.00", day, "out"),
            ("savings", savings, day + timedelta(days=days_apart), "in"),
            # of the same amount, and no transfer: one movement is one transfer's
            ("giro", "-500.00", day + timedelta(days=9), "rent"),
            ("giro", "2000.00", day, "salary"),
        ]
    ):
        counterparty, iban = parties.get(side, (None, None))
        connection.execute(
            "insert into unified.transactions (transaction_key, provider, account_id, status, "
            "booking_date, amount, currency, description, counterparty, counterparty_iban, "
            "first_fetch_number, last_fetch_number, first_seen_at, last_seen_at) values "
            "(?, 'gocardless', ?, 'booked', ?, ?, 'EUR', ?, ?, ?, 1, 1, now(), now())",
            [str(number), account, on, amount, side, counterparty, iban],
        )
    (moved,) = connection.execute(
        "select count(*) from marts.bank_transactions where is_transfer"
    ).fetchone() or (0,)
    flow = connection.execute(
        "select sum(money_in), sum(money_out) from marts.cash_flow_monthly"
    ).fetchall()
    spent = connection.execute("select sum(spent) from marts.spend_by_tag_monthly").fetchall()
    came, left = (0, 0) if is_transfer else (Decimal(savings), 500)
    assert moved == (2 if is_transfer else 0)
    assert flow == [(2000 + came, 500 + left)]
    assert spent == [(500 + left - 2000 - came,)]


def sandbox_noon(connection: duckdb.DuckDBPyConnection):
    return connection.execute("select max(fetched_at) from raw.gc_fetches").fetchall()[0][0]


def test_an_account_without_any_reported_balance_has_no_closing_balance(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    connection.execute(
        "insert into unified.transactions (transaction_key, provider, account_id, status, "
        "booking_date, amount, currency, description, first_fetch_number, last_fetch_number, "
        "first_seen_at, last_seen_at) values ('k', 'file', 'giro', 'booked', '2026-05-01', "
        "-3.40, 'EUR', 'x', 1, 1, now(), now())"
    )
    assert connection.execute(
        "select booked, closing_balance from marts.bank_balances_daily"
    ).fetchall() == [(Decimal("-3.40"), None)]
    assert unexplained_balances(connection) == (0, [])


def test_a_second_connections_opening_balance_is_fixed_by_its_own_run_alone(
    run_day: Callable[..., None],
    connection: duckdb.DuckDBPyConnection,
    sandbox: RunningSandbox,
) -> None:
    run_day()
    connection.execute("delete from unified.opening_balances")
    two = sandbox.state.connections[1].requisition_id
    sync_balances(connection, GOCARDLESS, connection_id=two)
    assert connection.execute(
        "select account_id, opening_balance from unified.opening_balances"
    ).fetchall() == [(THIRD, Decimal(100))]


CASES = SHARED_DATA.parent / "cases" / "bank" / "balances.json"
BALANCES = json.loads(CASES.read_text("utf-8")) if CASES.is_file() else []
GIRO = AccountToFetch("account", "requisition", 90)


@pytest.mark.skipif(not BALANCES, reason=f"the cases are not at {CASES}")
@pytest.mark.parametrize("case", BALANCES, ids=lambda case: case["name"])
def test_the_closing_balance_is_our_own_money_by_the_most_trusted_report(
    connection: duckdb.DuckDBPyConnection, case: dict[str, Any]
) -> None:
    days = [case["balances"], *([case["next_day"]] if "next_day" in case else [])]
    for number, reports in enumerate(days):
        at = datetime(2026, 11, 27 + number, 6, tzinfo=UTC)
        window = window_of(connection, GIRO, today=at.date(), overlap_days=3)
        lists = {"booked": case["booked"], "pending": []}
        record_transactions(connection, window, lists, at=at, run_id="run")
        read = read_balances("account", reports)
        assert read.rejects == []
        upsert(connection, BALANCE_TABLE, read.rows, seen_at=at, run_id="run")
        sync_transactions(connection, GOCARDLESS)
        sync_balances(connection, GOCARDLESS)
    rows = connection.execute(
        "select closing_balance, balance_type from marts.bank_balances_daily order by day desc"
    ).fetchall()
    expected = case["closing_balance"]
    closing, anchored_by = rows[0]
    assert closing == (None if expected is None else Decimal(expected))
    assert (anchored_by is None) == (expected is None)
    compared, unexplained = unexplained_balances(connection)
    assert unexplained == []
    assert compared > 0 or "reconciles" not in case or case["reconciles"] is None
