"""Census files with standard columns, and the steps that read and judge them."""

import csv
from datetime import date
from pathlib import Path

import duckdb

from simulation.census import (
    CensusMapping,
    CensusVerdict,
    read_census,
    validate_census,
)

FIELDS: tuple[str, ...] = (
    "employee_id",
    "hire_date",
    "annual_compensation",
    "birth_date",
    "level",
    "termination_date",
    "department",
)
# What could be found in the values is stated: other tests are of what is found.
STANDARD = CensusMapping.model_validate(
    {
        "columns": {field: field for field in FIELDS},
        "date_format": "%Y-%m-%d",
        "decimal_separator": ".",
        "pay_basis": "annual",
    }
)
OPENING_DATE = date(2024, 12, 31)
TOP_LEVEL = 5
GOOD = {"employee_id": "E1", "hire_date": "2010-03-01", "annual_compensation": "56000.00"}

RESULTS = ("census_rejects", "census_accepted", "census_data_validation")


def write_census(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.DictWriter(lines, FIELDS)
        writer.writeheader()
        writer.writerows(rows)


def read(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    scenario_id: str = "baseline",
    mapping: CensusMapping = STANDARD,
) -> None:
    read_census(connection, path=path, scenario_id=scenario_id, mappings={"standard": mapping})


def validate(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str = "baseline",
    *,
    opening_date: date = OPENING_DATE,
    reject_share_limit: float = 0.05,
    sums_positions: bool = True,
) -> CensusVerdict:
    return validate_census(
        connection,
        scenario_id=scenario_id,
        census_name="census.csv",
        opening_date=opening_date,
        top_level=TOP_LEVEL,
        reject_share_limit=reject_share_limit,
        sums_positions=sums_positions,
    )


def results(connection: duckdb.DuckDBPyConnection, scenario_id: str = "baseline") -> list[list]:
    return [
        connection.execute(
            f"select * from raw.{table} where scenario_id = ? order by all", [scenario_id]
        ).fetchall()
        for table in (*RESULTS, "baseline_workforce_validated", "census_set_aside")
    ]
