"""A run of five years from the command line, and all that it leaves behind."""

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from tests.integration.simulation.conftest import FIVE_YEARS, Finished
from tests.integration.simulation.results import LEDGER, figures, rows

from shared_lib.dbt.project import load_manifest, target_directory
from simulation.definitions import defs

# From 1,000 employees, with 3 % growth and 12 % and 25 % leaving: year, end, experienced leavers,
# hires, new hires who left again.
EXPECTED = [
    (2025, 1030, 120, 200, 50),
    (2026, 1061, 124, 207, 52),
    (2027, 1093, 127, 212, 53),
    (2028, 1126, 131, 219, 55),
    (2029, 1159, 135, 224, 56),
]
YEARLY = {
    "simulation_run",
    "int_employee_years",
    "fct_compensation_growth",
    "fct_job_family_summary",
    "fct_level_mix",
    "fct_retirement_plan",
    "fct_termination_experience",
    "fct_total_cost",
    "fct_workforce_snapshot",
    "fct_year_summary",
    "fct_yearly_events",
    "mon_data_quality",
    "simulation_year_state",
    "simulated_years",
    "simulation_report",
}
# Views of the record of runs: the run's own is added when its models, these among them, are built.
ONE_RUN_BEHIND = {"stg_pipeline_timings", "mon_pipeline_performance"}


@pytest.fixture(scope="module")
def graph() -> Any:
    return defs.get_repository_def().asset_graph


