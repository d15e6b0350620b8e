"""Every number in the seeds and every setting moves the outcome."""

import csv
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.support.changed_settings import SETTING_CHANGES
from tests.support.replay import LEDGER_DIGEST, settings_with, simulate

from shared_lib.dbt.compiled import Statement, load_statements
from shared_lib.dbt.project import PROJECT_DIRECTORY
from simulation.config.parameters import NOT_OF_ROWS
from simulation.config.settings import ScenarioSettings

EMPLOYEES = 3_000
YEARS = (2025, 2026)

# The multiplier of the band 65+ can only matter when somebody of 65 may be promoted.
SETTINGS: dict[str, dict[str, Any]] = {
    "simulation": {"end_year": 2026},
    "compensation": {"promotion_age_limit": 80},
    # so that bands, and not recent joiners, make the pay of hires
    "hiring": {"minimum_recent_joiners": 5000},
}

KEYS = {
    "age_bands": "age_band",
    "tenure_bands": "tenure_band",
    "job_levels": "level",
    "merit_rates": "level",
    "termination_hazard_by_age": "age_band",
    "termination_hazard_by_tenure": "tenure_band",
    "termination_hazard_by_level": "level",
    "promotion_hazard_by_level": "level",
    "promotion_hazard_by_age": "age_band",
    "promotion_hazard_by_tenure": "tenure_band",
    "new_hire_ages": "age",
}

Change = tuple[str, list[str]]


def seed_changes() -> Iterator[Any]:
    """A change of each number, given as the seed and the SQL that changes it."""
    for seed, key in KEYS.items():
        with (PROJECT_DIRECTORY / "seeds" / f"{seed}.csv").open(encoding="utf-8") as lines:
            rows = list(csv.DictReader(lines))
        for position, row in enumerate(rows):
            where = f" where {key} = '{row[key]}'" if key else ""
            for column, value in row.items():
                if column in {key, "level_name"}:
                    continue
                statements = change(seed, rows, position, column, Decimal(value), where)
                if statements:
                    name = row[key] if key else "only"
                    yield pytest.param((seed, statements), id=f"{seed}-{name}-{column}")
    yield pytest.param(
        ("new_hire_ages", ["update seeds.new_hire_ages set age = 23 where age = 22"]),
        id="new_hire_ages-22-age",
    )


def change(
    seed: str, rows: list[dict[str, str]], position: int, column: str, value: Decimal, where: str
) -> list[str]:
    table = f"seeds.{seed}"
    if seed in {"age_bands", "tenure_bands"}:
        # A bound is shared with the band before; the outermost two are where the numbers end.
        if not column.startswith("min_") or position == 0:
            return []
        other = column.replace("min_", "max_")
        return [
            f"update {table} set {column} = {value + 1}{where}",
            f"update {table} set {other} = {value + 1} where {other} = {value}",
        ]
    if seed == "new_hire_ages":
        # Shares add up to one, so one gains what its neighbour loses.
        neighbour = rows[position - 1]["age"]
        return [
            f"update {table} set share = share + 0.02{where}",
            f"update {table} set share = share - 0.02 where age = {neighbour}",
        ]
    if not value:
        return []  # the multiplier of promotions from the top level, which there are none of
    return [f"update {table} set {column} = {value * Decimal('1.2')}{where}"]


@pytest.fixture(scope="module")
def two_years(compiled_project: Path) -> tuple[Statement, ...]:
    return load_statements(compiled_project, years=YEARS)


@pytest.fixture(scope="module")
def outcome(
    two_years: tuple[Statement, ...], census: Path
) -> Callable[[dict[str, dict[str, Any]], Change | None], str]:
    def digest(changes: dict[str, dict[str, Any]], seed_change: Change | None) -> str:
        def apply(warehouse: duckdb.DuckDBPyConnection, node: str) -> None:
            if seed_change is not None and node == seed_change[0]:
                for statement in seed_change[1]:
                    changed = warehouse.execute(statement).fetchone()
                    assert changed is not None
                    assert changed[0] > 0, statement

        with simulate(
            two_years,
            census=census,
            settings=settings_with(**merged(SETTINGS, changes)),
            employees=EMPLOYEES,
            after=apply,
        ) as warehouse:
            row = warehouse.execute(LEDGER_DIGEST).fetchone()
        assert row is not None
        return str(row[0])

    return digest


def merged(
    base: dict[str, dict[str, Any]], changes: dict[str, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {key: base.get(key, {}) | changes.get(key, {}) for key in base | changes}


@pytest.fixture(scope="module")
def undisturbed(outcome: Callable[..., str]) -> str:
    return outcome({}, None)


@pytest.mark.parametrize("seed_change", list(seed_changes()))
def test_a_changed_seed_value_changes_the_outcome(
    seed_change: Change, outcome: Callable[..., str], undisturbed: str
) -> None:
    assert outcome({}, seed_change) != undisturbed


def test_every_setting_is_changed() -> None:
    """A new setting needs an entry; years, limits and uncertainty are not of the outcome.

    Known events are those of a file: see test_known_events.py.
    The tables are changed one by one in test_scenario_tables.py; in test_cost.py each setting of
    cost and the retirement plan is of an amount that is computed again.
    """
    sections = ScenarioSettings.model_fields.keys() - {*NOT_OF_ROWS, "tables"}
    for section in sections:
        model = ScenarioSettings.model_fields[section].annotation
        assert isinstance(model, type)
        names = model.model_fields.keys() - {"start_year", "end_year", "known_events"}
        assert SETTING_CHANGES[section].keys() == names


# What is felt only where something else is set as well.
NEEDS: dict[str, dict[str, dict[str, Any]]] = {
    name: {"simulation": {"target_growth_rate": -0.2}}
    for name in (
        "reduction_date",
        "reduction_order",
        "reduction_departments",
        "reduction_job_families",
    )
} | {"recent_joiner_years": {"hiring": {"minimum_recent_joiners": 30}}}


@pytest.mark.parametrize(
    ("section", "name"),
    [(section, name) for section, names in SETTING_CHANGES.items() for name in names],
)
def test_a_changed_setting_changes_the_outcome(
    section: str, name: str, outcome: Callable[..., str], undisturbed: str
) -> None:
    changes = {section: {name: SETTING_CHANGES[section][name]}}
    needed = NEEDS.get(name)
    before = outcome(needed, None) if needed else undisturbed
    assert outcome(merged(needed or {}, changes), None) != before
