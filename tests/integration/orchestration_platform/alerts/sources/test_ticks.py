"""Ticks of schedules and sensors as the daemon writes them, read in passes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa

# What the daemon writes has no public names: to read it is public, and to write it is the daemon's.
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorTick,
    InstigatorType,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_shared.error import SerializableErrorInfo
from sqlalchemy import event
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.watcher import Watcher, policy

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.outbox import recoveries
from orchestration_platform.alerts.outbox.clock import follow_clock
from orchestration_platform.alerts.outbox.database import Database, database_url

ERROR = SerializableErrorInfo("ConnectionError: no answer\n", [], "ConnectionError")
MINUTE = 60.0


@pytest.fixture
def watcher(instance: dg.DagsterInstance) -> Watcher:
    return Watcher(instance, Database(database_url(instance)), policy("TICK_FAILURE"))


@contextmanager
def counted(table: str) -> Iterator[list[str]]:
    """The statements that name the table."""
    found: list[str] = []

    def note(_connection: object, _cursor: object, text: str, *_: object) -> None:
        if table in text:
            found.append(text)

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)


def running(
    instance: dg.DagsterInstance, kind: InstigatorType, name: str = "nightly"
) -> InstigatorState:
    """A schedule or sensor that is switched on."""
    location = ManagedGrpcPythonEnvCodeLocationOrigin(
        LoadableTargetOrigin(python_file="shop.py"), location_name="shop"
    )
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
    is_schedule = kind is InstigatorType.SCHEDULE
    data = ScheduleInstigatorData("0 6 * * *", 0.0) if is_schedule else SensorInstigatorData()
    state = InstigatorState(origin, kind, InstigatorStatus.RUNNING, data)
    instance.add_instigator_state(state)
    return state


def tick(
    instance: dg.DagsterInstance, state: InstigatorState, status: TickStatus, *, at: float = 0.0
) -> InstigatorTick:
    begun = instance.create_tick(
        TickData(
            instigator_origin_id=state.instigator_origin_id,
            instigator_name=state.instigator_name,
            instigator_type=state.instigator_type,
            status=TickStatus.STARTED,
            timestamp=at or time.time(),
            selector_id=state.selector_id,
        )
    )
    return begun if status is TickStatus.STARTED else end(instance, begun, status, at=at)


def end(
    instance: dg.DagsterInstance, begun: InstigatorTick, status: TickStatus, *, at: float = 0.0
) -> InstigatorTick:
    error = ERROR if status is TickStatus.FAILURE else None
    ended: Any = begun.with_status(status, error=error, end_timestamp=at or time.time())
    instance.update_tick(ended)
    return ended


def are_over(watcher: Watcher) -> list[bool]:
    found = [is_over for _, _, is_over in watcher.look()]
    assert watcher.collector.errors == []
    return found


@on_both_databases
def test_a_tick_that_dagster_retries_until_it_works_has_recovered(
    instance: dg.DagsterInstance, watcher: Watcher
) -> None:
    state = running(instance, InstigatorType.SCHEDULE)
    failed = tick(instance, state, TickStatus.FAILURE)
    assert are_over(watcher) == [False]
    # the same number and time, as the scheduler does while the code server cannot be reached
    end(instance, failed, TickStatus.STARTED)
    assert are_over(watcher) == [False]
    end(instance, failed, TickStatus.FAILURE)
    assert are_over(watcher) == [False]
    assert watcher.rows()[0].occurrences == 1
    end(instance, failed, TickStatus.SUCCESS)
    assert are_over(watcher) == [True]
    tick(instance, state, TickStatus.FAILURE)
    assert are_over(watcher) == [True, False]
    assert Alert.from_json(watcher.rows()[1].facts).consecutive == 1


def test_a_tick_that_was_killed_and_fails_when_it_is_resumed_is_reported(
    instance: dg.DagsterInstance, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = running(instance, InstigatorType.SCHEDULE)
    killed = tick(instance, state, TickStatus.STARTED)
    watcher = Watcher(
        instance, watcher.database, policy("TICK_FAILURE"), timing=Timing(dead_tick=0.0)
    )
    assert are_over(watcher) == []
    end(instance, killed, TickStatus.FAILURE)
    assert are_over(watcher) == [False]


@on_both_databases
def test_each_tick_is_reported_once_although_the_clock_was_set_back(
    instance: dg.DagsterInstance, watcher: Watcher
) -> None:
    state = running(instance, InstigatorType.SENSOR)
    start = time.time()

    def passes(status: TickStatus, *, at: float) -> list[bool]:
        """A tick, and a pass a moment later."""
        tick(instance, state, status, at=start + at)
        watcher.now = start + at + 1
        follow_clock(watcher.database, now=watcher.now)
        return are_over(watcher)

    passes(TickStatus.FAILURE, at=29 * MINUTE)
    passes(TickStatus.SUCCESS, at=30 * MINUTE)
    assert passes(TickStatus.FAILURE, at=31 * MINUTE) == [True, False]
    assert passes(TickStatus.SKIPPED, at=MINUTE) == [True, True]
    assert passes(TickStatus.FAILURE, at=2 * MINUTE) == [True, True, False]
    assert passes(TickStatus.SUCCESS, at=3 * MINUTE) == [True, True, True]
    assert [row.occurrences for row in watcher.rows()] == [1, 1, 1]


def found_over(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a pass finds to be over, and what it is instead."""
    found: list[str] = []
    record = recoveries.record_recoveries

    def recorded(connection: Any, recovered: Any, **other: Any) -> None:
        found.extend(one.instead for one in recovered)
        record(connection, recovered, **other)

    with monkeypatch.context() as patch:
        patch.setattr(recoveries, "record_recoveries", recorded)
        watcher.look()
    return found


