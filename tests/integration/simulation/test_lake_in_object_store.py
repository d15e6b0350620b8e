"""A lake whose files are in an object store, also one that fails: no row is lost or doubled."""

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count, cycle
from pathlib import Path

import duckdb
import pytest
import requests
from tests.integration.simulation.conftest import FIVE_YEARS, Finished
from tests.integration.simulation.lake_tables import assert_the_lake_has_the_rows_of
from tests.integration.simulation.lake_writers import (
    LOCATION,
    WHOLE,
    YEARS,
    create_ledger,
    write_years,
    years_stored,
)
from tests.integration.simulation.launching import reasons, run_job
from tests.support.object_store import Fault, ObjectStore, answer, object_store

from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.warehouse.lake import object_store as settings
from shared_lib.warehouse.lake.maintenance import Maintained, maintain_lake

BUCKET = "lake"
KEY = "a key that nobody may see"
FAULTS: tuple[Fault, ...] = (500, 503, "drop", "serve_and_drop")


@pytest.fixture
def store(lake: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """Where the files of the lake are, instead of in its directory."""
    monkeypatch.setattr(settings, "RETRIES", 2)
    with object_store() as found:
        requests.put(f"{found.url}/{BUCKET}", timeout=PATIENCE_SECONDS).raise_for_status()
        monkeypatch.setenv("WAREHOUSE_DATA", f"s3://{BUCKET}/platform")
        monkeypatch.setenv("WAREHOUSE_DATA_ENDPOINT", found.url)
        monkeypatch.setenv("WAREHOUSE_DATA_SECRET", "lake/store")
        monkeypatch.setenv("LAKE_STORE__ACCESS_KEY_ID", "test")
        monkeypatch.setenv("LAKE_STORE__SECRET_ACCESS_KEY", KEY)
        yield found


def each_request_once(*faults: Fault) -> Callable[[str, str], Fault | None]:
    """The first try of each request fails, in one of these ways after the other."""
    failed: set[tuple[str, str]] = set()
    ways = cycle(faults)

    def fail(method: str, path: str) -> Fault | None:
        if (method, path) in failed:
            return None
        failed.add((method, path))
        return next(ways)

    return fail


def from_the_file(number: int, fault: Fault, *, table: str) -> Callable[[str, str], Fault | None]:
    """Once so many files of a table were written, nothing works any more."""
    files = count(1)
    broken = threading.Event()

    def fail(method: str, path: str) -> Fault | None:
        if method == "PUT" and table in path and next(files) == number:
            broken.set()
        return fault if broken.is_set() else None

    return fail


def test_a_run_that_the_store_fails_goes_on_and_ends_in_the_rows_of_the_file(
    platform_of_lake: Path,
    begin_with: Callable[[Finished], Path],
    finished: Finished,
    store: ObjectStore,
    lake: Path,
) -> None:
    file = begin_with(finished)

    def run():
        return run_job("multi_year_simulation", years=FIVE_YEARS, request={"generated_size": 1000})

    store.before = from_the_file(3, 503, table="int_employee_years")
    failed = run()
    assert not failed.success
    [reason] = reasons(failed).values()
    assert "HTTP 503" in reason
    assert f"{store.url}/{BUCKET}/platform/simulation/" in reason
    assert KEY not in str(failed.all_events)

    store.before = each_request_once(*FAULTS)
    again = run()
    assert again.success, reasons(again)
    store.before = answer
    assert_the_lake_has_the_rows_of(file)
    assert not lake.exists()


def test_a_run_on_a_slow_store_ends_in_the_rows_of_the_file(
    platform_of_lake: Path,
    begin_with: Callable[[Finished], Path],
    finished: Finished,
    store: ObjectStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    file = begin_with(finished)
    # a busy machine may take as long as it likes for each answer
    monkeypatch.setattr(settings, "TIMEOUT_SECONDS", round(PATIENCE_SECONDS))
    answers = count()

    def late(_method: str, _path: str) -> Fault:
        next(answers)
        return "slow"

    store.before = late
    store.pause_seconds = 0.1  # five of them an answer
    run = run_job("multi_year_simulation", years=FIVE_YEARS, request={"generated_size": 1000})
    assert run.success, reasons(run)
    assert next(answers) > len(FIVE_YEARS)
    store.before = answer
    assert_the_lake_has_the_rows_of(file)


def test_what_fails_once_is_tried_again(store: ObjectStore) -> None:
    create_ledger()
    _, report = multiprocessing.Pipe()
    for fault in FAULTS:
        store.before = each_request_once(fault)
        write_years(str(fault), "run 1", report)
        store.before = each_request_once(fault)
        assert years_stored(str(fault)) == [(year, WHOLE) for year in YEARS]


def test_a_store_that_fails_for_good_ends_the_run_and_the_next_one_goes_on(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "RETRIES", 1)
    create_ledger()
    _, report = multiprocessing.Pipe()
    for fault in FAULTS:
        part = f"fails by {fault}"
        store.before = from_the_file(3, fault, table="ledger")
        with pytest.raises(duckdb.Error, match=store.url):
            write_years(part, "run 1", report)
        store.before = answer
        assert years_stored(part) == [(year, WHOLE) for year in YEARS[:2]]
        write_years(part, "run 2", report)
        assert years_stored(part) == [(year, WHOLE) for year in YEARS]


def test_a_slow_store_is_waited_for_until_a_request_takes_too_long(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_ledger()
    _, report = multiprocessing.Pipe()
    store.before = lambda _method, _path: "slow"
    write_years("baseline", "run 1", report)
    assert years_stored("baseline") == [(year, WHOLE) for year in YEARS]
    monkeypatch.setattr(settings, "RETRIES", 0)
    monkeypatch.setattr(settings, "TIMEOUT_SECONDS", 1)
    # each piece comes in time, all of them do not
    store.pause_seconds = 0.3
    with pytest.raises(duckdb.Error, match=rf"Timeout .*{store.url}"):
        years_stored("baseline")


def test_a_silent_store_ends_the_run_in_time_and_its_files_are_not_of_the_lake(
    store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_ledger()
    _, report = multiprocessing.Pipe()
    with monkeypatch.context() as patch:
        patch.setattr(settings, "RETRIES", 0)
        patch.setattr(settings, "TIMEOUT_SECONDS", 1)
        store.before = from_the_file(1, "silence", table="ledger")
        with pytest.raises(duckdb.Error, match=store.url):
            write_years("baseline", "run 1", report)
    # stored, but the writer did not learn it
    store.before = from_the_file(1, "serve_and_drop", table="ledger")
    with pytest.raises(duckdb.Error, match=store.url):
        write_years("baseline", "run 2", report)
    store.before = answer
    write_years("baseline", "run 3", report)

    def maintained() -> Maintained:
        return maintain_lake(
            LOCATION, keep=timedelta(), untouched=timedelta(), is_dry=False, on_wait=print
        )

    assert len(maintained().orphans) == 1
    assert maintained().orphans == []
    assert years_stored("baseline") == [(year, WHOLE) for year in YEARS]
