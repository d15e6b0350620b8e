"""What the sections ``jobs``, ``schedules`` and ``sensors`` do: jobs run, triggers are pulled."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from shared_lib.discovery import Location

Load = Callable[..., Location]
MONDAY = datetime(2026, 1, 5, 5, tzinfo=UTC)


def tick_schedule(
    location: Location, name: str, instance: dg.DagsterInstance, moment: datetime = MONDAY
) -> Any:
    definitions = location.definitions
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=moment,
        repository_def=definitions.get_repository_def(),
    )
    return definitions.get_repository_def().get_schedule_def(name).evaluate_tick(context)


def tick_sensor(
    location: Location, name: str, instance: dg.DagsterInstance, cursor: str | None = None
) -> Any:
    repository = location.definitions.get_repository_def()
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=repository, sensor_name=name
    )
    return repository.get_sensor_def(name).evaluate_tick(context)


def test_a_job_runs_what_is_selected_with_its_tags(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    job = demonstration().definitions.resolve_job_def("left_and_right")

    result = job.execute_in_process(instance=instance)

    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert made == {"left", "right"}
    trade = demonstration().definitions.resolve_job_def("trade")
    assert trade.tags["team"] == "sales"
    assert trade.tags["dagster/max_retries"] == "2"
    assert trade.executor_def is dg.in_process_executor


def test_an_op_job_calls_its_function_with_the_arguments_of_the_file(
    demonstration: Load, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    location = demonstration(NOTE_PATH=str(tmp_path / "noted"))

    result = location.definitions.resolve_job_def("note").execute_in_process(instance=instance)

    assert (tmp_path / "noted").read_text() == f"one\ntwo\n{result.run_id}"


def test_what_the_modules_define_is_there_too(demonstration: Load) -> None:
    repository = demonstration().definitions.get_repository_def()

    assert repository.has_job("job_in_code")
    assert "orders_are_there" in {key.name for key in repository.asset_graph.asset_check_keys}


def test_a_schedule_has_its_clock_and_tags_its_runs(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    schedule = location.definitions.get_repository_def().get_schedule_def("every_morning")

    assert (schedule.cron_schedule, schedule.execution_timezone) == (
        "0 6 * * MON-FRI",
        "Europe/Berlin",
    )
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    [request] = tick_schedule(location, "every_morning", instance).run_requests
    assert request.tags["by"] == "clock"


def test_a_schedule_requests_the_latest_partition(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    ticked = tick_schedule(demonstration(), "latest_day", instance)

    assert [request.partition_key for request in ticked.run_requests] == ["2026-01-04"]


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


def test_a_schedule_is_skipped_while_a_run_goes_on(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    job = location.definitions.resolve_job_def("left_and_right")
    run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)

    during = tick_schedule(location, "not_twice", instance)
    instance.report_run_failed(run)
    after = tick_schedule(location, "not_twice", instance)

    assert not during.run_requests
    assert f"run {run.run_id} of left_and_right is still going on" in str(during.skip_message)
    assert len(after.run_requests) == 1


def test_a_new_file_and_a_changed_one_each_start_a_run(
    demonstration: Load, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    location = demonstration(DROPS=str(tmp_path))
    file = tmp_path / "a.csv"
    file.write_text("1")
    (tmp_path / "a.txt").write_text("not meant")

    first = tick_sensor(location, "drops", instance)
    again = tick_sensor(location, "drops", instance, first.cursor)
    file.write_text("22")
    changed = tick_sensor(location, "drops", instance, first.cursor)

    assert [request.tags["platform/file"] for request in first.run_requests] == [str(file)]
    assert again.run_requests == []
    assert "no new or changed file" in str(again.skip_message)
    assert len(changed.run_requests) == 1
    assert changed.run_requests[0].run_key != first.run_requests[0].run_key


def test_files_are_found_by_regular_expression_below_the_directory(
    demonstration: Load, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    (tmp_path / "deeper").mkdir()
    for name in ("report-7.txt", "report-x.txt", "deeper/report-12.txt"):
        (tmp_path / name).write_text("")

    ticked = tick_sensor(demonstration(DROPS=str(tmp_path)), "reports", instance)

    found = [Path(request.tags["platform/file"]).name for request in ticked.run_requests]
    assert sorted(found) == ["report-12.txt", "report-7.txt"]


def test_files_of_an_object_store_are_found_too(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    import fsspec

    store = fsspec.filesystem("memory")
    store.pipe("/bucket/a.csv", b"1")
    location = demonstration(DROPS="memory:///bucket")

    first = tick_sensor(location, "drops", instance)
    store.pipe("/bucket/a.csv", b"22")
    changed = tick_sensor(location, "drops", instance, first.cursor)

    assert len(first.run_requests) == 1
    assert len(changed.run_requests) == 1


def test_a_directory_that_is_not_there_fails_the_tick(
    demonstration: Load, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    location = demonstration(DROPS=str(tmp_path / "nowhere"))

    with pytest.raises(Exception, match="nowhere is not there"):
        tick_sensor(location, "drops", instance)


def test_asset_sensors_wait_for_any_or_for_each(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()

    def made(key: str) -> None:
        instance.report_runless_asset_event(dg.AssetMaterialization(key))

    nothing = tick_sensor(location, "either", instance)
    made("left")
    any_one = tick_sensor(location, "either", instance)
    not_yet = tick_sensor(location, "each", instance)
    made("right")
    each = tick_sensor(location, "each", instance)
    afterwards = tick_sensor(location, "each", instance, each.cursor)

    assert [len(tick.run_requests) for tick in (nothing, any_one, not_yet, each, afterwards)] == [
        0, 1, 0, 1, 0,
    ]  # fmt: skip
    assert "nothing new of right" in str(not_yet.skip_message)


def test_a_run_status_sensor_reacts_to_the_jobs_that_it_watches(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    sensor = location.definitions.get_repository_def().get_sensor_def("afterwards")
    result = location.definitions.resolve_job_def("left_and_right").execute_in_process(
        instance=instance
    )
    context = dg.build_run_status_sensor_context(
        sensor_name="afterwards",
        dagster_event=result.get_run_success_event(),
        dagster_instance=instance,
        dagster_run=result.dagster_run,
    )

    [request] = list(sensor(context))

    assert request.run_key == result.run_id
    assert sensor.job_name == "note"


def test_a_freshness_sensor_has_a_check_evaluated_when_it_turns(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()

    missing = tick_sensor(location, "stale", instance)
    same = tick_sensor(location, "stale", instance, missing.cursor)
    instance.report_runless_asset_event(dg.AssetMaterialization("orders"))
    fresh = tick_sensor(location, "stale", instance, missing.cursor)

    [request] = missing.run_requests
    assert request.asset_check_keys == [dg.AssetCheckKey(dg.AssetKey("orders"), "recent")]
    assert same.run_requests == []
    assert len(fresh.run_requests) == 1


def test_a_custom_sensor_calls_its_function(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    sensor = location.definitions.get_repository_def().get_sensor_def("own")

    ticked = tick_sensor(location, "own", instance, "7")

    assert [request.run_key for request in ticked.run_requests] == ["custom-7"]
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
