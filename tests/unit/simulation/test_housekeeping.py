"""Of old runs and reports the latest of each scenario stays, and all that stored years need."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from shared_lib.configuration.kept_data import KeptData, kept_data
from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.housekeeping.__main__ import main
from simulation.housekeeping.job import simulation_retention_job
from simulation.housekeeping.old_reports import delete_old_reports
from simulation.housekeeping.old_runs import delete_old_runs
from simulation.report.index import listed_reports
from simulation.resources import RESOURCES
from simulation.state.tables import create_tables

NOW = datetime(2030, 1, 1)  # noqa: DTZ001 - as the tables have it
TABLES = (
    "simulation_parameters", "hire_level_mix", "scenario_levels", "scenario_rates",
    "simulation_configurations",
)  # fmt: skip


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_tables(connection)
    return connection


def record(
    warehouse: duckdb.DuckDBPyConnection, scenario: str, fingerprint: str, *, days_ago: float
) -> None:
    """What a run leaves beside its years, with a value in each column that has to have one."""
    at = NOW - timedelta(days=days_ago)
    known = {
        "fingerprint": fingerprint, "scenario_id": scenario, "recorded_at": at,
        "run_id": f"run-{fingerprint}",
    }  # fmt: skip
    for table in (*TABLES, "pipeline_timings"):
        columns = warehouse.execute(
            "select column_name, data_type from duckdb_columns() where schema_name = 'raw' "
            "and table_name = ? and not is_nullable order by column_index",
            [table],
        ).fetchall()
        names = [name for name, _ in columns]
        marks = ", ".join(f"?::{kind}" for _, kind in columns)
        values = [known.get(name, at if kind in ("DATE", "TIMESTAMP") else "1")
                  for name, kind in columns]  # fmt: skip
        warehouse.execute(f"insert into raw.{table} ({', '.join(names)}) values ({marks})", values)


def fingerprints(warehouse: duckdb.DuckDBPyConnection, table: str) -> set[str]:
    column = "replace(run_id, 'run-', '')" if table == "pipeline_timings" else "fingerprint"
    return {row[0] for row in warehouse.execute(f"select {column} from raw.{table}").fetchall()}


def test_what_no_stored_year_is_of_goes(warehouse: duckdb.DuckDBPyConnection) -> None:
    for fingerprint, days_ago in (("gone", 400), ("in_ledger", 390), ("in_state", 380),
                                  ("running", 370), ("young", 360), ("latest", 300)):  # fmt: skip
        record(warehouse, "baseline", fingerprint, days_ago=days_ago)
    record(warehouse, "freeze", "alone", days_ago=900)
    warehouse.execute("create schema intermediate")
    warehouse.execute(
        "create table intermediate.int_employee_years as select 'in_ledger' as fingerprint"
    )
    warehouse.execute(
        "insert into raw.simulation_year_state values "
        "('baseline', 2025, 'in_state', 'r', 1, 1, 'd', now())"
    )
    warehouse.execute(
        "insert into raw.simulation_run values "
        "('baseline', 'running', 'run-running', 2025, 2025, 2025, now())"
    )

    foreseen = delete_old_runs(warehouse, keep_days=365, is_dry=True, now=NOW)
    assert fingerprints(warehouse, "simulation_parameters") > {"gone"}
    done = delete_old_runs(warehouse, keep_days=365, is_dry=False, now=NOW)

    kept = {"in_ledger", "in_state", "running", "young", "latest", "alone"}
    for table in TABLES:
        assert fingerprints(warehouse, table) == kept, table
    timed = fingerprints(warehouse, "pipeline_timings")
    assert timed == {"running", "young", "latest", "alone"}
    assert done == foreseen == dict.fromkeys(TABLES, 1) | {"pipeline_timings": 3}
    assert not delete_old_runs(warehouse, keep_days=365, is_dry=False, now=NOW)


def test_a_warehouse_without_a_ledger_has_nothing_to_keep_but_the_latest(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    record(warehouse, "baseline", "gone", days_ago=400)
    record(warehouse, "baseline", "latest", days_ago=390)

    delete_old_runs(warehouse, keep_days=365, is_dry=False, now=NOW)

    assert fingerprints(warehouse, "simulation_configurations") == {"latest"}


def write_reports(folder: Path, now: float) -> None:
    folder.mkdir(parents=True)
    for name, days_ago in (
        ("baseline-00000000000000aa-00000001", 500),
        ("baseline-00000000000000aa-00000002", 400),
        ("baseline-00000000000000bb-00000003", 300),
        ("baseline-00000000000000bb-00000004", 200),
        ("hiring-freeze-00000000000000cc-00000005", 900),
    ):
        page = folder / f"{name}.html"
        page.write_text(f"<title>Workforce simulation {name}</title>")
        page.with_suffix(".svg").write_text("<svg/>")
        written = now - days_ago * 86_400
        os.utime(page, (written, written))
    (folder / "board.html").write_text("<title>Board</title>")
    os.utime(folder / "board.html", (0, 0))


def test_old_reports_go_and_the_newest_of_each_scenario_stays(tmp_path: Path) -> None:
    now = datetime.now(UTC).timestamp()
    folder = tmp_path / "reports"
    write_reports(folder, now)

    foreseen = delete_old_reports(folder, keep_days=365, is_dry=True, now=now)
    assert all(path.exists() for path in foreseen)
    assert delete_old_reports(folder, keep_days=365, is_dry=False, now=now) == foreseen

    assert [path.name[-13:-5] for path in foreseen] == ["00000001", "00000002"]
    assert not any(path.exists() or path.with_suffix(".svg").exists() for path in foreseen)
    assert len(listed_reports(folder)) == 3
    assert len(list(folder.glob("*.svg"))) == 3
    assert (folder / "board.html").exists()
    assert "00000005" in (folder / "index.html").read_text()
    assert (folder / "latest.html").resolve().name.endswith("00000004.html")


def test_the_job_deletes_only_where_somebody_has_agreed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    write_reports(tmp_path / "reports", datetime.now(UTC).timestamp())
    old = tmp_path / "reports" / "baseline-00000000000000aa-00000001.html"
    resources = {"warehouse": RESOURCES["warehouse"]}

    def executed() -> str:
        result = simulation_retention_job.execute_in_process(resources=resources)
        (output,) = (one for one in result.all_events if one.event_type_value == "STEP_OUTPUT")
        return str(output.step_output_data.metadata["summary"].value)

    assert executed() == "0 rows of old runs and 2 old reports would be deleted"
    assert old.exists()
    settings = tmp_path / "platform.yaml"
    settings.write_text("retention: {}\ndata: {deletes: true}\n")
    monkeypatch.setenv("PLATFORM_SETTINGS", str(settings))
    assert executed() == "0 rows of old runs and 2 old reports deleted"
    assert not old.exists()
    assert not list(tmp_path.rglob("*.duckdb"))


def test_the_command_shows_and_deletes_what_the_job_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.delenv("PLATFORM_SETTINGS", raising=False)
    now = datetime.now(UTC)
    write_reports(tmp_path / "reports", now.timestamp())
    with RESOURCES["warehouse"].writing() as connection:
        create_tables(connection)
        for fingerprint, days_ago in (("gone", 400), ("latest", 390)):
            at = (now - timedelta(days=days_ago)).replace(tzinfo=None)
            connection.execute(
                "insert into raw.simulation_configurations by name "
                "select ? as fingerprint, 'baseline' as scenario_id, ? as recorded_at, "
                "'{}' as configuration, 'd' as census_digest",
                [fingerprint, at],
            )

    assert main(["--dry-run"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["1", "rows", "of", "simulation_configurations"]
    assert shown[-1] == "simulation: 1 rows of old runs and 2 old reports would be deleted"
    assert len(listed_reports(tmp_path / "reports")) == 5
    # somebody has asked, whatever the settings say
    assert main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == {"simulation_configurations": 1}
    assert len(listed_reports(tmp_path / "reports")) == 3
    assert main([]) == 0
    assert capsys.readouterr().out == "simulation: 0 rows of old runs and 0 old reports deleted\n"

    (tmp_path / "platform.yaml").write_text("data:\n  report_days: 3\n")
    monkeypatch.setenv("PLATFORM_SETTINGS", str(tmp_path / "platform.yaml"))
    assert main([]) == 2
    assert "report_days: 3 is not allowed" in capsys.readouterr().err


def test_wrong_settings_are_named_with_their_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PLATFORM_SETTINGS", raising=False)
    assert kept_data() == KeptData()
    settings = tmp_path / "platform.yaml"
    settings.write_text("data:\n  report_days: 3\n")
    monkeypatch.setenv("PLATFORM_SETTINGS", str(settings))
    with pytest.raises(ConfigurationError, match=r"platform.yaml:2: report_days: 3 is not allowed"):
        kept_data()


def test_the_location_has_the_job_and_its_schedule() -> None:
    from simulation.definitions import defs

    schedule = defs.resolve_schedule_def("simulation_retention_schedule")
    assert isinstance(schedule, dg.ScheduleDefinition)
    assert schedule.job_name == "simulation_retention_job"
