"""The table of the years is the same in Dagster as on the terminal."""

from decimal import Decimal
from io import StringIO

from rich.console import Console

from simulation.run.__main__ import years_table
from simulation.state.year_state import YearSummary
from simulation.year_columns import year_table
from simulation.year_names import YearNames

YEAR = YearSummary(
    scenario_id="baseline",
    simulation_year=2026,
    start_headcount=1000,
    hires=210,
    experienced_terminations=120,
    retirements=3,
    reductions_in_force=7,
    new_hire_terminations=53,
    promotions=41,
    raises=900,
    end_headcount=1030,
    target_headcount=1030,
    growth_rate=0.03,
    target_growth_rate=0.03,
    growth_tolerance=0.005,
    total_turnover=0.18,
    start_payroll=Decimal("80000000.00"),
    end_payroll=Decimal("84000000.50"),
)


def test_both_show_the_same_cells_and_name_a_fiscal_year() -> None:
    names = YearNames("07-01")
    console = Console(width=200, file=StringIO())
    with console.capture() as printed:
        console.print(years_table("baseline", [YEAR], names))
    shown = next(line for line in printed.get().splitlines() if line.startswith("│"))
    heads, _, cells = year_table([YEAR], names).splitlines()

    assert shown.strip("│ ").replace(" ", "").split("│") == cells.strip("| ").split(" | ")
    assert cells.startswith("| FY2026 | 1,000 | 210 | 120 | 7 | 53 | 18.0% | 41 | 1,030 | +3.00% |")
    assert heads.endswith("| Turnover | Promotions | End | Growth | Target | Payroll at end, USD |")
