"""Answers that come at once, and a run that is killed while they come."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tests.integration.gocardless.conftest import NOON, ledger

from gocardless.api.errors import IpDeniedError, NotFoundError
from gocardless.extraction.fetching import Batching, fetch_concurrently
from gocardless.sandbox.bank import Bank, SandboxState
from gocardless.sandbox.server import sandbox_server
from shared_lib.warehouse import read_warehouse

PROGRAM = """
import sys
from datetime import datetime
from pathlib import Path
from gocardless.api.client import BankDataClient
from gocardless.extraction import accounts, fetching, steps
from gocardless.extraction.registers import extract_requisitions
from gocardless.extraction.tables import create_raw_tables
from gocardless.sync.gocardless_provider import GOCARDLESS
from gocardless.sync.reconciliation import sync_transactions
from gocardless.sync.tables import create_unified_tables
from shared_lib.warehouse import write_warehouse

url, warehouse, moment = sys.argv[1:]
fetching.Batching.__init__.__defaults__ = (0.2, 100)  # more batches than one in a short test
now = lambda: datetime.fromisoformat(moment)
client = BankDataClient(
    url=url, credentials=lambda: {"secret_id": "sandbox-id", "secret_key": "sandbox-key"}, now=now
)
with write_warehouse(Path(warehouse)) as connection:
    create_raw_tables(connection)
    create_unified_tables(connection)
    extract_requisitions(connection, client, at=now(), run_id="run")
    run = steps.Extraction(
        connection=connection, client=client, run_id="run", now=now, concurrency=2
    )
    steps.extract_transactions(run, overlap_days=3)
    sync_transactions(connection, GOCARDLESS)
"""
ACCOUNTS = 24


def start(url: str, warehouse: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", PROGRAM, url, str(warehouse), NOON.isoformat()]
    return subprocess.Popen(command, env={**os.environ, "DAGSTER_ENVIRONMENT": "ci"})


def test_a_run_that_is_killed_loses_nothing_and_asks_again_for_what_was_not_written(
    tmp_path: Path,
) -> None:
    state = SandboxState(latency_seconds=0.1)
    state.clock.set(NOON)
    state.connect(
        Bank("ONE_ONEEDEFF", "One", calls_a_day=2), [ledger(number) for number in range(ACCOUNTS)]
    )
    warehouse = tmp_path / "gocardless.duckdb"

    def asked() -> int:
        return state.count(lambda path: "/transactions/" in path)

    with sandbox_server(state) as server:
        killed = start(server.url, warehouse)
        deadline = time.monotonic() + 30
        while asked() < ACCOUNTS * 2 // 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        with read_warehouse(warehouse) as connection:
            written = {
                row[0]
                for row in connection.execute("select account_id from raw.gc_watermarks").fetchall()
            }
        assert 0 < len(written) < ACCOUNTS
        first = asked()
        assert start(server.url, warehouse).wait() == 0
    calls = Counter(path.split("/")[4] for _, path in state.calls if "/transactions/" in path)
    assert sum(calls.values()) == first + ACCOUNTS - len(written)
    assert all(calls[account_id] == 1 for account_id in written)
    with read_warehouse(warehouse) as connection:
        booked = connection.execute(
            "select account_id, count(*) from unified.transactions group by account_id"
        ).fetchall()
    # the day of the call and the 40 before it
    assert {count for _, count in booked} == {40}
    assert len(booked) == ACCOUNTS


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
