"""The census file is observed: its digest, and whether it has changed since a run read it."""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from shared_lib.warehouse import Warehouse, write_warehouse
from simulation.assets.census_file import KEY, changed_census, observe_census_file
from simulation.config import load_scenario
from simulation.config.census_file import file_digest
from simulation.state.runs import record_request
from simulation.state.tables import create_tables


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    return tmp_path


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as found:
        yield found


def observe(instance: dg.DagsterInstance) -> dg.AssetObservation:
    definitions = dg.Definitions(
        [observe_census_file, dg.AssetSpec("simulation_config")],
        jobs=[dg.define_asset_job("observe", dg.AssetSelection.assets(KEY))],
        resources={"warehouse": Warehouse(location="simulation")},
    )
    job = definitions.resolve_job_def("observe")
    assert job.execute_in_process(instance=instance).success
    return last(instance)


def last(instance: dg.DagsterInstance) -> dg.AssetObservation:
    [record] = instance.fetch_observations(KEY, limit=1).records
    assert record.asset_observation is not None
    return record.asset_observation


def request_census(warehouse: Path, census: Path) -> None:
    settings = load_scenario("baseline", changes={"census": {"path": str(census)}})
    with write_warehouse(warehouse) as connection:
        create_tables(connection)
        record_request(
            connection, scenario_id="baseline", settings=settings, resume=False, replace=False
        )


def test_without_a_census_the_generated_one_is_observed_that_a_run_will_read(
    data: Path, instance: dg.DagsterInstance
) -> None:
    found = observe(instance)
    [file] = (data / "census").iterdir()
    assert found.metadata["path"].value == str(file)
    assert found.tags["dagster/data_version"] == file_digest(file)
    assert found.metadata["origin"].value == "generated, because the scenario names no census"
    with duckdb.connect() as connection:
        people = connection.execute("from read_parquet(?)", [str(file)]).fetchall()
    assert len(people) == load_scenario("baseline").census.generated_size
    assert observe(instance).tags == found.tags


def test_the_census_of_the_last_request_is_observed_again_when_it_changes(
    data: Path, instance: dg.DagsterInstance
) -> None:
    context = dg.build_sensor_context(instance=instance)
    assert "nothing was observed yet" in str(changed_census(context))
    census = data / "staff.csv"
    census.write_text("id,name\n1,Ada\n")
    request_census(data / "simulation.duckdb", census)
    found = observe(instance)
    assert found.tags["dagster/data_version"] == file_digest(census)
    assert {name: found.metadata[name].value for name in ("scenario", "size", "origin")} == {
        "scenario": "baseline", "size": census.stat().st_size, "origin": "named by the scenario",
    }  # fmt: skip
    modified = found.metadata["dagster/last_updated_timestamp"].value
    assert modified == census.stat().st_mtime

    assert "is as it was observed" in str(changed_census(context))
    census.write_text("id,name\n1,Eve\n")
    os.utime(census, (modified + 60, modified + 60))
    result = changed_census(context)
    assert isinstance(result, dg.SensorResult)
    [again] = result.asset_events
    assert again.tags["dagster/data_version"] == file_digest(census) != found.tags
    assert not result.run_requests
    instance.report_runless_asset_event(again)
    assert "is as it was observed" in str(changed_census(context))
    census.unlink()
    assert "not there any more" in str(changed_census(context))
