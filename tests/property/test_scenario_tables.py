"""A table of a scenario has the effect that the same change of its seed has."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.support.replay import LEDGER_DIGEST, settings_with, simulate

from shared_lib.dbt.compiled import Statement
from shared_lib.dbt.project import PROJECT_DIRECTORY
from simulation.config.tables import Tables

# So that bands make the pay of hires, and somebody of 65 may be promoted.
BASE: dict[str, dict[str, Any]] = {
    "simulation": {"end_year": 2026},
    "compensation": {"promotion_age_limit": 80},
    "hiring": {"minimum_recent_joiners": 5000},
}
# A change of the last number of a row, as SQL and as the row of a table.
CHANGES = {
    "job_levels": ("max_compensation = max_compensation * 1.5", lambda value: value * 1.5),
    "merit_rates": ("merit_rate = merit_rate * merit_rate", lambda value: value * value),
    "new_hire_ages": (
        "share = case age when 22 then 0.2 when 32 then 0.1 else share end",
        lambda value: value,
    ),
}
HAZARD = ("multiplier = round(multiplier * multiplier, 6)", lambda value: value * value)


def typed(table: str, row: dict[str, str]) -> dict[str, Any]:
    """The row of a seed as it is in YAML, with the table's change."""
    number = list(row)[-1]
    changed: dict[str, Any] = {
        key: int(value) if key in {"level", "age"} else value for key, value in row.items()
    }
    changed[number] = round(CHANGES.get(table, HAZARD)[1](float(row[number])), 6)
    if table == "job_levels":
        changed["min_compensation"] = float(row["min_compensation"])
    if table == "new_hire_ages":
        changed["share"] = {22: 0.2, 32: 0.1}.get(changed["age"], changed["share"])
    return changed


@pytest.mark.parametrize("table", Tables.model_fields)
def test_a_table_of_a_scenario_does_what_a_changed_seed_does(
    statements: tuple[Statement, ...], census: Path, table: str
) -> None:
    two_years = [one for one in statements if one.year in (None, 2025, 2026)]

    def outcome(tables: dict[str, Any], *, update_seed: bool = False) -> Any:
        def update(warehouse: duckdb.DuckDBPyConnection, node: str) -> None:
            if update_seed and node == table:
                warehouse.execute(f"update seeds.{table} set {CHANGES.get(table, HAZARD)[0]}")

        with simulate(
            two_years,
            census=census,
            settings=settings_with(**BASE, tables=tables),
            employees=2_000,
            after=update,
        ) as warehouse:
            return warehouse.execute(LEDGER_DIGEST).fetchone()

    with (PROJECT_DIRECTORY / "seeds" / f"{table}.csv").open(encoding="utf-8") as lines:
        rows = [typed(table, row) for row in csv.DictReader(lines)]
    changed = outcome({table: rows})
    assert changed == outcome({}, update_seed=True)
    assert changed != outcome({})
