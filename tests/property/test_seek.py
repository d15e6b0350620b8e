"""Scratch runs are simulation runs: they come to the stored figures, and to the solution."""

from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement
from simulation.scratch.warehouse import Scratch
from simulation.seek.levers import parse_levers
from simulation.seek.search import seek
from simulation.seek.solving import measure, refuse_unknown_units
from simulation.seek.target import MEASURES, SeekRefusedError, parse_target

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


def test_the_growth_of_a_department_is_solved_for_its_headcount(
    played: tuple[Statement, ...], census: Path, workforce: Path
) -> None:
    settings = settings_with(simulation={"end_year": YEARS[-1]})
    runs = Scratch("baseline", workforce, played)
    (lever,) = parse_levers("growth_by_department.Sales=-0.2..0.4")
    with simulate(played, census=census, settings=settings, employees=EMPLOYEES) as stored:
        (opening,) = stored.execute(
            "select count(*) from raw.baseline_workforce_validated where department = 'Sales'"
        ).fetchone() or (0,)
    # as many as two years of 15 % make, rounded half up
    wanted = int(Decimal(opening) * Decimal("1.15") ** 2 + Decimal("0.5"))
    target = parse_target(f"headcount of Sales {YEARS[-1]} >= {wanted}", YEARS)

    outcome = seek(
        lambda moved: measure(runs, moved, target),
        settings,
        target,
        [lever],
        present=measure(runs, settings, target),
        on_try=lambda _: None,
    )

    ((_, value),) = outcome.values
    grown = [
        int(Decimal(opening) * (1 + Decimal(f"{each:.4f}")) ** 2 + Decimal("0.5"))
        for each in (value - 0.0001, value)
    ]
    assert outcome.is_met
    assert outcome.measure == grown[1] == wanted
    assert grown[0] < wanted
    # the others make room: the target of all stays
    total = parse_target(f"headcount {YEARS[-1]} >= 1", YEARS)
    assert measure(runs, outcome.settings, total) == measure(runs, settings, total)
    refuse_unknown_units({"lever": "Sales"}, workforce)
    with pytest.raises(SeekRefusedError, match=r"lever: unknown department, got 'Sale', .*'Sales'"):
        refuse_unknown_units({"lever": "Sale"}, workforce)
    refuse_unknown_units({"lever": "Nurses"}, workforce, families={"lever"})
    with pytest.raises(SeekRefusedError, match=r"lever: unknown job family, .* mean 'Nurses'"):
        refuse_unknown_units({"lever": "Nurse"}, workforce, families={"lever"})


def test_a_merit_of_a_job_family_is_solved_for_payroll(
    played: tuple[Statement, ...], census: Path, workforce: Path
) -> None:
    settings = settings_with(simulation={"end_year": YEARS[-1]})
    runs = Scratch("baseline", workforce, played)
    merit, leaving = parse_levers(
        "merit_by_job_family.Nurses=0.01..0.02 leaving_by_department.Sales"
    )
    payroll = f"payroll {YEARS[0]} >="
    # halfway between what the bounds come to
    ends = [
        measure(runs, merit.moved(settings, bound), parse_target(f"{payroll} 1", YEARS))
        for bound in (merit.low, merit.high)
    ]
    target = parse_target(f"{payroll} {round(sum(ends) / 2)}", YEARS)
    outcome = seek(
        lambda moved: measure(runs, moved, target),
        settings,
        target,
        [merit],
        present=0.0,
        on_try=lambda _: None,
    )
    ((_, value),) = outcome.values
    assert outcome.is_met
    assert value == pytest.approx(0.015, abs=2e-4)
    leavers = parse_target(f"leavers of Sales {YEARS[0]} >= 1", YEARS)
    more = leaving.moved(settings, 5.0)
    assert measure(runs, more, leavers) > measure(runs, settings, leavers)