@pytest.mark.parametrize("instead", ["switched off", "removed"])
def test_a_failed_schedule_that_is_switched_off_or_removed_is_closed(
    instead: str,
    instance: dg.DagsterInstance,
    watcher: Watcher,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state = running(instance, InstigatorType.SENSOR)
    tick(instance, state, TickStatus.FAILURE)
    assert are_over(watcher) == [False]
    if instead == "removed":
        instance.delete_instigator_state(state.instigator_origin_id, state.selector_id)
    else:
        instance.update_instigator_state(state.with_status(InstigatorStatus.STOPPED))
    assert found_over(watcher, monkeypatch) == [instead]
    assert found_over(watcher, monkeypatch) == []
    assert are_over(watcher) == [True]
    if instead == "removed":
        instance.add_instigator_state(state)
    else:
        instance.update_instigator_state(state)
    tick(instance, state, TickStatus.FAILURE)
    assert are_over(watcher) == [True, False]
    assert Alert.from_json(watcher.rows()[1].facts).consecutive == 1


def test_a_tick_that_fails_while_its_sensor_is_switched_off_is_reported_first(
    instance: dg.DagsterInstance, watcher: Watcher
) -> None:
    state = running(instance, InstigatorType.SENSOR)
    begun = tick(instance, state, TickStatus.STARTED)
    instance.update_instigator_state(state.with_status(InstigatorStatus.STOPPED))
    assert are_over(watcher) == []
    end(instance, begun, TickStatus.FAILURE)
    assert are_over(watcher) == [False]
    assert are_over(watcher) == [True]


@on_both_databases
def test_the_ticks_of_all_schedules_and_sensors_are_read_in_a_few_queries(
    instance: dg.DagsterInstance, watcher: Watcher
) -> None:
    states = [running(instance, InstigatorType.SENSOR, f"till_{one}") for one in range(30)]
    for number, state in enumerate(states):
        # of some, two ticks, and of one, none
        for _ in range(number % 3):
            tick(instance, state, TickStatus.FAILURE)
    with counted("job_ticks") as first:
        assert len(are_over(watcher)) == 20
    assert sorted({row.occurrences for row in watcher.rows()}) == [1, 2]
    with counted("job_ticks") as second:
        assert are_over(watcher) == [False] * 20
    for state in states:
        tick(instance, state, TickStatus.SUCCESS)
    with counted("job_ticks") as third:
        assert are_over(watcher) == [True] * 20
    assert max(len(first), len(second), len(third)) <= 3
