"""Components define what ``orchestration.yaml`` defines, with assets and resources elsewhere."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from ruamel.yaml import YAML
from tests.integration.components.conftest import EXAMPLES
from tests.integration.discovery.ticks import MONDAY, tick_schedule, tick_sensor

from shared_lib.discovery import load_location

Load = Callable[[Mapping[str, str]], dg.Definitions]

# What a sensor needs beside it belongs in the component of its jobs or checks.
WITH_JOBS, WITH_CHECKS = {"afterwards", "after_the_simulation"}, {"stale"}
RESOURCES = """\
import dagster as dg

from examples.resources import secrets, warehouse

defs = dg.Definitions(resources={"secrets": secrets, "warehouse": warehouse})
"""


@pytest.fixture
def sections(tmp_path: Path) -> dict[str, Any]:
    """The file of the examples, without placeholders and relative names."""
    text = EXAMPLES.read_text(encoding="utf-8")
    for written, meant in {
        " .assets": " examples.assets",
        " .partitioned": " examples.partitioned",
        " .resources": " examples.resources",
        '".assets': '"examples.assets',
        "[.assets": "[examples.assets",
        "${NOTE_PATH:data/examples/note.txt}": str(tmp_path / "note.txt"),
        "${DROPS:data/examples/drops}": str(tmp_path / "drops"),
    }.items():
        assert written in text
        text = text.replace(written, meant)
    return YAML(typ="safe").load(text)


def one_file(sections: Mapping[str, Any], folder: Path) -> dg.Definitions:
    path = folder / "orchestration.yaml"
    path.write_text(json.dumps(sections), encoding="utf-8")
    return load_location(path).definitions


def component(name: str, attributes: Mapping[str, Any]) -> str:
    return json.dumps({"type": f"shared_lib.components.{name}", "attributes": attributes})


def split(sections: Mapping[str, Any]) -> dict[str, str]:
    """The same as a ``defs.yaml`` for each section, in folders that are loaded in any order."""
    sensors = sections["sensors"]
    of_jobs, of_checks = (
        {name: sensors[name] for name in names} for names in (WITH_JOBS, WITH_CHECKS)
    )
    others = {name: sensors[name] for name in sensors.keys() - WITH_JOBS - WITH_CHECKS}
    rest = {name: sections[name] for name in ("asset_modules", "partitions", "assets")}
    return {
        "z_assets/orchestration.yaml": json.dumps(rest),
        "z_assets/defs.yaml": component("CodeLocation", {}),
        "jobs/defs.yaml": component("Jobs", {"jobs": sections["jobs"], "sensors": of_jobs}),
        "a_schedules/defs.yaml": component("Schedules", {"schedules": sections["schedules"]}),
        "a_sensors/defs.yaml": component("Sensors", {"sensors": others}),
        "checks/defs.yaml": component(
            "WarehouseChecks", {"checks": sections["checks"], "sensors": of_checks}
        ),
        "resources.py": RESOURCES,
    }


def snapshot(definitions: dg.Definitions) -> Any:
    """What the webserver reads of the definitions, without where each was written."""
    whole = json.loads(
        dg.serialize_value(RepositorySnap.from_def(definitions.get_repository_def()))
    )
    return without(whole, {"metadata", "metadata_entries", "component_tree"})


def without(node: Any, names: set[str]) -> Any:
    if isinstance(node, list):
        return [without(entry, names) for entry in node]
    if isinstance(node, dict):
        return {key: without(value, names) for key, value in node.items() if key not in names}
    return node


def test_a_file_for_each_section_defines_what_one_file_does(
    sections: dict[str, Any], loaded: Load, tmp_path: Path
) -> None:
    together, apart = one_file(sections, tmp_path), loaded(split(sections))
    assert snapshot(apart) == snapshot(together)


def outcome(definitions: dg.Definitions, job: str, partition: str | None = None) -> Any:
    """What a run of the job makes, checks and is tagged with."""
    with dg.DagsterInstance.ephemeral() as instance:
        ran = definitions.resolve_job_def(job).execute_in_process(
            instance=instance, partition_key=partition
        )
        tags = {key: value for key, value in ran.dagster_run.tags.items() if key[0] != "."}
    return (
        sorted(event.asset_key.path for event in ran.get_asset_materialization_events()),
        sorted((check.check_name, check.passed) for check in ran.get_asset_check_evaluations()),
        tags,
    )


def test_a_job_of_a_component_runs_as_that_of_the_file(
    sections: dict[str, Any], loaded: Load, tmp_path: Path
) -> None:
    together, apart = one_file(sections, tmp_path), loaded(split(sections))
    made, checked, tags = outcome(apart, "trade", "2026-01-03")
    assert ["orders"] in made
    assert {("priced", True), ("enough", True), ("recent", True)} <= set(checked)
    assert (tags["team"], tags["dagster/max_retries"]) == ("sales", "2")
    assert (made, checked, tags) == outcome(together, "trade", "2026-01-03")
    outcome(apart, "note")
    assert (tmp_path / "note.txt").read_text().startswith("one\ntwo")


def ticks(definitions: dg.Definitions) -> Any:
    """What each schedule and sensor requests, with one file in the directory."""
    location: Any = SimpleNamespace(definitions=definitions)
    repository = definitions.get_repository_def()
    found: dict[str, Any] = {}
    with dg.instance_for_test() as instance:
        for schedule in repository.schedule_defs:
            found[schedule.name] = tick_schedule(location, schedule.name, instance, MONDAY)
        for sensor in ("drops", "reports", "either", "each", "stale", "own"):
            found[sensor] = tick_sensor(location, sensor, instance)
    return {
        name: ([request.partition_key or request.run_key for request in tick.run_requests or []],
               [dict(request.tags) for request in tick.run_requests or []], tick.skip_message)
        for name, tick in found.items()
    }  # fmt: skip


def test_schedules_and_sensors_of_components_tick_as_those_of_the_file(
    sections: dict[str, Any], loaded: Load, tmp_path: Path
) -> None:
    drops = tmp_path / "drops"
    drops.mkdir()
    (drops / "orders.csv").touch()
    together, apart = one_file(sections, tmp_path), loaded(split(sections))
    found = ticks(apart)
    # the partitions are those of a job in another component
    assert found["latest_day"][0] == ["2026-01-04"]
    assert len(found["new_days"][0]) == 4
    assert len(found["drops"][0]) == 1
    assert found == ticks(together)


PARTITIONED = """\
import dagster as dg


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["north", "south"]))
def regions() -> None: ...


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["north", "south", "west"]))
def shops() -> None: ...


