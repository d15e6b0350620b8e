"""The years of a report as a Markdown table, for Dagster's page of the asset."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.report.figures import read_names, read_years
from simulation.report.units import MoneyScale, count, share_change

if TYPE_CHECKING:
    import duckdb


def years_table(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> str:
    """Return headcount and payroll of each year of a scenario as a Markdown table.

    Raises:
        ValueError: The scenario has no results; the message names the scenarios that do.
    """
    years = read_years(connection, scenario_id)
    names = read_names(connection, years)
    money = MoneyScale.of_changes(year.end_payroll for year in years)
    rows = [
        (
            names.name(year.year),
            count(year.start_headcount),
            count(year.hires),
            count(year.terminations),
            count(year.end_headcount),
            share_change(year.growth_rate, 2),
            money.number(year.end_payroll),
        )
        for year in years
    ]
    heads = ("Year", "Start", "Hires", "Left", "End", "Growth", f"Payroll, {money.unit}")
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, ("---:",) * len(heads), *rows))
