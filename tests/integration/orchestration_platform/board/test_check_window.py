"""The last execution of each check, and how many passed, are those that Dagster finds."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from tests.integration.orchestration_platform.alerts.databases import (
    sqlite_instance,
    sqlite_template,
)

from orchestration_platform.board.history import check_window
from orchestration_platform.board.history.check_window import Check, Checks, CheckWindow

CHECKS = [dg.AssetCheckKey(dg.AssetKey(["shop", name]), "full") for name in ("a", "b", "c")]


class Log:
    """A log of checks, and the window that is kept of it."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance, self.window = instance, CheckWindow()

    def evaluate(self, check: dg.AssetCheckKey, *, passed: bool) -> None:
        evaluation = dg.AssetCheckEvaluation(
            asset_key=check.asset_key, check_name=check.name, passed=passed, metadata={}
        )
        self.instance.report_runless_asset_event(evaluation)

    def age(self, days: int) -> None:
        """Make all that has happened older."""
        table = AssetCheckExecutionsTable
        time = table.c.evaluation_event_timestamp
        with self.storage.index_connection() as connection:
            for row in connection.execute(sa.select(table.c.id, time)).all():
                older = {"evaluation_event_timestamp": row[1] - timedelta(days=days)}
                connection.execute(table.update().where(table.c.id == row.id).values(older))

    @property
    def storage(self) -> SqlEventLogStorage:
        storage = self.instance.event_log_storage
        assert isinstance(storage, SqlEventLogStorage)
        return storage

    def read(self, window: CheckWindow | None = None) -> Checks:
        names: list[Check] = [(key.asset_key.to_string(), key.name) for key in CHECKS]
        with self.storage.index_connection() as connection:
            return (window or self.window).read(connection, names, now=datetime.now(UTC))


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    empty = tmp_path / "empty"
    empty.mkdir()
    with sqlite_instance(sqlite_template(empty), tmp_path / "home", monkeypatch) as instance:
        yield Log(instance)


def test_the_window_finds_what_dagster_finds_and_keeps_it(log: Log) -> None:
    first, second, _ = CHECKS
    for passed in (True, False, True):
        log.evaluate(first, passed=passed)
        found, anew = log.read(), log.read(CheckWindow())
        assert (found.last, found.rates) == (anew.last, anew.rates)
    log.evaluate(second, passed=False)
    found = log.read()
    latest = log.storage.get_latest_asset_check_execution_by_key(CHECKS)
    assert {one.id for one in found.last.values()} == {one.id for one in latest.values()}
    assert found.last_ended == found.last
    for key in (first, second):
        history = log.storage.get_asset_check_execution_history(key, limit=100)
        counts = Counter(one.status.value for one in history)
        rate = found.rates[key.asset_key.to_string(), key.name]
        assert (rate.ended, rate.passed) == (sum(counts.values()), counts["SUCCEEDED"])


def test_the_last_result_of_an_idle_check_is_found_and_counts_in_no_rate(log: Log) -> None:
    log.evaluate(CHECKS[0], passed=False)
    log.age(40)
    log.evaluate(CHECKS[1], passed=True)
    found = log.read()
    assert [one.status for one in found.last.values()] == ["SUCCEEDED", "FAILED"]
    assert [check[0] for check in found.rates] == [CHECKS[1].asset_key.to_string()]


def test_a_rate_is_since_the_oldest_result_that_is_stored(log: Log) -> None:
    today = datetime.now(UTC).date()
    log.evaluate(CHECKS[0], passed=False)
    log.age(12)
    log.evaluate(CHECKS[0], passed=True)
    log.evaluate(CHECKS[1], passed=True)
    log.age(5)
    found = {check[0]: rate for check, rate in log.read().rates.items()}
    first, second, _ = (key.asset_key.to_string() for key in CHECKS)
    # midnight may pass during the test
    assert 17 >= (today - found[first].since).days >= 16
    assert 5 >= (today - found[second].since).days >= 4
    # the retention deletes the oldest
    with log.storage.index_connection() as connection:
        table = AssetCheckExecutionsTable
        oldest = sa.select(sa.func.min(table.c.id)).scalar_subquery()
        connection.execute(table.delete().where(table.c.id == oldest))
    anew = log.read(CheckWindow()).rates[first, "full"]
    assert (anew.ended, anew.passed, anew.since) == (1, 1, found[second].since)


def test_a_read_asks_only_for_new_executions(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        log.evaluate(CHECKS[0], passed=True)
    log.age(1)
    log.read()
    log.evaluate(CHECKS[0], passed=True)
    found = []
    read = check_window._executions
    monkeypatch.setattr(
        check_window, "_executions", lambda *query: found.append(read(*query)) or found[-1]
    )
    log.read()
    assert [len(part) for part in found] == [1]
