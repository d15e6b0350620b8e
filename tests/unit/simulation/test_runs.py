"""Which years a run computes, and what it must refuse; on a small ledger made by hand."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import dagster as dg
import duckdb
import psutil
import pytest

from shared_lib.processes import this_process
from simulation.census.tables import create_tables as create_census_tables
from simulation.config import load_scenario
from simulation.resources import ScenarioWarehouse
from simulation.run.abandoned_runs import abandon_dead_runs
from simulation.state.partitions import range_tags
from simulation.state.runs import (
    OpenedRun,
    YearRefusedError,
    current_run,
    open_run,
    record_request,
    requested_scenario,
)
from simulation.state.stored_years import completed_years
from simulation.state.tables import create_tables
from simulation.state.year_state import read_states, record_states

FIVE_YEARS = range(2025, 2030)
TAG = "simulation/process"


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """The raw tables with three employees of two scenarios, and an empty ledger."""
    connection = duckdb.connect()
    create_tables(connection)
    create_census_tables(connection)
    for scenario in ("baseline", "high_growth"):
        connection.executemany(
            "insert into raw.baseline_workforce_validated "
            "(scenario_id, employee_id, hire_date, annual_compensation) values (?, ?, ?, ?)",
            [(scenario, f"E{number}", "2020-01-01", 60000 + number) for number in range(3)],
        )
    connection.execute("create schema intermediate")
    connection.execute(
        "create table intermediate.int_employee_years (scenario_id varchar, fingerprint varchar, "
        "simulation_year integer, employee_id varchar, annual_compensation decimal(16, 2), "
        "termination_date date)"
    )
    return connection


def request(
    warehouse: duckdb.DuckDBPyConnection, scenario: str = "baseline", **changes: Any
) -> None:
    resume = changes.pop("resume", True)
    settings = load_scenario(scenario, changes=changes)
    record_request(warehouse, scenario_id=scenario, settings=settings, resume=resume)


def open_years(warehouse: duckdb.DuckDBPyConnection, years: range) -> OpenedRun:
    return open_run(warehouse, run_id="run", first_year=years[0], last_year=years[-1])


def simulate(
    warehouse: duckdb.DuckDBPyConnection, opened: OpenedRun, years: range, pay: int = 60000
) -> None:
    """Put rows into the ledger as the models would: E1 leaves each year, two are left."""
    for year in years:
        warehouse.executemany(
            "insert into intermediate.int_employee_years values (?, ?, ?, ?, ?, ?)",
            [
                (opened.scenario_id, opened.fingerprint, year, employee, pay + year, left)
                for employee, left in (("E0", None), ("E1", f"{year}-06-30"), ("E2", None))
            ],
        )


def broken_off(
    warehouse: duckdb.DuckDBPyConnection, years: range, scenario: str = "baseline"
) -> OpenedRun:
    request(warehouse, scenario)
    opened = open_years(warehouse, FIVE_YEARS)
    simulate(warehouse, opened, years)
    return opened


def states(warehouse: duckdb.DuckDBPyConnection, scenario: str = "baseline") -> dict[int, str]:
    found = read_states(warehouse, scenario_id=scenario, years=FIVE_YEARS)
    return {state.simulation_year: state.digest for state in found}


def test_a_request_is_found_again_as_it_was_made(warehouse: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(YearRefusedError, match="materialise simulation_config first"):
        requested_scenario(warehouse)
    for scenario, resume in (("baseline", True), ("hiring_freeze", False)):
        request(warehouse, scenario, resume=resume)
        assert requested_scenario(warehouse) == (scenario, load_scenario(scenario), resume)


def test_an_opened_run_is_found_again_by_the_steps_after_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(YearRefusedError, match="materialise simulation_run first"):
        current_run(warehouse)
    request(warehouse)
    opened = open_years(warehouse, FIVE_YEARS)
    assert current_run(warehouse) == (opened, "run")
    assert opened.years_so_far == FIVE_YEARS
    parameters = warehouse.execute(
        "select simulation_year, growth_millionths from raw.simulation_parameters "
        "where fingerprint = ? order by all",
        [opened.fingerprint],
    ).fetchall()
    assert parameters == [(year, 30_000) for year in FIVE_YEARS]


def test_runs_of_two_scenarios_keep_apart(warehouse: duckdb.DuckDBPyConnection) -> None:
    names = ("baseline", "high_growth")
    opened = {}
    for scenario in names:
        request(warehouse, scenario, resume=scenario == "baseline")
    for scenario in names:
        warehouse.execute("set variable warehouse_part = ?", [scenario])
        opened[scenario] = open_years(warehouse, FIVE_YEARS)
        simulate(warehouse, opened[scenario], FIVE_YEARS)
    for scenario in names:
        warehouse.execute("set variable warehouse_part = ?", [scenario])
        assert requested_scenario(warehouse) == (
            scenario,
            load_scenario(scenario),
            scenario == "baseline",
        )
        assert current_run(warehouse) == (opened[scenario], "run")
        record_states(warehouse, years=FIVE_YEARS)
    assert states(warehouse).keys() == states(warehouse, "high_growth").keys() == {*FIVE_YEARS}
    warehouse.execute("reset variable warehouse_part")
    assert current_run(warehouse) == (opened["high_growth"], "run")


def test_the_first_run_of_a_new_warehouse_computes_all(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    warehouse.execute("drop schema intermediate cascade")  # before dbt has ever run
    request(warehouse)
    assert completed_years(warehouse, "baseline") == {}
    assert open_years(warehouse, FIVE_YEARS).first_year == 2025


@pytest.mark.parametrize(
    ("complete", "asked", "first"),
    [
        (range(2025, 2027), FIVE_YEARS, 2027),  # broke off: goes on
        (range(2025, 2029), FIVE_YEARS, 2029),
        (range(2025, 2030), FIVE_YEARS, 2025),  # complete: computed anew
        (range(2025, 2028), range(2025, 2027), 2025),
        (range(2025, 2028), range(2026, 2030), 2028),
        (range(2025, 2027), range(2027, 2028), 2027),  # the next year alone
        (range(2025, 2030), range(2027, 2028), 2027),  # one year anew
    ],
)
def test_a_run_continues_after_the_last_complete_year(
    complete: range, asked: range, first: int, warehouse: duckdb.DuckDBPyConnection
) -> None:
    broken_off(warehouse, complete)
    opened = open_years(warehouse, asked)
    assert (opened.first_year, opened.last_year) == (first, asked[-1])
    assert opened.start_year == 2025


def test_a_fresh_run_begins_at_the_beginning(warehouse: duckdb.DuckDBPyConnection) -> None:
    broken_off(warehouse, range(2025, 2027))
    request(warehouse, resume=False)
    assert open_years(warehouse, FIVE_YEARS).first_year == 2025


def raise_somebodys_pay(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute(
        "update raw.baseline_workforce_validated set annual_compensation = 1 "
        "where scenario_id = 'baseline' and employee_id = 'E1'"
    )


def change_the_seed(warehouse: duckdb.DuckDBPyConnection) -> None:
    request(warehouse, simulation={"random_seed": 43})


@pytest.mark.parametrize("change", [raise_somebodys_pay, change_the_seed])
def test_a_run_from_something_else_does_not_go_on_from_there(
    change: Callable[[duckdb.DuckDBPyConnection], None], warehouse: duckdb.DuckDBPyConnection
) -> None:
    before = broken_off(warehouse, range(2025, 2027))
    change(warehouse)
    opened = open_years(warehouse, FIVE_YEARS)
    assert opened.first_year == 2025
    assert opened.fingerprint != before.fingerprint
    refused = (
        f"year 2027 starts from the end of 2026, but year 2026 of scenario baseline was simulated "
        f"with another configuration, census or set of rules (fingerprint {before.fingerprint}, "
        f"now {opened.fingerprint}): run multi_year_simulation for 2025-2027"
    )
    with pytest.raises(YearRefusedError, match=re.escape(refused)):
        open_years(warehouse, range(2027, 2028))


def test_a_census_in_another_order_or_file_is_the_same_census(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    broken_off(warehouse, range(2025, 2027))
    warehouse.execute(
        "create or replace table raw.baseline_workforce_validated as "
        "from raw.baseline_workforce_validated order by employee_id desc"
    )
    request(warehouse, census={"path": "moved.csv"}, simulation={"end_year": 2031})
    assert open_years(warehouse, range(2025, 2032)).first_year == 2027


@pytest.mark.parametrize(
    ("years", "message"),
    [
        (
            range(2027, 2028),
            "year 2027 starts from the end of 2026, but year 2026 of scenario baseline has not "
            "been simulated: run multi_year_simulation for 2025-2027",
        ),
        (
            range(2023, 2026),
            "year 2023 lies before start_year 2025 of scenario baseline: run 2025 or later, or "
            "set start_year to 2023",
        ),
    ],
)
def test_an_impossible_year_is_refused_with_what_to_run(
    years: range, message: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    broken_off(warehouse, range(2025, 2026))
    before = current_run(warehouse)
    with pytest.raises(YearRefusedError, match=re.escape(message)):
        open_years(warehouse, years)
    assert current_run(warehouse) == before


def test_the_years_of_one_scenario_are_none_of_anothers(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    baseline = broken_off(warehouse, FIVE_YEARS)
    record_states(warehouse, years=FIVE_YEARS)
    recorded = states(warehouse)
    request(warehouse, "high_growth")
    with pytest.raises(YearRefusedError, match="year 2025 of scenario high_growth has not been"):
        open_years(warehouse, range(2026, 2027))
    opened = open_years(warehouse, FIVE_YEARS)
    assert opened.first_year == 2025
    simulate(warehouse, opened, FIVE_YEARS, pay=70000)
    record_states(warehouse, years=FIVE_YEARS)
    assert states(warehouse) == recorded
    assert not set(states(warehouse, "high_growth").values()) & set(recorded.values())
    assert completed_years(warehouse, "baseline") == dict.fromkeys(FIVE_YEARS, baseline.fingerprint)


def test_a_state_has_headcount_pay_and_rows(warehouse: duckdb.DuckDBPyConnection) -> None:
    broken_off(warehouse, range(2025, 2027))
    record_states(warehouse, years=FIVE_YEARS)
    first, second = read_states(warehouse, scenario_id="baseline", years=FIVE_YEARS)
    assert (first.simulation_year, first.active_headcount, first.payroll) == (2025, 2, 124050)
    assert first.digest != second.digest
    # the same rows in another order, then with a cent more for somebody
    warehouse.execute(
        "create or replace table intermediate.int_employee_years as "
        "from intermediate.int_employee_years order by employee_id desc"
    )
    record_states(warehouse, years=FIVE_YEARS)
    assert states(warehouse) == {2025: first.digest, 2026: second.digest}
    warehouse.execute(
        "update intermediate.int_employee_years set annual_compensation = 62026.01 "
        "where employee_id = 'E0' and simulation_year = 2026"
    )
    record_states(warehouse, years=FIVE_YEARS)
    assert states(warehouse)[2025] == first.digest
    assert states(warehouse)[2026] != second.digest


def test_a_run_marks_the_years_that_it_replaces_as_incomplete_when_it_opens(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    """It may be killed at any moment from then on."""
    broken_off(warehouse, FIVE_YEARS)
    record_states(warehouse, years=FIVE_YEARS)
    open_years(warehouse, range(2027, 2028))
    assert set(states(warehouse)) == {2025, 2026, 2028, 2029}
    change_the_seed(warehouse)
    open_years(warehouse, FIVE_YEARS)
    assert states(warehouse) == {}


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@dg.op
def nothing() -> None:
    """Does nothing."""


@dg.job
def idle() -> None:
    """Has a step, so that it can have runs."""
    nothing()


def unfinished(instance: dg.DagsterInstance, process: str | None) -> str:
    """The id of a run that was started, with the process that it is tagged with."""
    run = instance.create_run_for_job(
        idle, status=dg.DagsterRunStatus.STARTED, tags={TAG: process} if process else {}
    )
    return run.run_id


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_only_runs_whose_process_is_gone_are_ended(instance: dg.DagsterInstance) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    with sleeper:
        host = socket.gethostname()
        born = psutil.Process(sleeper.pid).create_time()
        here = f"{host}:{sleeper.pid}:{born:.2f}"
        same_id = unfinished(instance, f"{host}:{sleeper.pid}:{born - 60:.2f}")
        other_host = unfinished(instance, f"elsewhere:{sleeper.pid}:{born:.2f}")
        untagged = unfinished(instance, None)
        mine = unfinished(instance, this_process())
        its_own = unfinished(instance, here)
        assert abandon_dead_runs(instance, tag=TAG) == [same_id]
        assert status(instance, same_id) is dg.DagsterRunStatus.FAILURE
        # killed, and not yet asked after by its parent, as in a container without an init process
        sleeper.send_signal(signal.SIGKILL)
        while psutil.Process(sleeper.pid).status() != psutil.STATUS_ZOMBIE:
            pass
        assert abandon_dead_runs(instance, tag=TAG) == [its_own]
    for running in (other_host, untagged, mine):
        assert status(instance, running) is dg.DagsterRunStatus.STARTED
    assert abandon_dead_runs(instance, tag=TAG) == []


@pytest.mark.parametrize(
    ("tags", "config", "part"),
    [
        ({"dagster/partition": "baseline|2025"}, {}, "baseline"),
        (range_tags("high_growth", FIVE_YEARS), {"scenario": "high_growth"}, "high_growth"),
        ({}, {"scenario": "hiring_freeze"}, "hiring_freeze"),
        # the last request of all counts, or the run is refused
        ({}, {}, None),
        (
            {
                "dagster/asset_partition_range_start": "baseline|2025",
                "dagster/asset_partition_range_end": "high_growth|2025",
            },
            {},
            None,
        ),
    ],
)
def test_the_part_that_a_run_writes_is_its_scenario(
    tags: dict[str, str], config: dict[str, str], part: str | None
) -> None:
    run = dg.DagsterRun(
        job_name="a job",
        tags=tags,
        run_config={"ops": {"simulation_config": {"config": config}}} if config else {},
    )
    assert ScenarioWarehouse(location="simulation").part_of(run) == part
