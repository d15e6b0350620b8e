"""The rows of each seed and scenario of many in one run are those of a run of its own."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from shared_lib.dbt.compiled import Statement
from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY
from shared_lib.discovery.dbt.sections import selection_of
from simulation.config import load_scenario
from simulation.scratch.trials import Trial, run_trials
from simulation.scratch.warehouse import open_scratch

YEARS = range(2025, 2028)
EMPLOYEES = 400

TRIALS = [
    Trial(scenario_id=name, settings=load_scenario(name, changes=changes))
    for name, changes in (
        ("baseline", {"simulation": {"random_seed": 42}}),
        ("baseline", {"simulation": {"random_seed": 43}}),
        ("hiring_freeze", {"simulation": {"random_seed": 42}}),
        (
            "high_growth",
            {
                "simulation": {"random_seed": 7},
                "hiring": {
                    "level_mix": [{"level": 1, "share": 1.0}],
                    "hiring_by_department": {"Sales": 0.1, "Engineering": 2.5},
                },
                "compensation": {"cola_by_department": {"Sales": -0.01, "Engineering": 0.02}},
                "workforce": {"leaving_by_department": {"Sales": 3.0}},
                "tables": {
                    "termination_hazard_by_level": [
                        {"level": level, "multiplier": float(level)} for level in range(1, 6)
                    ]
                },
            },
        ),
    )
]


@pytest.fixture(scope="module")
def played(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(each for each in statements if each.year in (None, *YEARS))


@pytest.fixture(scope="module")
def workforce(census: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ranges") / "workforce.parquet"
    duckdb.execute(
        "copy (select 'baseline' as scenario_id, employee_id, birth_date, hire_date, level, "
        "department, annual_compensation, null::date as termination_date "
        f"from read_parquet(?) order by employee_id limit {EMPLOYEES}) to '{path}'",
        [str(census)],
    )
    return path


def rows(connection: duckdb.DuckDBPyConnection) -> list[Any]:
    """Every column of the ledger, the fingerprint and the summary's among them."""
    return [
        connection.execute(f"select * from {table} order by all").fetchall()
        for table in ("intermediate.int_employee_years", "marts.fct_year_summary")
    ]


@pytest.fixture
def built(compiled_project: Path, workforce: Path, tmp_path: Path) -> Callable[[Trial], list[Any]]:
    """What `dbt build` computes of a trial, in a file of its own."""

    def build(trial: Trial) -> list[Any]:
        warehouse, target = tmp_path / "simulation.duckdb", tmp_path / "target"
        shutil.copytree(compiled_project, target)  # so that dbt does not parse the project again
        with duckdb.connect(str(warehouse)) as connection:
            open_scratch(connection, trial.scenario_id, workforce, trial.settings, YEARS[-1])
        subprocess.run(
            [
                DBT_EXECUTABLE,
                *("--quiet", "build", *selection_of("simulation")),
                *("--resource-type", "model", "--resource-type", "seed", "--profiles-dir", "."),
                *("--event-time-start", f"{YEARS[0]}-01-01"),
                *("--event-time-end", f"{YEARS[-1] + 1}-01-01"),
            ],
            cwd=PROJECT_DIRECTORY,
            env={
                **os.environ,
                "DBT_DUCKDB_PATH": str(warehouse),
                "DBT_TARGET_PATH": str(target),
                "DBT_LOG_PATH": str(target),
            },
            check=True,
        )
        with duckdb.connect(str(warehouse), read_only=True) as connection:
            return rows(connection)

    return build


def test_the_rows_of_a_trial_are_those_of_a_run_of_its_own(
    played: tuple[Statement, ...], workforce: Path, built: Callable[[Trial], list[Any]]
) -> None:
    found = list(
        run_trials(TRIALS, rows, workforce=workforce, statements=played, last_year=YEARS[-1])
    )

    ledgers = [str(ledger) for ledger, _ in found]
    assert len(set(ledgers)) == len(TRIALS)
    # the trial that is most unlike the one whose statements are executed
    assert found[-1] == built(TRIALS[-1])


def test_order_and_company_of_a_trial_change_nothing(
    played: tuple[Statement, ...], workforce: Path
) -> None:
    def run(trials: list[Trial]) -> list[list[Any]]:
        return list(
            run_trials(trials, rows, workforce=workforce, statements=played, last_year=YEARS[-1])
        )

    together = run(TRIALS)
    assert run(TRIALS[::-1])[::-1] == together
    assert [run([trial])[0] for trial in TRIALS] == together


def test_a_reader_that_stops_ends_the_trials_that_have_not_begun(
    played: tuple[Statement, ...], workforce: Path
) -> None:
    begun: list[int] = []
    trials = run_trials(
        [TRIALS[0]] * 50,
        lambda _: begun.append(1),
        workforce=workforce,
        statements=played,
        last_year=YEARS[-1],
    )
    next(trials)
    trials.close()
    assert len(begun) < 50


def test_an_error_of_a_trial_is_raised(played: tuple[Statement, ...], workforce: Path) -> None:
    def fail(_: duckdb.DuckDBPyConnection) -> None:
        message = "cannot be read"
        raise ValueError(message)

    with pytest.raises(ValueError, match="cannot be read"):
        list(run_trials(TRIALS, fail, workforce=workforce, statements=played, last_year=YEARS[-1]))
