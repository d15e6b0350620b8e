"""From the API into the raw tables: as few calls as can be, nothing lost, nothing twice."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from tests.integration.gocardless.conftest import NOON, ledger

from gocardless.bank_account_data import steps as gocardless_steps
from gocardless.bank_account_data.assets import PREFIX
from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_api.errors import AuthenticationFailedError
from gocardless.extraction import steps
from gocardless.extraction.accounts import UnknownConnectionError
from gocardless.extraction.checks import answered_result
from gocardless.extraction.fetch_scope import ScopeOutcome
from gocardless.extraction.steps import Extraction
from gocardless.extraction.transactions import record_transactions_read
from gocardless.sync.connection_filter import provider_of_connection
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts, sync_connections
from sandboxes.bank.bank import account_uuid
from sandboxes.bank.server import RunningSandbox

FIRST, SECOND, THIRD = (account_uuid(number) for number in range(3))


def fetch(run: Extraction) -> ScopeOutcome:
    return steps.extract_transactions(run, overlap_days=3)


def booked(connection: duckdb.DuckDBPyConnection, account: str) -> int:
    (count,) = connection.execute(
        "select count(*) from unified.transactions where account_id = ? and status = 'booked'",
        [account],
    ).fetchone() or (0,)
    return count


def calls(sandbox: RunningSandbox, scope: str) -> list[str]:
    return [path for _, path in sandbox.state.calls if f"/{scope}/" in path]


def test_the_answer_of_the_day_is_asked_for_once(
    run: Callable[..., Extraction], sandbox: RunningSandbox
) -> None:
    assert sorted(fetch(run()).fetched) == sorted([FIRST, SECOND, THIRD])
    assert sorted(fetch(run()).there_already) == sorted([FIRST, SECOND, THIRD])
    assert len(calls(sandbox, "transactions")) == 3
    assert sorted(fetch(run(refresh=True)).fetched) == sorted([FIRST, SECOND, THIRD])
    sandbox.state.clock.advance(timedelta(days=1))
    assert sorted(fetch(run()).fetched) == sorted([FIRST, SECOND, THIRD])
    assert len(calls(sandbox, "transactions")) == 9


def test_as_many_days_are_asked_for_as_the_agreement_allows_and_no_last_day(
    run: Callable[..., Extraction], sandbox: RunningSandbox, connection: duckdb.DuckDBPyConnection
) -> None:
    one, two = sandbox.state.connections
    one.agreement.max_historical_days = 400
    two.agreement.max_historical_days = 30
    for days in (0, 1, 8):
        sandbox.state.clock.set(NOON + timedelta(days=days))
        fetch(run())
    asked = {
        account: [
            path.partition("?")[2] for path in calls(sandbox, "transactions") if account in path
        ]
        for account in (FIRST, THIRD)
    }
    # 4 May less 400 days, in the first week all of it, then 90 days
    assert asked[FIRST] == [
        f"date_from={day}" for day in ("2025-03-30", "2025-03-31", "2026-02-11")
    ]
    assert asked[THIRD] == [
        f"date_from={day}" for day in ("2026-04-04", "2026-04-05", "2026-04-12")
    ]
    sync_transactions(connection, GOCARDLESS)
    assert [booked(connection, account) for account in (FIRST, SECOND, THIRD)] == [48, 48, 39]
    one.agreement.max_historical_days = 500
    sandbox.state.clock.advance(timedelta(days=1))
    fetch(run())
    assert [path for path in calls(sandbox, "transactions") if FIRST in path][-1].endswith(
        "date_from=2024-12-29"
    )


def test_details_are_asked_for_again_only_after_their_days(
    run: Callable[..., Extraction], sandbox: RunningSandbox
) -> None:
    for _ in range(10):
        gocardless_steps.extract_account_details(run(), fresh_for_days=10)
        sandbox.state.clock.advance(timedelta(days=1))
    assert len(calls(sandbox, "details")) == 3
    gocardless_steps.extract_account_details(run(), fresh_for_days=10)
    assert len(calls(sandbox, "details")) == 6


@pytest.mark.parametrize("spelling", ["http_underscores", "dashes", "none"])
def test_no_call_is_sent_that_the_limit_forbids_and_the_others_go_on(
    spelling: Any, run: Callable[..., Extraction], sandbox: RunningSandbox
) -> None:
    sandbox.state.header_spelling = spelling
    sandbox.state.connections[0].bank.calls_a_day = 2
    for _ in range(4):
        outcome = fetch(run(refresh=True))
        assert THIRD in outcome.fetched
    assert set(outcome.limited) == {FIRST, SECOND}
    of_first = [path for path in calls(sandbox, "transactions") if FIRST in path]
    # without headers the limit is only known when it has been reached
    assert len(of_first) == (3 if spelling == "none" else 2)
    result = answered_result(outcome, "transactions", PREFIX)
    assert (result.passed, result.severity.value) == (False, "WARN")
    # the next window begins 24 hours after the first call, as the server reports
    sandbox.state.clock.advance(timedelta(hours=23))
    assert set(fetch(run(refresh=True)).limited) >= {FIRST, SECOND}
    sandbox.state.clock.advance(timedelta(hours=1))
    assert FIRST in fetch(run()).fetched
    sandbox.state.connections[0].bank.calls_a_day = 4


def test_a_call_of_a_run_that_died_counts_as_sent(
    run: Callable[..., Extraction],
    connection: duckdb.DuckDBPyConnection,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sandbox.state.connections[0].bank.calls_a_day = 2
    fetch(run())

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps, "record_transactions_read", die)
        with pytest.raises(KeyboardInterrupt):
            fetch(run(refresh=True, concurrency=1))
    # what was not settled is not asked for beyond the limit, though no answer showed it
    left = dict(
        connection.execute(
            "select account_id, remaining from raw.gc_call_budget where scope = 'transactions'"
        ).fetchall()
    )
    assert left[FIRST] == 0


def test_a_run_that_dies_while_writing_loses_nothing_and_the_next_goes_on(
    run: Callable[..., Extraction],
    connection: duckdb.DuckDBPyConnection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = record_transactions_read

    def die_after(*arguments: Any, **named: Any) -> None:
        written(*arguments, **named)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps, "record_transactions_read", die_after)
        with pytest.raises(KeyboardInterrupt):
            fetch(run(concurrency=1))
    for table in ("gc_transactions", "gc_watermarks", "gc_fetches", "gc_sightings"):
        assert connection.execute(f"from raw.{table}").fetchall() == []
    assert len(fetch(run()).fetched) == 3
    sync_transactions(connection, GOCARDLESS)
    assert booked(connection, FIRST) == 40


def test_one_bad_account_does_not_stop_the_rest(
    run: Callable[..., Extraction],
    connection: duckdb.DuckDBPyConnection,
    sandbox: RunningSandbox,
) -> None:
    sandbox.state.connections[0].accounts[1].failures["transactions"] = ["AccessExpiredError"]
    outcome = fetch(run())
    assert sorted(outcome.fetched) == sorted([FIRST, THIRD])
    result = answered_result(outcome, "transactions", PREFIX)
    assert (result.passed, result.severity.value) == (False, "ERROR")
    assert SECOND in (result.description or "")
    assert "has to connect it again" in (result.description or "")
    assert connection.execute(
        "select problem_kind from raw.gc_call_budget where account_id = ?", [SECOND]
    ).fetchall() == [("AccessExpiredError",)]
    # a failure is not an answer: the same day asks again, for this account alone
    assert fetch(run()).fetched == [SECOND]


def test_a_call_that_failed_counts_for_nothing(
    run: Callable[..., Extraction],
    connection: duckdb.DuckDBPyConnection,
    sandbox: RunningSandbox,
) -> None:
    def left() -> int:
        (remaining,) = connection.execute(
            "select remaining from raw.gc_call_budget where account_id = ? "
            "and scope = 'transactions'",
            [FIRST],
        ).fetchone() or (None,)
        return remaining

    fetch(run())
    assert left() == 3
    sandbox.state.connections[0].accounts[0].failures["transactions"] = ["AccessExpiredError"]
    assert FIRST in fetch(run(refresh=True)).failed
    assert left() == 3
    assert FIRST in fetch(run(refresh=True)).fetched
    assert left() == 2


def test_what_is_wrong_with_the_platform_stops_all(
    run: Callable[..., Extraction], make_client: Callable[..., BankDataClient]
) -> None:
    begun = run()
    wrong = Extraction(
        accounts=accounts_to_fetch,
        connection=begun.connection,
        client=make_client("wrong"),
        run_id="run",
        now=begun.now,
    )
    with pytest.raises(AuthenticationFailedError):
        fetch(wrong)


def test_entries_that_cannot_be_read_are_kept_with_their_reason_and_the_rest_goes_on(
    run: Callable[..., Extraction],
    connection: duckdb.DuckDBPyConnection,
    sandbox: RunningSandbox,
) -> None:
    def entry(amount: Any = "-1.00", currency: Any = "EUR", **fields: Any) -> dict[str, Any]:
        money = {"amount": amount, "currency": currency}
        return {"transactionAmount": money, "bookingDate": "2026-05-01", **fields}

    text = "remittanceInformationUnstructured"
    account = sandbox.state.connections[0].accounts[0]
    account.extra_booked = [
        "no object",
        {"bookingDate": "2026-05-01"},
        entry(None),
        entry("1.234,56"),
        entry("12345678901234567890"),
        entry("0.123456789"),
        entry(currency="EURO"),
        entry(bookingDate="0000-00-00"),
        entry(bookingDate=None),
        entry(**{text: "a\0b"}),
        entry(**{text: "x" * 5_000_000}),
        entry(**{text: "half \ud800"}),
        # and these are as good as any other
        entry("-99999999999999.9999", **{text: "שלום 🎉"}),
        entry(-7, remittanceInformationStructuredArray=["RF18", "5390"]),
    ]
    outcome = fetch(run())
    assert (outcome.rejects, len(outcome.fetched)) == (12, 3)
    reasons = connection.execute(
        "select reason from raw.gc_rejects where account_id = ? order by reason", [FIRST]
    ).fetchall()
    assert len(reasons) == 12
    assert "'1.234,56' is not an amount such as -1234.56" in {reason for (reason,) in reasons}
    sync_transactions(connection, GOCARDLESS)
    assert booked(connection, FIRST) == 40 + 2
    exact = connection.execute(
        "select amount, description from unified.transactions "
        "where amount < -1000 or amount = -7 order by amount"
    ).fetchall()
    assert exact == [
        (Decimal("-99999999999999.9999"), "שלום 🎉"),
        (Decimal(-7), "RF18 5390"),
    ]


def test_balances_are_exact_and_each_report_is_kept(
    run: Callable[..., Extraction],
    connection: duckdb.DuckDBPyConnection,
    sandbox: RunningSandbox,
) -> None:
    steps.extract_balances(run())
    sandbox.state.clock.advance(timedelta(days=1))
    steps.extract_balances(run())
    rows = connection.execute(
        "select amount, reference_date::varchar from raw.gc_balances where account_id = ? "
        "order by reference_date",
        [FIRST],
    ).fetchall()
    # 100 less 0.00 to 0.39; the next day 0.01 comes back
    assert rows == [(Decimal("92.20"), "2026-05-04"), (Decimal("92.21"), "2026-05-05")]


def test_a_run_for_one_connection_touches_nothing_else(
    run: Callable[..., Extraction], sandbox: RunningSandbox
) -> None:
    one, two = sandbox.state.connections
    outcome = fetch(run(connection_id=two.requisition_id))
    assert outcome.fetched == [THIRD]
    with pytest.raises(UnknownConnectionError, match="not a UUID"):
        fetch(run(connection_id="two"))
    with pytest.raises(UnknownConnectionError, match="there is no connection"):
        fetch(run(connection_id=account_uuid(5)))
    one.status = "SU"
    skipped = fetch(run(connection_id=one.requisition_id))
    assert (skipped.fetched, skipped.skipped) == (
        [],
        f"connection {one.requisition_id} has the status SU, not LN",
    )


def test_a_shared_account_is_synced_for_either_of_its_connections(
    run: Callable[..., Extraction],
    connection: duckdb.DuckDBPyConnection,
    sandbox: RunningSandbox,
) -> None:
    older = sandbox.state.connections[0]
    run()
    sandbox.state.clock.advance(timedelta(minutes=1))
    newer = sandbox.state.connect(older.bank, [ledger(0)])
    for chosen in (older, newer):
        extraction = run(connection_id=chosen.requisition_id, refresh=True)
        assert FIRST in fetch(extraction).fetched
        sync_connections(connection, GOCARDLESS)
        sync_accounts(connection, GOCARDLESS, now=NOON, connection_id=chosen.requisition_id)
        own = provider_of_connection(GOCARDLESS, chosen.requisition_id)
        assert sync_transactions(connection, own).fetches == len(chosen.accounts)
        assert booked(connection, FIRST) == 40
        [(status, named)] = connection.execute(
            "select status, connection_id from unified.accounts where account_id = ?", [FIRST]
        ).fetchall()
        assert (status, named) == ("active", newer.requisition_id)
