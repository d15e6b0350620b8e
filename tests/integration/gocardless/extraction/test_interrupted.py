"""Answers that come at once, and a run that is killed while they come."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from tests.integration.gocardless.conftest import NOON, ledger

from gocardless.bank_api.client import Answer
from gocardless.bank_api.errors import IpDeniedError, NotFoundError
from gocardless.bank_api.limits import Limit
from gocardless.extraction.fetching import Batching, fetch_concurrently
from gocardless.extraction.journal import AnswerJournal, Received, Wording
from gocardless.extraction.transactions import AnswerOfWindow, Window
from sandboxes.bank.bank import Bank, SandboxState
from sandboxes.bank.server import sandbox_server
from shared_lib.warehouse import read_warehouse

PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
from gocardless.bank_account_data.client import BankDataClient
from gocardless.extraction import fetching, steps
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.registers import extract_requisitions
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.tables import create_unified_tables
from shared_lib.warehouse import write_warehouse

url, warehouse, moment, batch_seconds = sys.argv[1:]
fetching.Batching.__init__.__defaults__ = (float(batch_seconds), 100)
now = lambda: datetime.fromisoformat(moment)
client = BankDataClient(
    url=url, credentials=lambda: {"secret_id": "sandbox-id", "secret_key": "sandbox-key"}, now=now
)
with write_warehouse(Path(warehouse)) as connection:
    create_gocardless_tables(connection)
    create_unified_tables(connection)
    extract_requisitions(connection, client, at=now(), run_id="run")
    run = steps.Extraction(
        connection=connection, client=client, run_id="run", accounts=accounts_to_fetch, now=now,
        concurrency=2,
    )
    steps.extract_transactions(run, overlap_days=3)
    sync_transactions(connection, GOCARDLESS)
"""
DIED = 9
DIES_BEFORE_IT_FORGETS = f"""
import os
from gocardless.extraction.journal import AnswerJournal
AnswerJournal.forget = lambda *_: os._exit({DIED})
{PROGRAM}
"""
ACCOUNTS = 24


CONCURRENCY = 2


def start(
    url: str, warehouse: Path, *, batch_seconds: float, now: datetime, program: str = PROGRAM
) -> subprocess.Popen:
    arguments = (url, str(warehouse), now.isoformat(), str(batch_seconds))
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.Popen(command, env={**os.environ, "DAGSTER_ENVIRONMENT": "ci"})


@pytest.mark.parametrize("batch_seconds", [0.2, 60.0], ids=["some_written", "none_written"])
@pytest.mark.parametrize("days_later", [0, 1], ids=["same_day", "next_day"])
def test_a_run_that_is_killed_loses_no_answer_and_repeats_no_call(
    tmp_path: Path, batch_seconds: float, days_later: int
) -> None:
    state = SandboxState(latency_seconds=0.1)
    state.clock.set(NOON)
    state.connect(
        Bank("ONE_ONEEDEFF", "One", calls_a_day=2), [ledger(number) for number in range(ACCOUNTS)]
    )
    warehouse, later = tmp_path / "gocardless.duckdb", NOON + timedelta(days=days_later)

    def asked() -> Counter[str]:
        return Counter(path.split("/")[4] for _, path in state.calls if "/transactions/" in path)

    with sandbox_server(state) as server:
        killed = start(server.url, warehouse, batch_seconds=batch_seconds, now=NOON)
        deadline = time.monotonic() + 90
        while asked().total() < ACCOUNTS * 2 // 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        with read_warehouse(warehouse) as connection:
            written = connection.execute("select account_id from raw.gc_watermarks").fetchall()
        assert bool(written) == (batch_seconds < 1)
        assert len(written) < ACCOUNTS * 2 // 3
        before = asked()
        state.clock.set(later)
        end = start(server.url, warehouse, batch_seconds=0.2, now=later)
        assert end.wait() == 0
    repeated = [account_id for account_id, calls in asked().items() if calls > 1]
    if days_later:
        assert asked() - before == Counter(dict.fromkeys(asked(), 1))
    else:
        assert len(asked()) == ACCOUNTS
        assert len(repeated) <= CONCURRENCY
    assert list(warehouse.with_name(f"{warehouse.name}.answers").rglob("*.answer")) == []
    with read_warehouse(warehouse) as connection:
        booked = connection.execute(
            "select account_id, count(*) from unified.transactions group by account_id"
        ).fetchall()
        twice = connection.execute(
            "select account_id, fetched_at from raw.gc_fetches group by all having count(*) > 1"
        ).fetchall()
    # the day of the call and the 40 before it
    assert {count for _, count in booked} == {40 + days_later}
    assert len(booked) == ACCOUNTS
    assert twice == []


