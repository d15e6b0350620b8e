"""Years that cannot be computed are refused or fail, and leave what there was as it was."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from tests.integration.simulation.conftest import Finished
from tests.integration.simulation.launching import reasons, run_job, run_to_its_end
from tests.integration.simulation.results import LEDGER, everything_of, outcome, rows

from simulation.state.partitions import range_tags

REQUEST = {"generated_size": 1000}
RANGE_END = "dagster/asset_partition_range_end"


def test_a_year_without_the_year_before_is_refused(platform: Path) -> None:
    result = run_job("single_year_simulation", year=2027, request=REQUEST)

    assert not result.success
    assert reasons(result)["simulation_run"].strip().endswith(
        "year 2027 starts from the end of 2026, but year 2026 of scenario baseline has not been "
        "simulated: run multi_year_simulation for 2025-2027"
    )  # fmt: skip
    with duckdb.connect(str(platform / "simulation.duckdb"), read_only=True) as connection:
        assert connection.execute(
            "select count(*) from duckdb_tables() where table_name = 'int_employee_years'"
        ).fetchone() == (0,)


def test_a_run_without_years_is_refused_with_what_to_choose(platform: Path) -> None:
    result = run_job("multi_year_simulation", request=REQUEST)

    assert (
        "the run has no years: launch it again and choose a partition"
        in (reasons(result)["simulation_run"])
    )


def test_the_command_reports_variables_that_are_not_valid(
    platform: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318")
    monkeypatch.setenv("OPENLINEAGE_CONFIG", "/nonexist.yml")
    (tmp_path / "census.csv").write_text(
        "employee_id,hire_date,annual_compensation\nA1,2020-01-01,50000\nA2,,50000\n"
    )

    ended = run_to_its_end("--census", str(tmp_path / "census.csv"), directory=tmp_path)

    assert ended.progress.count("no traces are sent: OTEL_EXPORTER_OTLP_ENDPOINT: '127.0") == 1
    assert ended.progress.count("no lineage is sent: OPENLINEAGE_CONFIG: ") == 1


def test_a_year_after_one_of_another_configuration_is_refused(
    begin_with: Callable[[Finished], Path], finished_with_another_seed: Finished
) -> None:
    warehouse = begin_with(finished_with_another_seed)
    before = outcome(warehouse)

    result = run_job("single_year_simulation", year=2027, request=REQUEST)

    assert not result.success
    reason = reasons(result)["simulation_run"]
    assert "was simulated with another configuration, census or set of rules" in reason
    assert "run multi_year_simulation for 2025-2027" in reason
    assert outcome(warehouse) == before


def test_a_year_before_the_first_is_refused(platform: Path) -> None:
    request = {**REQUEST, "start_year": 2026}

    result = run_job("single_year_simulation", year=2025, request=request)

    assert not result.success
    assert (
        "year 2025 lies before start_year 2026 of scenario baseline: run 2026 or later"
        in reasons(result)["simulation_run"]
    )


def test_a_year_that_is_run_again_has_the_same_result_and_later_years_stay(
    begin_with: Callable[[Finished], Path], finished: Finished
) -> None:
    warehouse = begin_with(finished)
    before = outcome(warehouse)

    result = run_job("single_year_simulation", year=2027, request=REQUEST)

    assert result.success, reasons(result)
    assert outcome(warehouse) == before


def test_a_year_that_fails_fails_the_run_and_the_years_before_stay(
    begin_with: Callable[[Finished], Path], finished: Finished, tmp_path: Path
) -> None:
    warehouse = begin_with(finished)
    before = outcome(warehouse)
    _refuse_rows_of_2027(warehouse)

    failed = run_to_its_end("--generate", "1000", "--fresh", directory=tmp_path)

    assert failed.status == 1
    assert "int_employee_years" in failed.progress
    assert "CHECK constraint failed" in failed.progress
    assert "batch 2026: ok" in failed.progress
    assert "batch 2027: error" in failed.progress
    # dbt goes on with the next batch, which must not start from nothing
    assert "batch 2028: error" in failed.progress
    assert (
        "year 2028 of scenario baseline needs 1093 employees at its start, the state of the "
        in failed.progress
    )
    assert "Report:" not in failed.output
    kept = outcome(warehouse)
    assert kept[LEDGER] == [year for year in before[LEDGER] if year[0] <= 2026]
    assert kept["raw.simulation_year_state"] == []

    _accept_all_rows(warehouse)
    again = run_to_its_end("--generate", "1000", directory=tmp_path)
    assert again.status == 0, again.progress
    assert "going on from 2027" in again.progress
    assert outcome(warehouse) == before


def _refuse_rows_of_2027(warehouse: Path) -> None:
    columns = ", ".join(
        f'"{name}" {kind}'
        for name, kind in rows(
            warehouse,
            "select column_name, data_type from duckdb_columns() "
            "where table_name = 'int_employee_years' order by column_index",
        )
    )
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table kept as from intermediate.int_employee_years")
        connection.execute("drop table intermediate.int_employee_years")
        connection.execute(
            f"create table intermediate.int_employee_years "
            f"({columns}, check (simulation_year <> 2027 or scenario_id = 'none'))"
        )
        connection.execute(
            "insert into intermediate.int_employee_years from kept where simulation_year < 2027"
        )
        connection.execute("drop table kept")


def _accept_all_rows(warehouse: Path) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table kept as from intermediate.int_employee_years")
        connection.execute("drop table intermediate.int_employee_years")
        connection.execute("create table intermediate.int_employee_years as from kept")
        connection.execute("drop table kept")


def test_a_scenario_changes_nothing_of_another(
    begin_with: Callable[[Finished], Path], finished: Finished
) -> None:
    warehouse = begin_with(finished)
    before = everything_of(warehouse, "baseline")

    result = run_job(
        "multi_year_simulation",
        scenario="high_growth",
        years=range(2025, 2028),
        request=REQUEST,
    )

    assert result.success, reasons(result)
    assert everything_of(warehouse, "baseline") == before
    summaries = [
        event.step_materialization_data.materialization
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey("fct_year_summary")
    ]
    assert {made.metadata["dagster/row_count"].value for made in summaries} == {3}
    assert {made.partition for made in summaries} == {
        f"high_growth|{year}" for year in (2025, 2026, 2027)
    }
    assert [year for year, *_ in outcome(warehouse, "high_growth")[LEDGER]] == [2025, 2026, 2027]


def test_a_run_of_two_scenarios_or_of_another_than_its_partition_is_refused(
    platform: Path,
) -> None:
    other = run_job(
        "single_year_simulation", year=2025, request={**REQUEST, "scenario": "high_growth"}
    )
    tags = {**range_tags("baseline", range(2025, 2026)), RANGE_END: "high_growth|2025"}
    both = run_job("multi_year_simulation", tags=tags, request=REQUEST)

    assert (
        "scenario high_growth was requested for a partition of scenario baseline"
        in (reasons(other)["simulation_config"])
    )
    assert (
        "a run simulates one scenario, not baseline and high_growth"
        in (reasons(both)["simulation_config"])
    )
    assert not (platform / "simulation.duckdb").exists()
