"""What single banks and the vendor answer instead of what the contract says."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
from tests.integration.gocardless.conftest import NOON, ledger
from tests.integration.gocardless.extraction.test_general_limit import client_of

from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.registers import extract_requisitions
from gocardless.extraction import steps
from gocardless.extraction.fetch_scope import ScopeOutcome
from gocardless.extraction.steps import Extraction
from sandboxes.bank.bank import Bank, SandboxState, account_uuid
from sandboxes.bank.refusals import Refusal
from sandboxes.bank.server import RunningSandbox, sandbox_server

ODD, OTHER = (account_uuid(number) for number in range(2))
TODAY = NOON.date()
Answer = Callable[[Mapping[str, str]], Any]
Letting = Callable[[Answer], None]


@pytest.fixture
def bank() -> Iterator[RunningSandbox]:
    """A bank with two accounts whose agreement allows 730 days."""
    state = SandboxState()
    state.clock.set(NOON)
    bank = Bank("ONE_ONEEDEFF", "Bank One", total_days=730)
    state.connect(bank, [ledger(0), ledger(1)], max_historical_days=730)
    with sandbox_server(state) as running:
        yield running


@pytest.fixture
def answering(bank: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Letting:
    """Lets the bank answer about the odd account's transactions as a function says.

    It raises what is refused; what it returns is the body, and nothing is the sandbox's own answer.
    """
    accounts = bank.routes.accounts
    serve = accounts.scope

    def let(answer: Answer) -> None:
        def scope(account_id: str, asked: str, query: Mapping[str, str]) -> Any:
            body, headers = serve(account_id, asked, query)
            if account_id == ODD and asked == "transactions":
                body = answer(query) or body
            return body, headers

        monkeypatch.setattr(accounts, "scope", scope)

    return let


def fetch(
    running: RunningSandbox, connection: duckdb.DuckDBPyConnection, waited: list[float]
) -> ScopeOutcome:
    clock = running.state.clock

    def wait(seconds: float) -> None:
        waited.append(seconds)
        clock.advance(timedelta(seconds=seconds))

    client = client_of(running, wait)
    extract_requisitions(connection, client, at=clock.now(), run_id="run")
    run = Extraction(
        accounts=accounts_to_fetch,
        connection=connection,
        client=client,
        run_id="run",
        now=clock.now,
    )
    return steps.extract_transactions(run, overlap_days=3)


def asked(running: RunningSandbox) -> list[int]:
    """How many days back each call about the odd account's transactions has asked."""
    path = f"/api/v2/accounts/{ODD}/transactions/?date_from="
    found = [
        (running.state.clock.now().date() - date.fromisoformat(call.removeprefix(path))).days
        for _, call in running.state.calls
        if call.startswith(path)
    ]
    running.state.calls.clear()
    return found


def rows(connection: duckdb.DuckDBPyConnection, account: str) -> int:
    query = "select count(*) from raw.gc_transactions where account_id = ?"
    (count,) = connection.execute(query, [account]).fetchone() or (0,)
    return count


def test_a_refused_long_period_is_shortened_and_remembered(
    bank: RunningSandbox, connection: duckdb.DuckDBPyConnection, answering: Letting
) -> None:
    def refuse(query: Mapping[str, str]) -> None:
        today = bank.state.clock.now().date()
        if today - date.fromisoformat(query["date_from"]) > timedelta(days=90):
            raise Refusal(400, {"summary": "Incorrect date range", "detail": "90 days at most"})

    answering(refuse)
    first = fetch(bank, connection, [])
    assert sorted(first.fetched) == sorted([ODD, OTHER])
    assert asked(bank) == [730, 90]
    assert rows(connection, ODD) == rows(connection, OTHER) > 0
    assert connection.execute(
        "select account_id, longest_days from raw.gc_shortened_periods"
    ).fetchall() == [(ODD, 90)]
    bank.state.clock.advance(timedelta(days=1))
    second = fetch(bank, connection, [])
    assert sorted(second.fetched) == sorted([ODD, OTHER])
    assert asked(bank) == [90]