@pytest.fixture(scope="module")
def instance(finished: Finished) -> Iterator[dg.DagsterInstance]:
    """The instance that recorded the run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(finished.instance))
        with dg.DagsterInstance.from_config(str(finished.instance)) as found:
            yield found


@pytest.fixture(scope="module")
def run(instance: dg.DagsterInstance) -> dg.DagsterRun:
    (run,) = instance.get_runs()
    return run


@pytest.fixture(scope="module")
def materialized(
    instance: dg.DagsterInstance, graph: Any
) -> dict[str, dict[str | None, dict[str, Any]]]:
    """For each asset and partition, the metadata that it shows."""
    found = {}
    for key in graph.materializable_asset_keys:
        records = instance.fetch_materializations(key, limit=20).records
        found[key.to_user_string()] = {
            record.partition_key: {
                name: entry.value for name, entry in record.asset_materialization.metadata.items()
            }
            for record in records
            if record.asset_materialization is not None
        }
        assert len(records) == len(found[key.to_user_string()]), f"{key} was made twice"
    return found


def test_the_years_come_to_what_the_rules_say(finished: Finished) -> None:
    assert figures(finished.warehouse) == EXPECTED
    table = [line.split("│") for line in finished.ended.output.splitlines() if "│" in line]
    printed = [[cell.strip() for cell in line[1:-1]] for line in table]
    assert [line[:6] + line[8:11] for line in printed] == [
        ["2025", "1,000", "200", "120", "0", "50", "1,030", "+3.00%", "+3.00%"],
        ["2026", "1,030", "207", "124", "0", "52", "1,061", "+3.01%", "+3.00%"],
        ["2027", "1,061", "212", "127", "0", "53", "1,093", "+3.02%", "+3.00%"],
        ["2028", "1,093", "219", "131", "0", "55", "1,126", "+3.02%", "+3.00%"],
        ["2029", "1,126", "224", "135", "0", "56", "1,159", "+2.93%", "+3.00%"],
    ]
    payroll = rows(
        finished.warehouse, "select end_payroll from marts.fct_year_summary order by all"
    )
    # (120 + 50) / 1015 and so on: all leavers to the mean headcount
    assert [line[6] for line in printed] == ["16.7%", "16.8%", "16.7%", "16.8%", "16.7%"]
    assert [line[11].replace(",", "") for line in printed] == [f"{pay:.0f}" for (pay,) in payroll]


def test_only_progress_is_printed(finished: Finished) -> None:
    progress = finished.ended.progress
    for text in (
        "scenario baseline, 2025 onwards",
        "1,000 rows accepted, 0 rejected",
        "1,000 employees at the start",
        *(f"batch {year}: ok" for year in FIVE_YEARS),
        "report: ",
    ):
        assert text in progress
    for text in ("Traceback", "Warning", "AssetObservation"):
        assert text not in progress


def test_the_run_is_found_by_its_tags_and_its_code_location(
    finished: Finished, run: dg.DagsterRun, instance: dg.DagsterInstance
) -> None:
    ((fingerprint,),) = rows(finished.warehouse, f"select distinct fingerprint from {LEDGER}")
    tags = {
        "scenario": "baseline",
        "years": "2025-2029",
        "census": "generated-1000-1-2024-12-31.parquet",
        "fingerprint": fingerprint,
    }
    assert run.tags.items() >= tags.items()
    # by which the UI finds the runs of a job in its code location
    repository = {".dagster/repository": "__repository__@simulation"}
    for name, value in (tags | repository).items():
        found = instance.get_runs(dg.RunsFilter(tags={name: value}))
        assert [entry.run_id for entry in found] == [run.run_id], name
    assert run.remote_job_origin is not None
    assert run.remote_job_origin.location_name == "simulation"
    assert run.remote_job_origin.job_name == run.job_name


def test_a_copy_under_another_name_opens_with_all_its_views(
    finished: Finished, tmp_path: Path
) -> None:
    copy = tmp_path / "sent to finance.duckdb"
    shutil.copy(finished.warehouse, copy)
    for attached in (False, True):
        with duckdb.connect() if attached else duckdb.connect(str(copy)) as connection:
            if attached:
                connection.execute(f"attach '{copy}' as theirs (read_only)")
            views = connection.execute(
                "select database_name, schema_name, view_name, sql from duckdb_views() "
                "where not internal"
            ).fetchall()
            assert len(views) > 10
            for database, schema, view, sql in views:
                assert "simulation." not in sql.replace('"', ""), view
                connection.execute(f'select count(*) from "{database}".{schema}.{view}')


def test_the_report_is_where_the_last_line_says(finished: Finished, run: dg.DagsterRun) -> None:
    heading, path = finished.ended.output.splitlines()[-1].split(": ")
    assert heading == "Report"
    report = finished.data / "reports" / Path(path).name
    assert run.run_id[:8] in report.name
    assert "<html" in report.read_text(encoding="utf-8")[:200]
    # by its content: the fixture has copied what the link leads to
    assert (report.parent / "latest.html").read_bytes() == report.read_bytes()
    assert report.name in (report.parent / "index.html").read_text(encoding="utf-8")


def test_every_asset_was_made_once_for_each_of_its_years(
    materialized: dict[str, dict[str | None, Any]], graph: Any
) -> None:
    years = {f"baseline|{year}" for year in FIVE_YEARS}
    partitioned = {
        key.to_user_string() for key in graph.get_all_asset_keys() if graph.get(key).is_partitioned
    }
    assert partitioned >= YEARLY
    # made by jobs of their own, from what a run has stored
    planning = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if graph.get(key).group_name == "simulation_planning"
    }
    assert {asset for asset, partitions in materialized.items() if not partitions} == planning
    for asset in materialized.keys() - planning:
        assert set(materialized[asset]) == (years if asset in partitioned else {None}), asset


def test_every_asset_shows_rows_schema_duration_and_owner(
    materialized: dict[str, dict[str | None, dict[str, Any]]], graph: Any, finished: Finished
) -> None:
    tables = {
        metadata["dagster/table_name"]
        for partitions in materialized.values()
        for metadata in partitions.values()
        if "dagster/table_name" in metadata
    }
    counts = " union all ".join(f"select '{table}', count(*) from {table}" for table in tables)
    count_of = dict(rows(finished.warehouse, counts))
    for asset, partitions in materialized.items():
        assert graph.get(dg.AssetKey(asset)).owners, asset
        for metadata in partitions.values():
            duration = metadata.get("seconds", metadata.get("Execution Duration"))
            assert isinstance(duration, float), asset
            assert duration > 0, asset
            assert metadata["cpu_seconds"] > 0, asset
            if asset == "simulation_report":
                assert metadata["bytes"] > 10_000
                file = Path(metadata["report"])
                assert metadata["link"] == f"http://127.0.0.1:3000/reports/{file.name}"
                (picture,) = re.findall(
                    r"^!\[Headcount .*\]\((.*)\)$", metadata["years"], re.MULTILINE
                )
                assert picture == f"/reports/{file.stem}.svg"
                assert file.with_suffix(".svg").is_file()
                continue
            schema = metadata["dagster/column_schema"]
            assert len(schema.columns) > 1, asset
            assert all(column.type for column in schema.columns), asset
            if asset not in ONE_RUN_BEHIND:
                count = count_of[metadata["dagster/table_name"]]
                assert metadata["dagster/row_count"] == count, asset


def test_the_census_was_made_of_the_file_that_was_observed(instance: dg.DagsterInstance) -> None:
    [record] = instance.fetch_observations(dg.AssetKey("census_file"), limit=2).records
    event = instance.get_latest_materialization_event(dg.AssetKey("census"))
    assert record.asset_observation is not None
    assert event is not None
    assert event.asset_materialization is not None
    digest = event.asset_materialization.metadata["sha256"].value
    assert record.asset_observation.tags["dagster/data_version"] == digest
    tags = event.asset_materialization.tags or {}
    assert tags["dagster/input_data_version/census_file"] == digest


def test_dbt_starts_from_the_parsed_project_and_leaves_it_as_it_was(
    instance: dg.DagsterInstance, run: dg.DagsterRun
) -> None:
    directory = target_directory("simulation")
    (log,) = directory.glob(f"simulation_models-{run.run_id[:8]}-*/dbt.log")
    text = log.read_text(encoding="utf-8")
    assert "Partial parsing enabled: 0 files deleted, 0 files added, 0 files changed" in text
    assert "Unable to do partial parsing" not in text
    record = instance.get_run_record_by_id(run.run_id)
    assert record is not None
    assert (directory / "partial_parse.msgpack").stat().st_mtime < record.start_time


def nodes_of_the_simulation(kind: str) -> list[dict[str, Any]]:
    nodes = load_manifest("simulation")["nodes"].values()
    return [node for node in nodes if node["resource_type"] == kind and node["fqn"][1] != "bank"]


def test_every_model_shows_which_columns_its_own_come_from(
    materialized: dict[str, dict[str | None, dict[str, Any]]], graph: Any
) -> None:
    keys = graph.get_all_asset_keys()
    models = [node["name"] for node in nodes_of_the_simulation("model")]
    assert len(models) >= 25
    for model in [*models, "baseline_workforce_validated"]:
        for metadata in materialized[model].values():
            lineage = metadata["dagster/column_lineage"].deps_by_column
            columns = {column.name for column in metadata["dagster/column_schema"].columns}
            assert set(lineage) == columns, model
            origins = [origin for column in lineage.values() for origin in column]
            assert origins, model
            assert {origin.asset_key for origin in origins} <= keys, model
    pay = materialized["fct_workforce_snapshot"]["baseline|2025"]["dagster/column_lineage"]
    assert pay.deps_by_column["annual_compensation"] == [
        dg.TableColumnDep(dg.AssetKey("int_employee_years"), "annual_compensation")
    ]


def test_every_check_was_evaluated_and_passed_and_no_dbt_test_is_but_an_observation(
    instance: dg.DagsterInstance, run: dg.DagsterRun, graph: Any
) -> None:
    kinds: Counter[str] = Counter()
    passed: dict[dg.AssetCheckKey, bool] = {}
    for entry in instance.all_logs(run.run_id):
        event = entry.dagster_event
        if event is None:
            continue
        kinds[event.event_type_value] += 1
        if event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            evaluation = event.asset_check_evaluation_data
            key = dg.AssetCheckKey(evaluation.asset_key, evaluation.check_name)
            passed[key] = evaluation.passed and passed.get(key, True)
    assert [key for key in passed if not passed[key]] == []
    # a backtest has checks too, and is a job of its own
    assert set(passed) == {
        key
        for key in graph.asset_check_keys
        if graph.get(key.asset_key).group_name != "simulation_planning"
    }
    names = {key.name for key in passed}
    assert names >= {
        "validate_growth_rates",
        "assert_year_complete",
        "pipeline_sla_check",
        "census_reject_share",
        "years_in_warehouse",
        "ledger_years_follow_each_other",
        "events_form_a_chain",
    }
    # of the census file
    assert kinds["ASSET_OBSERVATION"] == 1
    assert len(passed) == len(nodes_of_the_simulation("test")) + 7


def test_monitoring_has_what_really_happened(
    finished: Finished,
    run: dg.DagsterRun,
    materialized: dict[str, dict[str | None, dict[str, Any]]],
    instance: dg.DagsterInstance,
) -> None:
    found = rows(
        finished.warehouse,
        "select scope, name, outcome, years, seconds, row_count, rows_per_second, status, run_id "
        "from monitoring.mon_pipeline_performance",
    )
    assert {entry[-1] for entry in found} == {run.run_id}
    ((_, name, outcome, years, seconds, count, rate, status, _),) = [
        entry for entry in found if entry[0] == "run"
    ]
    assert (name, outcome, years, status) == ("simulation_models", "success", 5, "pass")
    ((ledger,),) = rows(finished.warehouse, f"select count(*) from {LEDGER}")
    assert count == ledger
    assert rate == pytest.approx(ledger / seconds)
    record = instance.get_run_record_by_id(run.run_id)
    assert record is not None
    assert record.start_time is not None
    assert record.end_time is not None
    models = {entry[1]: entry for entry in found if entry[0] == "model"}
    two_threads = sum(entry[4] for entry in models.values()) / 2
    assert two_threads < seconds < record.end_time - record.start_time
    # for each model what dbt reported to Dagster
    for model, entry in models.items():
        reported = next(iter(materialized[model].values()))["Execution Duration"]
        assert entry[2] in {"ok", "success"}, model
        assert entry[4] == pytest.approx(reported, abs=0.5), model
    assert models["int_employee_years"][5] == ledger
    assert {"fct_year_summary", "stg_job_levels"} < set(models)
