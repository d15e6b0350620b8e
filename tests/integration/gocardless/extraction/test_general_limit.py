"""The limit of calls that all accounts share is waited for within the run."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import duckdb
import pytest
from tests.integration.gocardless.conftest import NOON, QUICK, ledger

from gocardless.bank_account_data import steps as gocardless_steps
from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.errors import error_of
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.registers import extract_requisitions
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.bank_api.errors import RateLimitedError
from gocardless.bank_api.pace import Pace
from gocardless.extraction import steps
from gocardless.extraction.budget import CallBudget, Settlement
from gocardless.extraction.steps import Extraction
from sandboxes.bank.bank import Bank, HeaderSpelling, SandboxState
from sandboxes.bank.server import RunningSandbox, sandbox_server


@pytest.fixture
def forty() -> Iterator[RunningSandbox]:
    """A bank with forty accounts, and an API of a hundred calls a minute."""
    state = SandboxState(calls_a_minute=100)
    state.clock.set(NOON)
    state.connect(
        Bank("ONE_ONEEDEFF", "Bank One"), [ledger(number, days=3) for number in range(40)]
    )
    with sandbox_server(state) as running:
        yield running


def client_of(running: RunningSandbox, wait: Callable[[float], None]) -> BankDataClient:
    state = running.state
    return BankDataClient(
        url=running.url,
        credentials=lambda: {"secret_id": state.secret_id, "secret_key": state.secret_key},
        patience=QUICK,
        now=state.clock.now,
        pace=Pace(now=state.clock.now, wait=wait),
    )


@pytest.mark.parametrize("others", [0, 30])
@pytest.mark.parametrize("spelling", ["http_underscores", "dashes", "none"])
def test_forty_accounts_are_all_served_in_one_run(
    forty: RunningSandbox, others: int, spelling: HeaderSpelling
) -> None:
    state = forty.state
    state.header_spelling = spelling
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        state.clock.advance(timedelta(seconds=seconds))

    client = client_of(forty, wait)
    with duckdb.connect() as connection:
        create_gocardless_tables(connection)
        extract_requisitions(connection, client, at=NOON, run_id="run")
        run = Extraction(
            accounts=accounts_to_fetch,
            connection=connection,
            client=client,
            run_id="run",
            now=state.clock.now,
        )
        # another program calls the API too
        forty.routes.accounts.limits._general.used += others
        outcomes = [
            gocardless_steps.extract_account_details(run, fresh_for_days=30),
            steps.extract_balances(run),
            steps.extract_transactions(run, overlap_days=3),
        ]
    assert [len(outcome.fetched) for outcome in outcomes] == [40, 40, 40]
    assert [(outcome.limited, outcome.failed) for outcome in outcomes] == [({}, {})] * 3
    assert client.pace.figures.waits == len(waited) > 0
    assert client.pace.figures.seconds_waited == sum(waited) <= 2 * 60
    if spelling != "none":
        assert client.pace.figures.limit == 100


def test_what_waited_longest_is_asked_first() -> None:
    with duckdb.connect() as connection:
        create_gocardless_tables(connection)
        budget = CallBudget(connection, "transactions")
        for days, account in enumerate(["newest", "older", "oldest"]):
            budget.reserve([account], now=NOON)
            success = Settlement(account, error_of(500, None, {}).limit)
            budget.settle([success], now=NOON - timedelta(days=days + 1))
        order = budget.decide(["newest", "never", "older", "oldest"], now=NOON)
    assert [one.account_id for one in order] == ["never", "oldest", "older", "newest"]


@pytest.mark.parametrize(
    ("headers", "seconds", "meant"),
    [
        ({"Retry-After": "120"}, 120, "all"),
        ({"HTTP_X_RATELIMIT_REMAINING": "0", "HTTP_X_RATELIMIT_RESET": "17"}, 17, "all"),
        (
            {
                "HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_REMAINING": "3",
                "HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_RESET": "80000",
                "Retry-After": "120",
            },
            120,
            "all",
        ),
        (
            {
                "HTTP_X_RATELIMIT_REMAINING": "0",
                "HTTP_X_RATELIMIT_RESET": "17",
                "HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_REMAINING": "0",
                "HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_RESET": "80000",
            },
            80000,
            "account",
        ),
    ],
)
def test_a_refusal_says_which_limit_it_means_and_when_it_ends(
    headers: dict[str, str], seconds: int, meant: str
) -> None:
    error = error_of(429, {"summary": "Rate limit exceeded"}, headers)
    assert isinstance(error, RateLimitedError)
    assert (error.reset_seconds, error.is_general) == (seconds, meant == "all")


def test_a_window_that_never_opens_is_given_up_after_some() -> None:
    state = SandboxState(calls_a_minute=0)
    state.clock.set(NOON)
    connected = state.connect(Bank("ONE_ONEEDEFF", "Bank One"), [ledger(0, days=3)])
    waited: list[float] = []
    with sandbox_server(state) as running:
        client = client_of(running, waited.append)
        with pytest.raises(RateLimitedError):
            client.balances(connected.accounts[0].account_id)
    assert len(waited) == 3


def test_the_limit_of_the_account_is_not_waited_for() -> None:
    state = SandboxState()
    state.clock.set(NOON)
    bank = Bank("ONE_ONEEDEFF", "Bank One", calls_a_day=0)
    connected = state.connect(bank, [ledger(0, days=3)])
    waited: list[float] = []
    with sandbox_server(state) as running:
        client = client_of(running, waited.append)
        for body in ("seconds", "institution"):
            for spelling in ("dashes", "none"):
                state.limit_body, state.header_spelling = body, spelling
                with pytest.raises(RateLimitedError):
                    client.balances(connected.accounts[0].account_id)
    assert waited == []
