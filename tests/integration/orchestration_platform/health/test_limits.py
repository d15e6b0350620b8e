"""What ``platform_health`` checks about storage, disks, queue, pools, clocks and locations."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

# no public way makes the origin that a queued run must have
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from tests.integration.orchestration_platform.alerts.databases import DATABASES

from orchestration_platform.alerts.outbox.database import database_url
from orchestration_platform.health import clock, disk, locations, queue, storage
from shared_lib.metadata import STORAGE_BYTES

Run = Callable[..., dg.AssetCheckEvaluation]

ON_BOTH = pytest.mark.parametrize("instance", DATABASES, indirect=True)


@pytest.fixture
def run(instance: dg.DagsterInstance) -> Run:
    """Runs one check in the instance, with its settings."""

    def evaluate(check: dg.AssetChecksDefinition, **settings: object) -> dg.AssetCheckEvaluation:
        config = {"ops": {check.op.name: {"config": settings}}} if settings else {}
        job = dg.Definitions(
            asset_checks=[check],
            jobs=[dg.define_asset_job("one", dg.AssetSelection.checks(check))],
        ).get_job_def("one")
        result = job.execute_in_process(instance=instance, run_config=config)
        [found] = result.get_asset_check_evaluations()
        return found

    return evaluate


@ON_BOTH
def test_a_slow_database_is_a_warning(run: Run) -> None:
    assert run(storage.storage_answers, slow_seconds=60.0).passed
    slow = run(storage.storage_answers, slow_seconds=0.0)
    assert (slow.passed, slow.severity) == (False, dg.AssetCheckSeverity.WARN)


@ON_BOTH
def test_the_storage_grows_by_what_it_was_smaller_two_days_ago(
    instance: dg.DagsterInstance,
) -> None:
    now, size = datetime.now(UTC), storage.storage_bytes(instance)
    assert size > 10_000
    sizes = {STORAGE_BYTES: size, f"{STORAGE_BYTES}/bank.duckdb": 500}
    assert storage.daily_growth(instance, sizes, now=now) is None
    materialized = dg.AssetMaterialization("platform_health", metadata=sizes)
    instance.report_runless_asset_event(materialized)

    # too young to say anything
    assert storage.daily_growth(instance, sizes, now=now + timedelta(hours=23)) is None
    later = {
        STORAGE_BYTES: size + 6_000,
        f"{STORAGE_BYTES}/bank.duckdb": 20_500,
        # its size of before is not known
        f"{STORAGE_BYTES}/new.duckdb": 90_000,
    }
    growth = storage.daily_growth(instance, later, now=now + timedelta(days=2))
    assert growth == pytest.approx(13_000, rel=0.01)


@ON_BOTH
def test_what_is_stored_makes_the_storage_larger(instance: dg.DagsterInstance) -> None:
    before = storage.storage_bytes(instance)
    for _ in range(20):
        metadata = {"text": "x" * 200_000}
        instance.report_runless_asset_event(dg.AssetMaterialization("large", metadata=metadata))
    assert storage.storage_bytes(instance) > before


def test_each_warehouse_counts_with_its_log(tmp_path: Path) -> None:
    (tmp_path / "bank").mkdir()
    for name, size in (("a.duckdb", 10), ("bank/b.duckdb", 20), ("bank/b.duckdb.wal", 3)):
        (tmp_path / name).write_bytes(bytes(size))
    assert storage.warehouse_bytes(tmp_path) == {"a.duckdb": 10, "bank/b.duckdb": 23}
    assert storage.warehouse_bytes(tmp_path / "none") == {}


GIB = 1024**3


@pytest.mark.parametrize(
    ("free", "growth", "expected"),
    [
        (50 * GIB, None, None),
        (50 * GIB, 3 * GIB, None),
        (50 * GIB, -3 * GIB, None),
        (50 * GIB, 5 * GIB, "at the growth of the last day that lasts for 10 days"),
        (2 * GIB, None, "delete what nobody needs, or enlarge the disk"),
    ],
)
def test_a_disk_that_is_full_or_fills_soon_is_a_problem(
    free: int, growth: float | None, expected: str | None
) -> None:
    found = disk.Disk(directory=Path("/data"), total=100 * GIB, free=free)
    problem = found.problem(disk.Room(), growth)
    assert (problem is None) if expected is None else (expected in str(problem))


def test_each_disk_is_examined_once_even_before_its_directory_exists(
    run: Run, tmp_path: Path
) -> None:
    [found] = disk.disks([tmp_path, tmp_path / "not" / "yet"])
    assert found.directory == tmp_path
    assert run(disk.disks_have_room, least_free_bytes=0, least_free_share=0.0).passed
    full = run(disk.disks_have_room, least_free_bytes=2**60)
    assert "GiB" in (full.description or "")
    assert (full.passed, full.severity) == (False, dg.AssetCheckSeverity.ERROR)


@ON_BOTH
@pytest.mark.parametrize(
    ("event_type", "setting", "state"),
    [
        (dg.DagsterEventType.RUN_ENQUEUED, "queued_minutes", "waited in the queue"),
        (dg.DagsterEventType.RUN_STARTING, "starting_minutes", "been starting"),
    ],
)
def test_a_run_that_waits_for_long_is_named(
    run: Run,
    instance: dg.DagsterInstance,
    event_type: dg.DagsterEventType,
    setting: str,
    state: str,
) -> None:
    @dg.job
    def nothing() -> None: ...

    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("shop"), "__repository__")
    made = instance.create_run_for_job(
        nothing, remote_job_origin=origin.get_job_origin("nothing"),
    )  # fmt: skip
    instance.report_dagster_event(
        dg.DagsterEvent(event_type_value=event_type.value, job_name="nothing"), made.run_id
    )

    assert run(queue.queue_moves).passed
    late = run(queue.queue_moves, **{setting: 0.0})
    assert not late.passed
    assert f"1 run has {state} for more than 0 minutes, the oldest is {made.run_id} of nothing" in (
        late.description or ""
    )


@ON_BOTH
def test_a_pool_that_an_ended_run_holds_is_named_while_others_wait(
    run: Run, instance: dg.DagsterInstance
) -> None:
    @dg.job
    def nothing() -> None: ...

    ended = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.FAILURE)
    active = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)
    slots = instance.event_log_storage
    for pool, holder in (("held", ended), ("busy", active)):
        slots.set_concurrency_slots(pool, 1)
        assert slots.claim_concurrency_slot(pool, holder.run_id, "step").is_claimed
    assert run(queue.pools_are_released).passed

    for pool in ("held", "busy"):
        assert not slots.claim_concurrency_slot(pool, "another", "step").is_claimed
    found = run(queue.pools_are_released)
    assert not found.passed
    assert f"for the pool held, which the run {ended.run_id} still holds" in (
        found.description or ""
    )
    assert "busy" not in (found.description or "")


@pytest.mark.parametrize("instance", ["postgres"], indirect=True)
def test_a_clock_that_differs_from_the_databases_is_a_warning(
    run: Run, instance: dg.DagsterInstance
) -> None:
    assert abs(clock.clock_difference(database_url(instance)) or 0.0) < 60
    assert run(clock.clocks_agree, allowed_seconds=600.0).passed
    apart = run(clock.clocks_agree, allowed_seconds=0.0)
    assert (apart.passed, apart.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "the database, allowed: 0 s" in (apart.description or "")


def test_sqlite_has_no_clock_of_its_own(run: Run) -> None:
    assert run(clock.clocks_agree).description == "SQLite uses this machine's own clock"


def test_locations_are_not_checked_without_a_webserver(run: Run) -> None:
    found = run(locations.locations_load)
    assert "set DAGSTER_WEBSERVER_URL" in (found.description or "")
    assert found.metadata["is_checked"].value is False
