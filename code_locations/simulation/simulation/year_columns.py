"""The columns of the tables of simulated years, in Dagster and on the terminal."""

from collections.abc import Callable, Sequence

from simulation.state.year_state import YearSummary
from simulation.year_names import YearNames

YearColumn = tuple[str, Callable[[YearSummary], str]]


def year_columns(names: YearNames) -> list[YearColumn]:
    """Return for each column its heading, whose lines are short, and how a year is shown in it."""
    return [
        ("Year", lambda year: names.name(year.simulation_year)),
        ("Start", lambda year: f"{year.start_headcount:,}"),
        ("Hires", lambda year: f"{year.hires:,}"),
        ("Left\nexperienced", lambda year: f"{year.experienced_terminations:,}"),
        ("Left\nreduction", lambda year: f"{year.reductions_in_force:,}"),
        ("Left\nnew hires", lambda year: f"{year.new_hire_terminations:,}"),
        ("Turn-\nover", lambda year: f"{year.total_turnover:.1%}"),
        ("Promo-\ntions", lambda year: f"{year.promotions:,}"),
        ("End", lambda year: f"{year.end_headcount:,}"),
        ("Growth", lambda year: f"{year.growth_rate:+.2%}"),
        ("Target", lambda year: f"{year.target_growth_rate:+.2%}"),
        ("Payroll at end\nUSD", lambda year: f"{year.end_payroll:,.0f}"),
    ]


def year_table(summaries: Sequence[YearSummary], names: YearNames) -> str:
    """Return the years as a Markdown table."""
    columns = year_columns(names)
    rows = [
        [heading.replace("-\n", "").replace("\n", ", ") for heading, _ in columns],
        ["---:" for _ in columns],
        *([shown(year) for _, shown in columns] for year in summaries),
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
