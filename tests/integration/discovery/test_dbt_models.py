"""What the section ``dbt`` makes of the real project."""

import json
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from shared_lib.dbt.invocation import DbtFailedError
from shared_lib.dbt.project import load_manifest
from shared_lib.dbt_step import build
from shared_lib.discovery import Location, load_location
from shared_lib.warehouse import Warehouse

LoadDbt = Callable[[str], Location]

PARTITIONS = """
partitions:
  years: {type: static, first: 2025, last: 2027}
"""


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadDbt:
    """Loads a location whose file has the given section ``dbt``."""
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.syspath_prepend(str(Path(__file__).parent))

    def location(section: str) -> Location:
        # the real project is parsed for the locations that have models, and no other
        file = tmp_path / "simulation" / "orchestration.yaml"
        file.parent.mkdir()
        file.write_text(f"dbt: {section}\n{'' if 'partitions:' in section else PARTITIONS}")
        return load_location(file, resources={"warehouse": Warehouse(location="simulation")})

    return location


def names(location: Location) -> set[str]:
    graph = location.definitions.resolve_asset_graph()
    return {key.to_user_string() for key in graph.materializable_asset_keys}


def nodes(kind: str, layer: str) -> set[str]:
    return {
        node["name"]
        for node in load_manifest("simulation")["nodes"].values()
        if node["resource_type"] == kind and layer in node["fqn"]
    }


@pytest.mark.sees("dbt.select", "dbt.exclude")
def test_select_and_exclude_are_dbts_own(load: LoadDbt) -> None:
    chosen = load("{name: models, select: staging, exclude: stg_pipeline_timings}")

    assert names(chosen) == nodes("model", "staging") - {"stg_pipeline_timings"}


@pytest.mark.sees("dbt.partitioned.by", "dbt.partitioned.column")
def test_models_with_the_column_have_the_partitions_and_no_others(load: LoadDbt) -> None:
    location = load("{name: models, partitioned: {by: years, column: simulation_year}}")
    graph = location.definitions.resolve_asset_graph()

    partitions = graph.get(dg.AssetKey("fct_year_summary")).partitions_def
    assert partitions.get_partition_keys() == ["2025", "2026", "2027"]
    assert graph.get(dg.AssetKey("stg_job_levels")).partitions_def is None


@pytest.fixture
def in_own_directory(parsed_platform: Path) -> Path:
    """dbt's parsed project, for runs that write elsewhere than to the platform's own target."""
    return parsed_platform


@pytest.mark.sees("dbt.name")
def test_the_plain_build_builds_what_is_selected_at_the_named_target(
    load: LoadDbt, in_own_directory: Path
) -> None:
    definitions = load("{name: seeds_only, select: new_hire_ages, target: duckdb}").definitions

    with dg.instance_for_test() as instance:
        job = definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance)

        assert result.success
        [made] = result.get_asset_materialization_events()
        messages = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert made.materialization.metadata["dagster/row_count"].value == 8
    [command] = [line for line in messages if line.startswith("dbt build")]
    assert made.step_key == "seeds_only"
    assert "--target duckdb" in command
    assert "--select new_hire_ages" in command


@pytest.mark.sees("dbt.target")
def test_a_target_that_the_profile_has_not_fails_the_run(
    load: LoadDbt, in_own_directory: Path
) -> None:
    definitions = load("{name: seeds_only, select: new_hire_ages, target: elsewhere}").definitions

    with dg.instance_for_test() as instance:
        job = definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        failures = [
            event.step_failure_data.error
            for event in result.all_node_events
            if event.is_step_failure
        ]

    assert not result.success
    assert "does not have a target named 'elsewhere'" in str(failures)


@pytest.mark.parametrize(
    ("partitions", "tags", "expected"),
    [
        (
            "{type: daily, start: '2025-03-01', timezone: Europe/Berlin}",
            {"dagster/partition": "2025-03-29"},
            [
                "--event-time-start",
                "2025-03-28 23:00:00",
                "--event-time-end",
                "2025-03-29 23:00:00",
            ],
        ),
        (
            "{type: yearly, start: '2025', end: '2028'}",
            {
                "dagster/asset_partition_range_start": "2025",
                "dagster/asset_partition_range_end": "2026",
            },
            [
                "--event-time-start",
                "2025-01-01 00:00:00",
                "--event-time-end",
                "2027-01-01 00:00:00",
            ],
        ),
        (
            "{type: static, first: 2025, last: 2027}",
            {
                "dagster/asset_partition_range_start": "2025",
                "dagster/asset_partition_range_end": "2026",
            },
            ["--vars", '{"partition_keys": ["2025", "2026"]}'],
        ),
    ],
)
def test_the_plain_build_builds_the_partitions_of_the_run(
    load: LoadDbt,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    partitions: str,
    tags: dict[str, str],
    expected: list[str],
) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    called: list[list[str]] = []

    def invoke(arguments: list[str], **_: object) -> None:
        called.append(arguments)
        raise DbtFailedError("not for real")

    monkeypatch.setattr(build, "invoke_dbt", invoke)
    marked = "partitioned: {by: p, column: simulation_year}"
    section = (
        f"{{name: models, select: fct_year_summary, {marked}}}\npartitions: {{p: {partitions}}}"
    )
    definitions = load(section).definitions
    job = definitions.resolve_implicit_global_asset_job_def()

    with dg.instance_for_test() as instance:
        job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)

    [arguments] = called
    assert arguments[1 : 1 + len(expected)] == expected


@pytest.mark.sees("dbt.observability")
@pytest.mark.parametrize(("level", "reported"), [("per_model", 1), ("job_level", 0)])
def test_each_model_is_reported_or_only_the_step(
    load: LoadDbt,
    in_own_directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    level: str,
    reported: int,
) -> None:
    events = tmp_path / "events"
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(events))
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    location = load(f"{{name: seeds, select: new_hire_ages, observability: {level}}}")

    job = location.definitions.resolve_implicit_global_asset_job_def()
    with dg.instance_for_test() as instance:
        assert job.execute_in_process(instance=instance).success

    lines = events.read_text().splitlines() if events.exists() else []
    names = {json.loads(line)["job"]["name"] for line in lines}
    assert bool(names) is bool(reported)
    assert len([name for name in names if name.endswith(".new_hire_ages")]) == reported


@pytest.mark.sees("dbt.pool", "dbt.project", "dbt.body")
def test_the_step_has_its_pool_and_what_runs_it(load: LoadDbt) -> None:
    more = "exclude: 'resource_type:test', body: 'demonstration.trials:stand_in', pool: one"
    location = load(f"{{name: seeds, select: new_hire_ages, project: dbt_project, {more}}}")
    definition = location.definitions.resolve_assets_def("new_hire_ages")

    result = dg.materialize([definition])

    [made] = result.asset_materializations_for_node("seeds")
    assert made.metadata["by"].value == "stand-in"
    assert definition.op.pool == "one"
    references = definition.metadata_by_key[definition.key]["dagster/code_references"]
    paths = [reference.file_path for reference in references.code_references]
    assert any("/dbt_project/seeds/" in path for path in paths)
