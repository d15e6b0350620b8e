"""What the section ``sensors`` does: sensors tick."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from tests.integration.discovery.ticks import tick_sensor

from shared_lib.discovery import Location

Load = Callable[..., Location]


@pytest.mark.sees("sensors.file.type", "sensors.file.directory", "sensors.file.glob")
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


@pytest.mark.sees("sensors.file.regex", "sensors.file.recursive")
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

    with pytest.raises(Exception, match="nowhere does not exist"):
        tick_sensor(location, "drops", instance)


@pytest.mark.sees("sensors.asset.type", "sensors.asset.assets", "sensors.asset.require")
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
    assert "no new materialisation of right" in str(not_yet.skip_message)


@pytest.mark.sees(
    "sensors.run_status.type", "sensors.run_status.status", "sensors.run_status.monitored_jobs"
)
@pytest.mark.parametrize(
    ("entry", "reacts_to"),
    [
        ("status: SUCCESS, monitored_jobs: [good]", ["good"]),
        ("status: SUCCESS", ["good", "other"]),  # not to itself
        ("status: FAILURE", ["bad"]),
        ("status: STARTED, monitored_jobs: [good, bad]", ["good", "bad"]),
        ("status: CANCELED", ["canceled"]),
    ],
)
def test_a_run_status_sensor_reacts_to_runs_of_the_jobs_that_it_watches(
    written: Load, instance: dg.DagsterInstance, entry: str, reacts_to: list[str]
) -> None:
    definitions = written(
        "jobs:\n  good: {selection: 'key:plain'}\n  bad: {selection: 'key:failing'}\n"
        "  other: {selection: 'key:plain'}\n  next: {selection: 'key:plain'}\n"
        f"sensors:\n  afterwards: {{type: run_status, job: next, {entry}}}\n"
    ).definitions
    sensor = definitions.resolve_sensor_def("afterwards")

    def tick(cursor: str | None) -> Any:
        return sensor.evaluate_tick(dg.build_sensor_context(instance, cursor))

    before = tick(None)
    runs = {}
    for name in ("good", "bad", "other", "next"):
        job = definitions.resolve_job_def(name)
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        runs[result.run_id] = name
    stopped = instance.create_run_for_job(definitions.resolve_job_def("good"))
    instance.report_run_canceled(stopped)
    runs[stopped.run_id] = "canceled"

    requested, cursor = [], before.cursor
    while (ticked := tick(cursor)).cursor != cursor:
        requested += [runs[request.run_key] for request in ticked.run_requests]
        cursor = ticked.cursor

    assert before.run_requests == []
    assert requested == reacts_to


def test_a_run_status_sensor_reacts_to_a_job_of_another_location(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    sensor = demonstration().definitions.resolve_sensor_def("after_the_simulation")

    def tick(cursor: str | None) -> Any:
        return sensor.evaluate_tick(dg.build_sensor_context(instance, cursor))

    def ended(location: str, name: str) -> str:
        """Record a run as a code server of that location does."""
        job = dg.GraphDefinition(name=name).to_job()
        origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(location), "__repository__")
        run = instance.create_run_for_job(job, remote_job_origin=origin.get_job_origin(name))
        event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, job_name=name)
        instance.report_dagster_event(event, run.run_id)
        return run.run_id

    cursor = tick(None).cursor
    meant = ended("simulation", "multi_year_simulation")
    ended("simulation", "single_year_simulation")
    ended("elsewhere", "multi_year_simulation")

    requested = []
    while (ticked := tick(cursor)).cursor != cursor:
        requested += [request.run_key for request in ticked.run_requests or []]
        cursor = ticked.cursor

    assert requested == [meant]


def test_a_run_of_another_location_whose_partition_the_job_has_not_is_skipped(
    written: Load, instance: dg.DagsterInstance
) -> None:
    definitions = written(
        "partitions: {letters: {type: static, keys: [a, b]}}\n"
        "assets: [{match: plain, partitions: letters}]\n"
        "jobs: {next: {selection: 'key:plain'}}\n"
        "sensors:\n  one: {type: run_status, job: next, status: SUCCESS, "
        "monitored_jobs: ['shop:sold']}\n"
    ).definitions
    repository = definitions.get_repository_def()

    def tick(cursor: str | None) -> Any:
        context = dg.build_sensor_context(instance, cursor, repository_def=repository)
        return repository.get_sensor_def("one").evaluate_tick(context)

    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("shop"), "__repository__")
    job = dg.GraphDefinition(name="sold").to_job()
    cursor = tick(None).cursor
    for key in ("b", "z"):
        run = instance.create_run_for_job(
            job,
            tags={"dagster/partition": key},
            remote_job_origin=origin.get_job_origin("sold"),
        )
        event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, job_name="sold")
        instance.report_dagster_event(event, run.run_id)

    first = tick(cursor)
    second = tick(first.cursor)

    assert [request.partition_key for request in first.run_requests] == ["b"]
    assert second.run_requests == []
    assert "next has no partition 'z'" in str(second.skip_message)


def test_an_asset_sensor_reacts_to_an_asset_of_another_location(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    nothing = tick_sensor(location, "after_the_report", instance)
    instance.report_runless_asset_event(dg.AssetMaterialization("simulation_report"))
    made = tick_sensor(location, "after_the_report", instance)

    assert (len(nothing.run_requests), len(made.run_requests)) == (0, 1)


@pytest.mark.sees("sensors.freshness.type")
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


@pytest.mark.sees("sensors.custom.type", "sensors.custom.function")
def test_a_custom_sensor_calls_its_function(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()
    sensor = location.definitions.get_repository_def().get_sensor_def("own")

    ticked = tick_sensor(location, "own", instance, "7")

    assert [request.run_key for request in ticked.run_requests] == ["custom-7"]
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING


@pytest.mark.sees("sensors.freshness.assets")
def test_a_freshness_sensor_looks_after_the_assets_that_fit(
    written: Load, instance: dg.DagsterInstance
) -> None:
    location = written(
        "sensors: {stale: {type: freshness, assets: ['pl*']}}\nchecks:\n"
        "  one: {type: freshness, asset: plain, max_age_minutes: 60}\n"
        "  two: {type: freshness, asset: after, max_age_minutes: 60}\n"
    )

    [request] = tick_sensor(location, "stale", instance).run_requests

    assert [key.name for key in request.asset_check_keys] == ["one"]


ENTRIES = {
    "file": "type: file, directory: ., glob: '*', job: note",
    "asset": "type: asset, assets: [plain], job: note",
    "run_status": "type: run_status, status: SUCCESS, job: note",
    "freshness": "type: freshness",
    "custom": "type: custom, function: 'demonstration.trials:watch', job: note",
}


@pytest.mark.sees(
    "sensors.{kind}.interval_seconds", "sensors.{kind}.enabled", "sensors.{kind}.description"
)
@pytest.mark.parametrize("kind", ENTRIES)
def test_a_sensor_ticks_at_the_interval_of_the_file_and_is_on(written: Load, kind: str) -> None:
    def sensor(more: str) -> dg.SensorDefinition:
        return of_kind(written, kind, more)

    configured = sensor(", interval_seconds: 75, enabled: true, description: Watches.")
    silent = sensor("")

    assert (configured.minimum_interval_seconds, silent.minimum_interval_seconds) == (75, 30)
    assert configured.default_status is dg.DefaultSensorStatus.RUNNING
    assert silent.default_status is dg.DefaultSensorStatus.STOPPED
    assert (configured.description, silent.description) == ("Watches.", None)


@pytest.mark.sees("sensors.{kind}.job")
@pytest.mark.parametrize("kind", sorted(ENTRIES.keys() - {"freshness"}))
def test_a_sensor_requests_runs_of_its_job(written: Load, kind: str) -> None:
    assert of_kind(written, kind).job_name == "note"


def of_kind(written: Load, kind: str, more: str = "") -> dg.SensorDefinition:
    location = written(
        "jobs:\n  other: {selection: 'key:plain'}\n"
        "  note:\n    function: demonstration.trials:note\n    arguments: {path: a, lines: []}\n"
        f"sensors:\n  one: {{{ENTRIES[kind]}{more}}}\n"
        "checks: {recent: {type: freshness, asset: plain, max_age_minutes: 60}}\n"
    )
    return location.definitions.resolve_sensor_def("one")
