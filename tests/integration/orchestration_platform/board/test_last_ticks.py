"""The last ticks are those of Dagster's own query, and cost no more when there were many."""

from collections.abc import Iterator

import dagster as dg
import pytest
import sqlalchemy as sa
import sqlalchemy.event
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster_shared.error import SerializableErrorInfo
from tests.integration.orchestration_platform.alerts.databases import (
    postgres_instance,
    running_postgres,
)

from orchestration_platform.board.last_ticks import last_ticks

NAMES = ["opened", "closed", "silent"]
ENDED = [TickStatus.SUCCESS, TickStatus.FAILURE, TickStatus.SKIPPED]
REPOSITORY = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("shop"), "__repository__")


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    home = tmp_path_factory.mktemp("ticks")
    with (
        pytest.MonkeyPatch.context() as patch,
        running_postgres() as postgres,
        postgres_instance(postgres, home, patch) as found,
    ):
        for name in NAMES:
            found.add_instigator_state(state(name))
        for at in range(600):
            status = (TickStatus.SKIPPED, TickStatus.FAILURE, TickStatus.SUCCESS)[at % 3]
            report(found, "opened", status, at=at)
        report(found, "opened", TickStatus.STARTED, at=600)
        report(found, "closed", TickStatus.FAILURE, at=7)
        yield found


def state(name: str) -> InstigatorState:
    return InstigatorState(
        RemoteInstigatorOrigin(REPOSITORY, name), InstigatorType.SENSOR, InstigatorStatus.RUNNING,
        SensorInstigatorData(),
    )  # fmt: skip


def report(instance: dg.DagsterInstance, name: str, status: TickStatus, *, at: float) -> None:
    of = state(name)
    instance.create_tick(
        TickData(
            instigator_origin_id=of.instigator_origin_id, instigator_name=name,
            instigator_type=InstigatorType.SENSOR, status=status, timestamp=float(at),
            selector_id=of.selector_id,
            run_ids=["run"] if status is TickStatus.SUCCESS else [],
            error=SerializableErrorInfo("no till", [], None)
            if status is TickStatus.FAILURE
            else None,
        )
    )  # fmt: skip


@pytest.mark.parametrize("statuses", [list(TickStatus), ENDED])
def test_they_are_those_that_dagster_finds(
    instance: dg.DagsterInstance, statuses: list[TickStatus]
) -> None:
    # not by get_batch_ticks, which fails when it is asked for some statuses
    expected = {
        of.selector_id: ticks[0]
        for of in map(state, NAMES)
        if (
            ticks := instance.get_ticks(
                of.instigator_origin_id, of.selector_id, limit=1, statuses=statuses
            )
        )
    }
    selectors = [state(name).selector_id for name in NAMES]
    assert last_ticks(instance, selectors, statuses=statuses) == expected
    assert len(expected) == 2


def test_an_index_leads_to_each(instance: dg.DagsterInstance) -> None:
    storage = instance.schedule_storage
    assert isinstance(storage, SqlScheduleStorage)
    statements: list[tuple[str, object]] = []

    def note(_connection: object, _cursor: object, text: str, values: object, *_: object) -> None:
        if "job_ticks" in text:
            statements.append((text, values))

    sqlalchemy.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        last_ticks(instance, [state(name).selector_id for name in NAMES])
    finally:
        sqlalchemy.event.remove(sa.Engine, "before_cursor_execute", note)
    [(text, values)] = statements
    with storage.connect() as connection:
        plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"explain {text}", values))
    assert "idx_tick_selector_timestamp" in plan
    assert "Seq Scan on job_ticks" not in plan
