"""What the section ``schedules`` does: schedules tick."""

from collections.abc import Callable, Iterator

import dagster as dg
import pytest
from tests.integration.discovery.ticks import tick_schedule

from shared_lib.discovery import Location

Load = Callable[..., Location]
MADE = ["2026-01-01", "2026-01-02", "2026-01-03"]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """One in files, because a schedule opens its instance anew for each tick."""
    with dg.instance_for_test() as found:
        yield found


@pytest.mark.sees("schedules.cron", "schedules.timezone", "schedules.enabled")
def test_a_schedule_has_its_clock_and_is_switched_on(demonstration: Load) -> None:
    repository = demonstration().definitions.get_repository_def()
    schedule = repository.get_schedule_def("every_morning")

    assert (schedule.cron_schedule, schedule.execution_timezone) == (
        "0 6 * * MON-FRI",
        "Europe/Berlin",
    )
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    not_enabled = repository.get_schedule_def("latest_day")
    assert not_enabled.default_status is dg.DefaultScheduleStatus.STOPPED


@pytest.mark.sees("schedules.job", "schedules.tags", "schedules.config", "schedules.description")
@pytest.mark.parametrize("partitioned", ["", "yes"])
def test_a_tick_requests_a_run_of_the_job_with_tags_and_configuration(
    written: Load, instance: dg.DagsterInstance, partitioned: str
) -> None:
    location = written(
        "partitions: {parts: {type: static, keys: [a]}}\n"
        f"assets: [{'{match: after, partitions: parts}' if partitioned else ''}]\n"
        "jobs: {greet: {selection: 'key:after', tags: {team: sales}}}\n"
        "schedules:\n  clock:\n    job: greet\n    cron: '@hourly'\n"
        "    tags: {by: clock, level: 2}\n    description: Greets.\n"
        "    config: {ops: {after: {config: {words: good evening}}}}\n"
        f"{'    partitions: latest' if partitioned else ''}\n"
    )
    schedule = location.definitions.get_repository_def().get_schedule_def("clock")

    [request] = tick_schedule(location, "clock", instance).run_requests
    result = location.definitions.resolve_job_def(schedule.job_name).execute_in_process(
        run_config=request.run_config,
        partition_key=request.partition_key,
        tags=dict(request.tags),
        instance=instance,
    )

    [made] = result.asset_materializations_for_node("after")
    assert made.metadata["words"].value == "good evening"
    tags = result.dagster_run.tags
    assert (tags["by"], tags["level"], tags["team"]) == ("clock", "2", "sales")
    assert schedule.description == "Greets."


@pytest.mark.sees("schedules.partitions")
def test_a_schedule_requests_the_latest_partition(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    ticked = tick_schedule(demonstration(), "latest_day", instance)

    assert [request.partition_key for request in ticked.run_requests] == ["2026-01-04"]


@pytest.mark.sees("schedules.partitions")
def test_a_schedule_requests_every_partition_that_was_never_run(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    location.definitions.resolve_job_def("invoices_only").execute_in_process(
        instance=instance, partition_key="2026-01-02"
    )

    ticked = tick_schedule(location, "new_days", instance)

    keys = [request.partition_key for request in ticked.run_requests]
    assert keys == ["2026-01-01", "2026-01-03", "2026-01-04"]


@pytest.mark.parametrize(
    ("status", "tags", "repeated"),
    [
        (dg.DagsterRunStatus.FAILURE, {}, MADE),
        (dg.DagsterRunStatus.FAILURE, {"dagster/will_retry": "true"}, []),
        (
            dg.DagsterRunStatus.FAILURE,
            {"dagster/will_retry": "true", "dagster/auto_retry_run_id": "another"},
            MADE,
        ),
        (dg.DagsterRunStatus.CANCELED, {}, []),
        (dg.DagsterRunStatus.STARTED, {}, []),
        (dg.DagsterRunStatus.SUCCESS, {}, []),
    ],
)
def test_a_schedule_repeats_a_failed_partition_that_nothing_else_repeats(
    demonstration: Load,
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    tags: dict[str, str],
    repeated: list[str],
) -> None:
    location = demonstration()
    job = location.definitions.resolve_job_def("invoices_only")
    for days in ({"dagster/partition": "2026-01-01"}, range_of("2026-01-02", "2026-01-03")):
        instance.create_run_for_job(job, status=status, tags={**days, **tags})

    ticked = tick_schedule(location, "new_days", instance)

    keys = [request.partition_key for request in ticked.run_requests]
    assert keys == [*repeated, "2026-01-04"]


def range_of(first: str, last: str) -> dict[str, str]:
    return {
        "dagster/asset_partition_range_start": first,
        "dagster/asset_partition_range_end": last,
    }


@pytest.mark.sees("schedules.skip_while_running")
def test_a_schedule_is_skipped_while_a_run_continues(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    job = location.definitions.resolve_job_def("left_and_right")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)

    during = tick_schedule(location, "not_twice", instance)
    instance.report_run_failed(run)
    after = tick_schedule(location, "not_twice", instance)

    assert not during.run_requests
    assert f"run {run.run_id} of left_and_right has not ended" in str(during.skip_message)
    assert len(after.run_requests) == 1
