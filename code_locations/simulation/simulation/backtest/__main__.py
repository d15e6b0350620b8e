"""``python -m simulation.backtest DIRECTORY``: a simulated year against that of a real payroll."""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

import duckdb

from shared_lib.dbt.compiled import Statement, load_statements
from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY
from shared_lib.discovery.dbt.sections import selection_of
from simulation.backtest.comparison import (
    START_YEAR,
    backtest,
    observed_settings,
    open_year,
    read_payroll,
)
from simulation.census.tables import create_tables as create_census_tables
from simulation.state.tables import create_tables


def compiled_statements(directory: Path, payroll: Path) -> tuple[Statement, ...]:
    """Build the models once in ``directory`` and return the SQL of ``START_YEAR``."""
    warehouse, target = directory / "simulation.duckdb", directory / "target"
    with duckdb.connect(str(warehouse)) as connection:
        create_tables(connection)
        create_census_tables(connection)
        read_payroll(connection, payroll)
        open_year(connection, observed_settings(connection))
    subprocess.run(  # noqa: S603 - dbt of this environment
        [
            DBT_EXECUTABLE,
            *("--quiet", "build", *selection_of("simulation")),
            *("--resource-type", "model", "--resource-type", "seed", "--profiles-dir", "."),
            *("--event-time-start", f"{START_YEAR}-01-01"),
            *("--event-time-end", f"{START_YEAR + 1}-01-01"),
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
    return load_statements(target)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m simulation.backtest", description=__doc__)
    parser.add_argument("directory", type=Path, help="has fy2012.csv, fy2013.csv and fy2014.csv")
    payroll = parser.parse_args().directory
    missing = [year for year in (2012, 2013, 2014) if not (payroll / f"fy{year}.csv").is_file()]
    if missing:
        parser.error(f"{payroll} has no fy{missing[0]}.csv")
    with tempfile.TemporaryDirectory() as scratch:
        figures = backtest(compiled_statements(Path(scratch), payroll), payroll)
    print(f"{'':24}{'real':>12}{'simulated':>12}{'last year':>12}")
    for figure in figures:
        digits = 3 if figure.real <= 1 else 0
        values = (figure.real, figure.simulated, figure.last_year)
        print(f"{figure.name:24}" + "".join(f"{value:>12,.{digits}f}" for value in values))


if __name__ == "__main__":
    main()
