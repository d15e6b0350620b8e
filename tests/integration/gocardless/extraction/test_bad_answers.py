"""An account whose answer cannot be taken is reported; neither others nor its next one suffer."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.integration.gocardless.conftest import NOON

from gocardless.bank_account_data import steps as gocardless_steps
from gocardless.bank_account_data.assets import PREFIX
from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.errors import error_of
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.registers import extract_requisitions
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.bank_api.client import Answer
from gocardless.bank_api.documents import DetailsAnswer
from gocardless.bank_api.errors import RateLimitedError
from gocardless.bank_api.limits import Limit, account_limit
from gocardless.extraction import steps
from gocardless.extraction.checks import answered_result
from gocardless.extraction.fetch_scope import ScopeOutcome
from gocardless.extraction.journal import Received, Wording, journal_of
from gocardless.extraction.steps import Extraction
from gocardless.extraction.transactions import AnswerOfWindow, Window
from sandboxes.bank.bank import account_uuid
from sandboxes.bank.server import RunningSandbox
from shared_lib.warehouse import write_warehouse

BAD, *GOOD = (account_uuid(number) for number in range(3))


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "gocardless.duckdb"


@pytest.fixture
def connection(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with write_warehouse(warehouse) as opened:
        create_gocardless_tables(opened)
        yield opened


@pytest.fixture
def fetch(
    connection: duckdb.DuckDBPyConnection, client: BankDataClient, sandbox: RunningSandbox
) -> Callable[[], ScopeOutcome]:
    def run() -> ScopeOutcome:
        now = sandbox.state.clock.now
        extract_requisitions(connection, client, at=now(), run_id="run")
        extraction = Extraction(
            accounts=accounts_to_fetch, connection=connection, client=client, run_id="run", now=now
        )
        return steps.extract_transactions(extraction, overlap_days=3)

    return run


def left(warehouse: Path) -> list[str]:
    answers = warehouse.with_name(f"{warehouse.name}.answers")
    return sorted(path.name for path in answers.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "body",
    [
        "[" * 200_000,
        '{"transactions": ' + "[" * 200_000,
        '{"transactions": {"booked": [' + "[" * 200_000,
        '{"transactions": {}}',
        '{"transactions": {"pending": []}}',
    ],
)
def test_transactions_that_cannot_be_read_are_reported_and_leave_nothing_behind(
    body: str, fetch: Callable[[], ScopeOutcome], sandbox: RunningSandbox, warehouse: Path
) -> None:
    account = sandbox.state.connections[0].accounts[0]
    today = NOON.date()
    account.prepared = {(today - timedelta(days=90), today): body.encode()}
    outcome = fetch()
    assert (sorted(outcome.fetched), list(outcome.failed)) == (sorted(GOOD), [BAD])
    assert left(warehouse) == []
    sandbox.state.deviations.clear()
    account.prepared = {}
    sandbox.state.clock.advance(timedelta(days=1))
    outcome = fetch()
    assert sorted(outcome.fetched) == sorted([BAD, *GOOD])


def test_details_that_no_text_can_have_are_reported_and_the_others_are_written(
    connection: duckdb.DuckDBPyConnection,
    client: BankDataClient,
    sandbox: RunningSandbox,
    warehouse: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ask = client.details

    def details(account_id: str) -> Answer[DetailsAnswer]:
        document = json.loads('{"account": {"iban": "DE", "foo": "a\\ud800"}}')
        bad = Answer(DetailsAnswer.model_validate(document), Limit())
        return bad if account_id == BAD else ask(account_id)

    monkeypatch.setattr(client, "details", details)
    now = sandbox.state.clock.now
    extract_requisitions(connection, client, at=now(), run_id="run")
    run = Extraction(
        accounts=accounts_to_fetch, connection=connection, client=client, run_id="run", now=now
    )
    outcome = gocardless_steps.extract_account_details(run, fresh_for_days=30)
    assert (sorted(outcome.fetched), list(outcome.failed)) == (sorted(GOOD), [BAD])
    assert "cannot be kept as a text" in outcome.failed[BAD]
    assert left(warehouse) == []


@pytest.mark.parametrize("what", ["empty", "cut", "not to be written"])
def test_an_answer_of_an_earlier_run_that_cannot_be_taken_is_set_aside_and_asked_for_again(
    what: str,
    connection: duckdb.DuckDBPyConnection,
    fetch: Callable[[], ScopeOutcome],
    warehouse: Path,
) -> None:
    wording = Wording(AnswerOfWindow.as_texts, AnswerOfWindow.from_text)
    journal = journal_of(connection, "transactions", wording)
    assert journal is not None
    window = Window(BAD, NOON.date() - timedelta(days=90), NOON.date(), NOON.date())
    body = AnswerOfWindow(window, '{"transactions": {"booked": [], "pending": []}}')
    remaining = 10**12 if what == "not to be written" else 3
    journal.keep(Received(BAD, Answer(body, Limit(4, remaining, 60)), NOON))
    (file,) = warehouse.with_name(f"{warehouse.name}.answers").rglob("*.answer")
    if what != "not to be written":
        file.write_bytes(b"" if what == "empty" else file.read_bytes()[:100])
    outcome = fetch()
    assert (sorted(outcome.fetched), outcome.failed) == (sorted([BAD, *GOOD]), {})
    assert left(warehouse) == [f"{BAD}.refused"]
    result = answered_result(outcome, "transactions", PREFIX)
    assert (result.passed, result.severity.value) == (False, "WARN")
    assert f"{BAD}.refused" in (result.description or "")
    assert fetch().set_aside == {}


def test_an_answer_of_an_earlier_run_stays_where_it_is_the_disk_that_is_full(
    connection: duckdb.DuckDBPyConnection,
    fetch: Callable[[], ScopeOutcome],
    warehouse: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise duckdb.IOException("No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(steps, "record_transactions_read", fail)
        for _ in range(2):
            with pytest.raises(duckdb.IOException):
                fetch()
    names = left(warehouse)
    assert names
    assert all(name.endswith(".answer") for name in names)
    outcome = fetch()
    assert (sorted(outcome.fetched), outcome.set_aside) == (sorted([BAD, *GOOD]), {})
    assert left(warehouse) == []


@pytest.mark.parametrize("number", ["99999999999999", "-1", "1.5", "soon", "9" * 5000])
def test_an_impossible_limit_is_not_believed(number: str) -> None:
    names = ("LIMIT", "REMAINING", "RESET")
    headers = {f"HTTP_X_RATELIMIT_ACCOUNT_SUCCESS_{name}": number for name in names}
    assert account_limit(headers) == Limit()


def refused(detail: str, **headers: int) -> RateLimitedError:
    spelled = {f"HTTP_X_RATELIMIT_{name}": str(value) for name, value in headers.items()}
    error = error_of(429, {"summary": "Rate limit exceeded", "detail": detail}, spelled)
    assert isinstance(error, RateLimitedError)
    return error


def test_the_end_of_a_limit_is_that_of_the_limit_that_was_reached() -> None:
    words = "Please try again in 30 seconds"
    assert refused(words).reset_seconds == 30
    assert refused("Please try again in 99999999999999999 seconds").reset_seconds is None
    of_account: dict[str, Any] = {"ACCOUNT_SUCCESS_RESET": 0, "ACCOUNT_SUCCESS_REMAINING": 0}
    assert refused(words, **of_account).reset_seconds == 0
    # the account has calls left, so it is the limit of all calls
    of_account = {"ACCOUNT_SUCCESS_RESET": 80_000, "ACCOUNT_SUCCESS_REMAINING": 3}
    assert refused(words, **of_account).reset_seconds == 30
    assert refused(words, **of_account, RESET=20, REMAINING=0).reset_seconds == 20
