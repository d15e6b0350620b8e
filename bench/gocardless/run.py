"""``python -m bench.gocardless_run URL WAREHOUSE``: print figures of a first and a daily sync.

The steps are those of the job, without Dagster.
"""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import requests

from bench.gocardless.server import NOON
from gocardless.bank_account_data import steps as gocardless_steps
from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.registers import extract_institutions, extract_requisitions
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.bank_api.client import Answer
from gocardless.extraction import steps
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.tables import create_unified_tables
from sandboxes.bank.control import CONTROL_PATH
from shared_lib.warehouse import write_warehouse

DAY = timedelta(days=1)


class Stopwatch:
    """CPU and wall seconds by activity."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}

    @contextmanager
    def measuring(self, what: str) -> Iterator[None]:
        """Record the seconds of the body under ``what``."""
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.figures[f"{what}_wall"] = time.perf_counter() - wall
        self.figures[f"{what}_cpu"] = time.process_time() - cpu


class MeteredClient(BankDataClient):
    """Counts the CPU seconds spent on requesting transactions."""

    def __init__(self, **arguments: Any) -> None:
        """As the client itself."""
        super().__init__(**arguments)
        self._lock, self._seconds = threading.Lock(), 0.0

    def transactions_text(
        self, account_id: str, *, date_from: date, date_to: date | None = None
    ) -> Answer[str]:
        """As the client itself."""
        before = time.thread_time()
        try:
            return super().transactions_text(account_id, date_from=date_from, date_to=date_to)
        finally:
            with self._lock:
                self._seconds += time.thread_time() - before

    def take_seconds(self) -> float:
        """Return the seconds of all threads since the last call."""
        with self._lock:
            taken, self._seconds = self._seconds, 0.0
            return taken


def main(url: str, warehouse: str) -> None:
    """Run everything and print the figures; a line after each job lets the calls be counted."""
    watch, moment = Stopwatch(), NOON

    def now() -> datetime:
        return moment

    client = MeteredClient(
        url=url,
        credentials=lambda: {"secret_id": "sandbox-id", "secret_key": "sandbox-key"},
        now=now,
    )
    with write_warehouse(Path(warehouse)) as connection:
        create_gocardless_tables(connection)
        create_unified_tables(connection)
        _job(connection, client, now, watch, "first")
        with watch.measuring("nothing_new_sync"):
            sync_transactions(connection, GOCARDLESS)
        _counted()
        requests.post(f"{url}{CONTROL_PATH}", json={"advance_seconds": 86_400}, timeout=10)
        moment += DAY
        _job(connection, client, now, watch, "daily")
        _counted()
        run = steps.Extraction(
            accounts=accounts_to_fetch,
            connection=connection,
            client=client,
            run_id="again",
            now=now,
            refresh=True,
        )
        steps.extract_transactions(run, overlap_days=3)
        with watch.measuring("unchanged_sync"):
            sync_transactions(connection, GOCARDLESS)
        rows = connection.execute("select count(*) from unified.transactions").fetchall()
    print(json.dumps({**watch.figures, "rows": rows[0][0]}), flush=True)


def _job(
    connection: duckdb.DuckDBPyConnection,
    client: MeteredClient,
    now: Callable[[], datetime],
    watch: Stopwatch,
    name: str,
) -> None:
    run = steps.Extraction(
        accounts=accounts_to_fetch, connection=connection, client=client, run_id=name, now=now
    )
    registers: dict[str, Any] = {"at": now(), "run_id": name}
    with watch.measuring(f"{name}_registers"):
        extract_institutions(connection, client, **registers)
        extract_requisitions(connection, client, **registers)
    with watch.measuring(f"{name}_accounts"):
        gocardless_steps.extract_bank_accounts(run)
        gocardless_steps.extract_account_details(run, fresh_for_days=30)
        steps.extract_balances(run)
    with watch.measuring(f"{name}_load"):
        outcome = steps.extract_transactions(run, overlap_days=3)
    watch.figures[f"{name}_http_cpu"] = client.take_seconds()
    if outcome.failed or outcome.limited:
        raise RuntimeError(f"accounts did not answer: {outcome.failed or outcome.limited}")
    with watch.measuring(f"{name}_sync"):
        sync_transactions(connection, GOCARDLESS)


def _counted() -> None:
    """Let the parent process count the calls."""
    print("synced", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
