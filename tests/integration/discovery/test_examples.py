"""The location of examples: right in all that the platform demands of one, and off by default."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
from tests.integration.discovery.ticks import tick_sensor

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.workspace_file import workspace_locations
from shared_lib.definitions_check import check_in_own_process
from shared_lib.discovery import Location

Load = Callable[..., Location]
FOLDER = REPOSITORY_ROOT / "examples"


def test_the_examples_load_without_a_problem_and_only_where_they_are_wanted() -> None:
    (location,) = workspace_locations(FOLDER / "workspace.yaml").values()
    report = check_in_own_process(location, directory=FOLDER)
    assert report.problems == []
    assert "examples" not in workspace_locations()


def test_every_kind_of_partitions_has_an_asset(demonstration: Load) -> None:
    location = demonstration()
    used = {rule.partitions for rule in location.configuration.assets} - {None}
    assert used == set(location.configuration.partitions)
    graph = location.definitions.resolve_asset_graph()
    partitioned = [key for key in graph.materializable_asset_keys if graph.get(key).partitions_def]
    assert len(partitioned) == len(used)


def test_a_file_adds_its_partition_and_its_job_makes_it(
    demonstration: Load, tmp_path: Path
) -> None:
    location = demonstration(DROPS=str(tmp_path))
    (tmp_path / "acme.json").touch()
    with dg.instance_for_test() as instance:
        ticked = tick_sensor(location, "new_customers", instance)
        [added], [request] = ticked.dynamic_partitions_requests, ticked.run_requests
        instance.add_dynamic_partitions(added.partitions_def_name, added.partition_keys)
        job = location.definitions.resolve_job_def("customers_job")
        result = job.execute_in_process(instance=instance, partition_key=request.partition_key)
        [made] = result.get_asset_materialization_events()
    assert made.materialization.metadata["made"].value == "acme"