@pytest.mark.parametrize("days_later", [0, 1], ids=["same_day", "next_day"])
def test_answers_are_taken_once_when_a_run_dies_right_after_it_wrote_them(
    tmp_path: Path, days_later: int
) -> None:
    state = SandboxState()
    state.clock.set(NOON)
    state.connect(
        Bank("ONE_ONEEDEFF", "One", calls_a_day=2), [ledger(number) for number in range(3)]
    )
    warehouse, later = tmp_path / "gocardless.duckdb", NOON + timedelta(days=days_later)
    with sandbox_server(state) as server:
        dying = start(
            server.url, warehouse, batch_seconds=60, now=NOON, program=DIES_BEFORE_IT_FORGETS
        )
        assert dying.wait() == DIED
        left = list(warehouse.with_name(f"{warehouse.name}.answers").rglob("*.answer"))
        assert len(left) == 3
        state.clock.set(later)
        assert start(server.url, warehouse, batch_seconds=60, now=later).wait() == 0
    assert not any(path.exists() for path in left)
    with read_warehouse(warehouse) as connection:
        fetched = connection.execute(
            "select account_id, count(*) from raw.gc_fetches group by account_id"
        ).fetchall()
        settled = connection.execute(
            "select distinct last_success_at from raw.gc_call_budget where scope = 'transactions'"
        ).fetchall()
    assert [count for _, count in fetched] == [1 + days_later] * 3
    assert settled == [(later.replace(tzinfo=None),)]


def test_an_answer_that_was_left_is_read_and_a_broken_one_is_named_by_its_file(
    tmp_path: Path,
) -> None:
    text = '{"transactions": {"booked": [], "pending": []}}\r\n\n\u2028 \u00e9 \U0001f389'
    window = Window("one/two", NOON.date(), NOON.date() - timedelta(days=2), NOON.date())
    answer = Answer(AnswerOfWindow(window, text), Limit(4, 3, 86_400))
    received = Received("one/two", answer, NOON)
    wording = Wording(AnswerOfWindow.as_texts, AnswerOfWindow.from_text)
    journal = AnswerJournal(tmp_path / "transactions", wording)
    assert journal.left(["one/two"]) == []
    journal.keep(received)
    assert journal.left(["one/two", "three"]) == ["one/two"]
    assert journal.read("one/two") == received
    (path,) = (tmp_path / "transactions").iterdir()
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ValueError, match=f"{path.name} is not an answer that a run has left"):
        journal.read("one/two")
    kept = journal.set_aside("one/two", because="it is broken")
    assert (tmp_path / "transactions" / kept).is_file()
    assert journal.left(["one/two"]) == []
    journal.keep(received)
    journal.forget(["one/two", "three"])
    assert journal.left(["one/two"]) == []


def test_no_more_calls_at_a_time_than_configured_and_few_ahead_of_the_writer() -> None:
    at_once = most = 0
    lock = threading.Lock()

    def ask(item: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.005)
        with lock:
            at_once -= 1
        return item

    batching = Batching(seconds=1, answers=10)
    batches = list(fetch_concurrently(range(45), ask, concurrency=3, batching=batching))
    assert most == 3
    assert [len(batch) for batch in batches] == [10, 10, 10, 10, 5]
    assert sorted(item for batch in batches for item, _ in batch) == list(range(45))

    asked = []
    handed = fetch_concurrently(
        range(100), asked.append, concurrency=3, batching=Batching(seconds=1, answers=4)
    )
    next(handed)
    time.sleep(0.1)
    assert len(asked) <= 4 + 8
    handed.close()


def test_what_came_before_the_platform_is_refused_is_handed_on() -> None:
    def ask(item: int) -> int:
        if item == 1:
            raise NotFoundError("gone")
        if item == 2:
            raise IpDeniedError("not from here")
        return item

    batches = fetch_concurrently([0, 1, 2], ask, concurrency=1)
    (first, (item, error)) = next(batches)
    assert (first, item, type(error)) == ((0, 0), 1, NotFoundError)
    with pytest.raises(IpDeniedError):
        next(batches)
