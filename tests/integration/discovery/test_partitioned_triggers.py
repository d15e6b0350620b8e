"""Sensors of partitioned jobs take partition and configuration from files, events and runs."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.discovery.ticks import tick_sensor

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.discovery import Location

Load = Callable[..., Location]

JOB = "jobs:\n  greet: {selection: 'key:after'}\n  other: {selection: 'key:plain'}\n"
RULE = "assets:\n  - {match: [plain, after], partitions: p}\n"
KINDS = {
    "days": "{type: daily, start: '2026-01-01'}",
    "static": "{type: static, keys: [a, b, c]}",
    "dynamic": "{type: dynamic, name: customers}",
    "multi": "{type: multi, dimensions: {day: {type: daily, start: '2026-01-01'}, "
    "shop: {type: static, keys: [a, b]}}}",
}


@pytest.fixture
def instance(request: pytest.FixtureRequest) -> Iterator[dg.DagsterInstance]:
    """An instance in memory, but in files for dynamic partitions: a sensor opens it anew."""
    is_dynamic = "kind" in request.fixturenames and request.getfixturevalue("kind") == "dynamic"
    with dg.instance_for_test() if is_dynamic else dg.DagsterInstance.ephemeral() as found:
        yield found


def text(kind: str, sensor: str) -> str:
    return f"partitions:\n  p: {KINDS[kind]}\n{RULE}{JOB}sensors:\n  s: {{{sensor}}}\n"


def requests(tick: Any) -> list[tuple[Any, Any]]:
    return sorted(
        (request.partition_key, request.run_config["ops"]["after"]["config"]["words"])
        for request in tick.run_requests
    )


@pytest.mark.sees("sensors.file.partition", "sensors.file.config")
@pytest.mark.parametrize(
    ("kind", "partition", "files", "started", "waiting"),
    [
        ("days", "'{y}-{m}-01'", ["x-2026-01.csv", "x-9999-02.csv"], ["2026-01-01"], "x-9999-02"),
        ("static", "'{stem}'", ["a.csv", "d.csv"], ["a"], "d.csv"),
        ("dynamic", "'{stem}'", ["acme.csv"], ["acme"], ""),
        ("multi", "{day: '{y}-{m}-01', shop: '{shop}'}", ["a-2026-02.csv"], ["2026-02-01|a"], ""),
    ],
)
def test_a_file_starts_a_run_of_its_partition(
    written: Load,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    kind: str,
    partition: str,
    files: list[str],
    started: list[str],
    waiting: str,
) -> None:
    drops = tmp_path / "drops"
    drops.mkdir()
    for name in files:
        (drops / name).touch()
    regex = r"(?P<shop>\w+)(-(?P<y>\d{4})-(?P<m>\d{2}))?\.csv"
    location = written(
        text(
            kind,
            f"type: file, job: greet, directory: {drops}, regex: '{regex}', partition: {partition},"
            " config: {ops: {after: {config: {words: 'from {name}'}}}}",
        )
    )

    first = tick_sensor(location, "s", instance)
    again = tick_sensor(location, "s", instance, first.cursor)

    assert requests(first) == [(key, f"from {files[0]}") for key in started]
    assert again.run_requests == []
    assert waiting in str(again.skip_message)
    added = [key for one in first.dynamic_partitions_requests or [] for key in one.partition_keys]
    assert added == (started if kind == "dynamic" else [])


@pytest.mark.sees("sensors.asset.config")
@pytest.mark.parametrize("kind", ["days", "multi"])
@pytest.mark.parametrize(("require", "together"), [("any", False), ("all", True)])
def test_an_event_starts_a_run_of_its_partition(
    written: Load, instance: dg.DagsterInstance, kind: str, require: str, *, together: bool
) -> None:
    location = written(
        text(
            kind,
            f"type: asset, job: other, require: {require}, assets: [after, failing], "
            "config: {ops: {plain: {config: {of: '{asset} {partition}'}}}}",
        ).replace("[plain, after]", "[plain, after, failing]")
    )
    one, two = ("2026-01-01", "2026-01-02") if kind == "days" else ("2026-01-01|a", "2026-01-02|b")

    def made(key: str, partition: str) -> None:
        event = dg.AssetMaterialization(key, partition=partition)
        instance.report_runless_asset_event(event)

    def tick(cursor: str | None) -> tuple[list[tuple[Any, str]], str]:
        ticked = tick_sensor(location, "s", instance, cursor)
        found = [
            (request.partition_key, request.run_config["ops"]["plain"]["config"]["of"])
            for request in ticked.run_requests
        ]
        return sorted(found), ticked.cursor

    made("after", one)
    made("after", two)
    first, cursor = tick(None)
    made("failing", two)
    second, cursor = tick(cursor)
    third, _ = tick(cursor)

    assert first == ([] if together else [(one, f"after {one}"), (two, f"after {two}")])
    assert second == [(two, f"failing {two}")]
    assert third == []


def test_an_event_configures_a_job_without_partitions_too(
    written: Load, instance: dg.DagsterInstance
) -> None:
    config = "{ops: {after: {config: {words: '{asset}'}}}}"
    location = written(
        f"{JOB}sensors:\n  s: {{type: asset, job: greet, assets: [plain], config: {config}}}\n"
    )
    instance.report_runless_asset_event(dg.AssetMaterialization("plain"))

    assert requests(tick_sensor(location, "s", instance)) == [(None, "plain")]


@pytest.mark.parametrize(
    ("tags", "key", "range_start"),
    [
        ({"dagster/partition": "b"}, "b", None),
        (
            {
                "dagster/asset_partition_range_start": "a",
                "dagster/asset_partition_range_end": "b",
            },
            None,
            "a",
        ),
        ({}, "none", None),
    ],
)
def test_a_run_starts_a_run_of_the_same_partition(
    written: Load,
    instance: dg.DagsterInstance,
    tags: dict[str, str],
    key: str | None,
    range_start: str | None,
) -> None:
    sensor = "type: run_status, status: SUCCESS, job: greet, monitored_jobs: [other]"
    location = written(text("static", sensor))
    definitions = location.definitions
    before = tick_sensor(location, "s", instance)
    run = instance.create_run_for_job(
        definitions.resolve_job_def("other"), status=dg.DagsterRunStatus.STARTED, tags=tags
    )
    instance.report_dagster_event(
        dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "other"), run.run_id
    )

    ticked = tick_sensor(location, "s", instance, before.cursor)

    if key == "none":
        assert ticked.run_requests == []
        assert "has no partition, and greet needs one" in str(ticked.skip_message)
    else:
        [request] = ticked.run_requests
        assert request.partition_key == key
        assert request.tags.get("dagster/asset_partition_range_start") == range_start


@pytest.mark.parametrize(
    ("kind", "entry", "answer"),
    [
        ("static", "", "s.partition: missing, the job greet has partitions"),
        (
            "static",
            ", partition: '{day}'",
            "s.partition: there is no {day}, allowed is one of: {path}",
        ),
        ("static", ", partition: {a: '{stem}'}", "s.partition: a mapping is not allowed"),
        (
            "multi",
            ", partition: '{stem}'",
            "allowed is a mapping with a text for each of: day, shop",
        ),
        (
            "static",
            ", partition: '{stem}', config: {ops: {x: '{y}'}}",
            "s.config.ops.x: there is no {y}",
        ),
    ],
)
def test_a_wrong_partition_of_a_file_is_refused(
    written: Load, kind: str, entry: str, answer: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        written(text(kind, f"type: file, job: greet, directory: ., glob: '*'{entry}"))

    assert answer in str(refused.value)


def test_a_partition_of_a_job_without_partitions_is_refused(written: Load) -> None:
    sensor = "type: file, job: greet, directory: ., glob: '*', partition: '{stem}'"
    with pytest.raises(ConfigurationError, match="is not allowed, the job greet has no partitions"):
        written(f"{JOB}sensors:\n  s: {{{sensor}}}\n")


def test_a_schedule_of_a_partitioned_job_names_its_partitions(written: Load) -> None:
    with pytest.raises(ConfigurationError, match="allowed is latest or all_new"):
        written(
            text("static", "type: freshness").partition("sensors:")[0]
            + "schedules: {s: {job: greet, cron: '@daily'}}\n"
        )


def test_an_asset_without_the_partitions_of_the_job_is_refused(written: Load) -> None:
    sensor = "type: asset, job: greet, assets: [after, failing]"
    answer = r"s\.assets\.1: failing has not the partitions of the job greet"
    with pytest.raises(ConfigurationError, match=answer):
        written(text("static", sensor))