def test_a_bank_that_refuses_every_period_is_reported_and_asked_no_third_time(
    bank: RunningSandbox, connection: duckdb.DuckDBPyConnection, answering: Letting
) -> None:
    def refuse(query: Mapping[str, str]) -> None:
        del query
        raise Refusal(400, {"summary": "Bad request", "detail": "no"})

    answering(refuse)
    outcome = fetch(bank, connection, [])
    assert (outcome.fetched, list(outcome.failed)) == ([OTHER], [ODD])
    assert asked(bank) == [730, 90]
    assert connection.execute("select count(*) from raw.gc_shortened_periods").fetchall() == [(0,)]


@pytest.mark.parametrize(
    ("summary", "detail"),
    [
        ("End User Agreement (EUA) 0b5f2a34 has expired", "The end user must connect once more"),
        ("Bad request", "The agreement of this account has expired on 2026-05-01"),
    ],
)
def test_an_expired_agreement_as_400_names_the_remedy_and_is_asked_once(
    bank: RunningSandbox,
    connection: duckdb.DuckDBPyConnection,
    answering: Letting,
    summary: str,
    detail: str,
) -> None:
    def refuse(query: Mapping[str, str]) -> None:
        del query
        raise Refusal(400, {"summary": summary, "detail": detail})

    answering(refuse)
    outcome = fetch(bank, connection, [])
    assert (outcome.fetched, list(outcome.failed)) == ([OTHER], [ODD])
    assert "the account's owner has to connect it again" in outcome.failed[ODD]
    assert asked(bank) == [730]


@pytest.mark.parametrize("pending", [None, "left out"])
def test_no_list_of_pending_entries_is_an_empty_one(
    bank: RunningSandbox,
    connection: duckdb.DuckDBPyConnection,
    answering: Letting,
    pending: str | None,
) -> None:
    entry = {
        "bookingDate": TODAY.isoformat(),
        "transactionAmount": {"amount": "-1.00", "currency": "EUR"},
    }
    lists: dict[str, Any] = {"booked": [entry], "pending": None}
    if pending:
        del lists["pending"]
    answering(lambda _: {"transactions": lists})
    outcome = fetch(bank, connection, [])
    assert sorted(outcome.fetched) == sorted([ODD, OTHER])
    assert rows(connection, ODD) == 1


def test_no_list_of_booked_entries_is_reported_and_withdraws_nothing(
    bank: RunningSandbox, connection: duckdb.DuckDBPyConnection, answering: Letting
) -> None:
    fetch(bank, connection, [])
    before = connection.execute("from raw.gc_sightings").fetchall()
    bank.state.clock.advance(timedelta(days=1))
    answering(lambda _: {"transactions": {"booked": None, "pending": []}})
    outcome = fetch(bank, connection, [])
    assert (outcome.fetched, list(outcome.failed)) == ([OTHER], [ODD])
    assert "booked" in outcome.failed[ODD]
    assert set(before) <= set(connection.execute("from raw.gc_sightings").fetchall())


@pytest.mark.parametrize("body", [{"summary": "Rate limit exceeded", "detail": "Too many"}, {}])
def test_a_429_that_has_only_retry_after_is_waited_for_within_the_run(
    bank: RunningSandbox,
    connection: duckdb.DuckDBPyConnection,
    answering: Letting,
    body: dict[str, str],
) -> None:
    refusals = [Refusal(429, body, {"Retry-After": "120"})]

    def refuse(query: Mapping[str, str]) -> None:
        del query
        if refusals:
            raise refusals.pop()

    answering(refuse)
    waited: list[float] = []
    outcome = fetch(bank, connection, waited)
    assert sorted(outcome.fetched) == sorted([ODD, OTHER])
    assert len(waited) == 1
    assert 119 <= waited[0] <= 121
    assert len(asked(bank)) == 2
    assert outcome.limited == {}