defs = dg.Definitions(
    assets=[regions, shops], jobs=[dg.define_asset_job("regions_job", selection=[regions])]
)
"""


def test_a_sensor_takes_the_partitions_of_a_job_elsewhere_at_its_tick(
    loaded: Load, tmp_path: Path
) -> None:
    drops = tmp_path / "drops"
    drops.mkdir()
    (drops / "south.csv").touch()
    entry = {"type": "file", "job": "regions_job", "directory": str(drops), "glob": "*.csv"}
    watching = {"type": "asset", "job": "regions_job", "assets": ["shops"]}
    sensors = {
        "fitting": {**entry, "partition": "{stem}"},
        "misfit": entry,
        "watching": watching,
    }
    schedules = {"misfit_too": {"job": "regions_job", "cron": "@daily"}}
    definitions = loaded(
        {
            "z_regions.py": PARTITIONED,
            "a/defs.yaml": component("Sensors", {"sensors": sensors}),
            "b/defs.yaml": component("Schedules", {"schedules": schedules}),
        }
    )
    location: Any = SimpleNamespace(definitions=definitions)
    with dg.instance_for_test() as instance:
        [request] = tick_sensor(location, "fitting", instance).run_requests
        assert request.partition_key == "south"
        with pytest.raises(dg.DagsterInvalidDefinitionError, match="partition: missing, the job"):
            tick_sensor(location, "misfit", instance)
        with pytest.raises(dg.DagsterInvalidDefinitionError, match="shops has not the partitions"):
            tick_sensor(location, "watching", instance)
        with pytest.raises(dg.DagsterInvalidDefinitionError, match="partitions: missing, the job"):
            tick_schedule(location, "misfit_too", instance)
