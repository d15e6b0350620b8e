"""The years of a report as a Markdown table and a picture, for Dagster's page of the asset."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from simulation.report import drawings, titles
from simulation.report.charts import HEIGHT, WIDTH
from simulation.report.figures import read_names, read_years
from simulation.report.files import replaced
from simulation.report.units import MoneyScale, count, share_change

if TYPE_CHECKING:
    import duckdb

    from simulation.report.figures import Year

# The colours of a light page, which the style sheet begins with.
_LIGHT = re.compile(r":root \{.*?\}", re.DOTALL)


def years_table(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, *, years: list[Year] | None = None
) -> str:
    """Return headcount and payroll of each year of a scenario as a Markdown table.

    Args:
        connection: An open connection to the simulation's DuckDB file; it is only read.
        scenario_id: The scenario.
        years: Its years, where they have been read.

    Raises:
        ValueError: The scenario has no results; the message names the scenarios that do.
    """
    years = years or read_years(connection, scenario_id)
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


def write_picture(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    path: Path,
    *,
    years: list[Year] | None = None,
) -> str:
    """Draw headcount and payroll of each year side by side, as an SVG file.

    Args:
        connection: An open connection to the simulation's DuckDB file; it is only read.
        scenario_id: The scenario.
        path: The file.
        years: The scenario's years, where they have been read.

    Returns:
        What the picture shows, in words.

    Raises:
        ValueError: The scenario has no results; the message names the scenarios that do.
    """
    years = years or read_years(connection, scenario_id)
    names = read_names(connection, years)
    money = MoneyScale.of_changes(
        amount for year in years for amount in (year.start_payroll, year.end_payroll)
    )
    headcount = drawings.headcount_by_year(years, names)
    payroll = drawings.payroll_by_year(years, money, names)
    sheet = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    (light,) = _LIGHT.findall(sheet)[:1]
    picture = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{HEIGHT}">'
        f'<style>{light}</style><rect width="100%" height="100%" fill="var(--paper)"/>'
        + headcount
        + payroll.replace("<svg ", f'<svg x="{WIDTH}" ', 1)
        + "</svg>"
    )
    with replaced(path) as unfinished:
        unfinished.write_text(picture, encoding="utf-8")
    return f"{titles.headcount(years)}. {titles.payroll(years)}"
