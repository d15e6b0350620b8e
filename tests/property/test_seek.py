"""Scratch runs are simulation runs: they come to the stored figures, and to the solution."""

from pathlib import Path

import pytest
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement
from simulation.scratch.warehouse import Scratch
from simulation.seek.levers import parse_levers
from simulation.seek.search import seek
from simulation.seek.solving import measure
from simulation.seek.target import MEASURES, parse_target

YEARS = range(2025, 2027)
EMPLOYEES = 150


@pytest.fixture(scope="module")
def played(statements: tuple[Statement, ...]) -> tuple[Statement, ...]:
    return tuple(each for each in statements if each.year in (None, *YEARS))


@pytest.fixture
def workforce(played: tuple[Statement, ...], census: Path, tmp_path: Path) -> Path:
    path = tmp_path / "workforce.parquet"
    with simulate(
        [], census=census, settings=settings_with(simulation={"end_year": YEARS[-1]}),
        employees=EMPLOYEES,
    ) as opened:  # fmt: skip
        opened.execute(f"copy raw.baseline_workforce_validated to '{path}'")
    return path


def test_the_solution_is_what_a_run_of_its_own_comes_to(
    played: tuple[Statement, ...], census: Path, workforce: Path
) -> None:
    settings = settings_with(simulation={"end_year": YEARS[-1]})
    runs = Scratch("baseline", workforce, played)
    with simulate(played, census=census, settings=settings, employees=EMPLOYEES) as stored:
        for name in MEASURES:
            target = parse_target(f"{name} {YEARS[-1]} >= 1", YEARS)
            assert measure(runs, settings, target) == target.read(stored, "baseline"), name
        payroll = parse_target(f"payroll {YEARS[-1]} >= 1", YEARS).read(stored, "baseline")
    assert payroll is not None
    target = parse_target(f"payroll {YEARS[-1]} <= {payroll * 0.97:.2f}", YEARS)
    (lever,) = parse_levers("merit_budget")

    outcome = seek(
        lambda moved: measure(runs, moved, target),
        settings,
        target,
        [lever],
        present=payroll,
        on_try=lambda _: None,
    )

    assert outcome.is_met
    ((_, value),) = outcome.values
    for budget, is_met in ((value, True), (round(value + 0.0001, 4), False)):
        solved = settings_with(
            simulation={"end_year": YEARS[-1]}, compensation={"merit_budget": budget}
        )
        with simulate(played, census=census, settings=solved, employees=EMPLOYEES) as warehouse:
            found = target.read(warehouse, "baseline")
        assert found is not None
        assert target.is_met(found) == is_met
