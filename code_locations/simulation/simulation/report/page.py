"""The page: figures and charts in one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from shared_lib.private_files import keep_files_private
from simulation.report import assumptions, charts, drawings, summary, titles, units
from simulation.report.cost import drawings as cost_drawings
from simulation.report.cost.figures import COMPONENTS
from simulation.report.department_charts import department_charts
from simulation.report.departments import drawings as department_drawings
from simulation.report.figures import read_figures
from simulation.report.files import replaced

if TYPE_CHECKING:
    import duckdb

    from simulation.report.figures import Configuration, Department, Figures, Year

_FOLDER = Path(__file__).parent
_TEMPLATE = "page.html.j2"
_SCRIPT = "tooltip.js"

# Timings beyond this number, longest first, are collapsed.
_SHOWN_TIMINGS = 8
_SHOWN_REJECT_REASONS = 50


def write_report(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    path: Path,
    years: list[Year] | None = None,
) -> Path:
    """Write the report of one scenario as a self-contained HTML file.

    The file appears complete or not at all: it is written under another name and renamed.

    Args:
        connection: An open connection to the simulation's DuckDB file; it is only read.
        scenario_id: The scenario to report on.
        path: The file to write; an existing one is replaced, missing folders are created.
        years: The scenario's years, where they have been read.

    Returns:
        The path of the file.

    Raises:
        ValueError: The scenario has no results; the message names the scenarios that do.
    """
    page = _render(read_figures(connection, scenario_id, years=years))
    keep_files_private()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced(path) as unfinished:
        unfinished.write_text(page, encoding="utf-8")
    return path


def _render(figures: Figures) -> str:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    years = figures.years
    money = units.MoneyScale.of_changes(
        amount for year in years for amount in (year.start_payroll, year.end_payroll)
    )
    departments = _departments(figures)
    cost_money = units.MoneyScale.of_changes(cost.total_cost for cost in figures.costs)
    script = (_FOLDER / _SCRIPT).read_text(encoding="utf-8")
    return environment.get_template(_TEMPLATE).render(
        figures=figures,
        years=years,
        money=money,
        units=units,
        names=figures.names,
        span=figures.names.span(years[0].year, years[-1].year),
        opening_sentence=summary.opening_sentence(years, figures.names),
        headlines=summary.headlines(years, figures.names),
        has_part_time=summary.has_part_time(years),
        warnings=summary.warnings(figures),
        left_out=summary.left_out(figures),
        assumed=summary.assumed(figures),
        assumptions_of=assumptions.in_words,
        headcount_chart=drawings.headcount_by_year(years, figures.names),
        payroll_chart=drawings.payroll_by_year(years, money, figures.names),
        headcount_panels=drawings.headcount_flows(years, figures.names),
        payroll_panels=drawings.payroll_flows(years, money, figures.names),
        termination_charts=drawings.termination_rates(figures.experience),
        titles=titles,
        title_of_band={
            dimension: titles.termination(
                dimension, [band for band in figures.experience if band.dimension == dimension]
            )
            for dimension in ("tenure", "age", "level")
        },
        departments=departments,
        department_charts=(
            department_charts(departments, years, money, figures.names) if departments else None
        ),
        department_rates=(
            department_drawings.rate_charts(list(departments), figures.department_years)
            if figures.department_years
            else []
        ),
        department_tables=_department_tables(figures, list(departments), money),
        tenure_experience=[band for band in figures.experience if band.dimension == "tenure"],
        level_chart=drawings.level_mix(figures.levels, figures.names) if figures.levels else None,
        level_names=_level_names(figures),
        level_headcounts={(level.year, level.level): level for level in figures.levels},
        shown_timings=_SHOWN_TIMINGS,
        shown_reject_reasons=_SHOWN_REJECT_REASONS,
        configuration_text=_configuration_text,
        cost_components=COMPONENTS,
        cost_drawings=cost_drawings,
        cost_money=cost_money,
        cost_chart=(
            cost_drawings.cost_by_year(figures.costs, cost_money, figures.names)
            if figures.costs
            else None
        ),
        script=script,
        script_digest=_digest(script),
        written_at=datetime.now(UTC),
    )


def _level_names(figures: Figures) -> list[tuple[int, str, str]]:
    """Return number, name and colour of each level, the lowest first."""
    names = {level.level: level.level_name for level in figures.levels}
    levels = sorted(names)
    colours = charts.ramp(len(levels))
    return [(level, names[level], colour) for level, colour in zip(levels, colours, strict=True)]


def _department_tables(
    figures: Figures, names: list[str], money: units.MoneyScale
) -> list[department_drawings.Table]:
    """Return the tables that fold; none in a warehouse that lacks what they are made of."""
    if not figures.department_years:
        return []
    levels = [(number, name) for number, name, _ in _level_names(figures)]
    closing = figures.names.closing(figures.years[-1].year)
    return [
        *department_drawings.tables(
            names, figures.department_years, figures.years, money, figures.names
        ),
        department_drawings.level_table(names, figures.department_levels, levels, closing),
    ]


def _departments(figures: Figures) -> dict[str, dict[int, Department]]:
    """Return each department's years, the largest at the end of the last year first."""
    rows: dict[str, dict[int, Department]] = {}
    for row in reversed(figures.departments):
        rows.setdefault(row.department, {})[row.year] = row
    last = figures.years[-1].year
    return dict(
        sorted(
            rows.items(),
            key=lambda item: (-(item[1][last].headcount if last in item[1] else 0), item[0]),
        )
    )


def _configuration_text(configuration: Configuration) -> str:
    """Return a configuration as YAML, in the order in which it was recorded."""
    import yaml

    if configuration.document is None:
        return "not recorded"
    return yaml.safe_dump(
        json.loads(configuration.document), sort_keys=False, allow_unicode=True, width=88
    )


def _digest(script: str) -> str:
    """Return the digest with which the page's policy allows this script and no other."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
