"""Names and days of years that begin on any day of the calendar."""

import json
import re
from datetime import date
from pathlib import Path

import duckdb
import pytest
from tests.support.report_marts import (
    Movement,
    Scenario,
    add_department,
    recorded_configuration,
    report_marts,
)

from simulation.config import load_scenario
from simulation.config.parameters import year_parameters
from simulation.config.targets import Headcounts
from simulation.report import write_report, years_table
from simulation.report.drawings import headcount_by_year
from simulation.report.figures import read_names, read_years
from simulation.year_names import YearNames


@pytest.mark.parametrize(
    ("first_day", "first", "last", "span", "closing"),
    [
        ("01-01", 2025, 2029, "2025 to 2029", "31 December 2029"),
        ("07-01", 2026, 2026, "FY2026 (1 Jul 2025 - 30 Jun 2026)", "30 June 2026"),
        ("10-01", 2025, 2026, "FY2025 to FY2026 (1 Oct 2024 - 30 Sep 2026)", "30 September 2026"),
        ("03-01", 2024, 2024, "FY2024 (1 Mar 2023 - 29 Feb 2024)", "29 February 2024"),
        ("01-02", 2025, 2025, "FY2025 (2 Jan 2024 - 1 Jan 2025)", "1 January 2025"),
    ],
)
def test_a_year_has_the_number_of_the_calendar_year_in_which_it_ends(
    first_day: str, first: int, last: int, span: str, closing: str
) -> None:
    names = YearNames(first_day)
    assert names.span(first, last) == span
    assert names.closing(last) == closing


def test_days_of_a_scenario_lie_in_its_years() -> None:
    settings = load_scenario(
        "baseline",
        changes={"simulation": {"first_day": "07-01"}, "compensation": {"raise_date": "03-15"}},
    )
    assert settings.opening_date == date(2024, 6, 30)
    row = year_parameters(settings, 2026, opening=Headcounts(total=10))
    days = ("first_day", "reduction_date", "promotion_date", "raise_date", "last_day")
    assert [row[day] for day in days] == [
        date(2025, 7, 1),
        date(2026, 3, 31),
        date(2026, 2, 1),
        date(2026, 3, 15),
        date(2026, 6, 30),
    ]


def test_the_charts_name_fiscal_years_and_their_last_day() -> None:
    years = read_years(report_marts(), "baseline")
    drawn = headcount_by_year(years, YearNames("07-01"))
    assert f"30 June {years[-1].year}" in drawn
    assert f"FY{years[-1].year}" in drawn
    assert "December" not in drawn


@pytest.fixture
def fiscal_marts() -> duckdb.DuckDBPyConnection:
    """Years that begin in July, with all that a report can show of them."""
    scenario = Scenario(
        movements=(
            Movement(2025, 1000, 200, 120, 0, 50, 1030),
            Movement(2026, 1030, 207, 124, 0, 52, 1061, "fingerprint-two"),
        ),
        configuration=recorded_configuration(
            simulation={
                "first_day": "07-01",
                "end_year": 2026,
                "target_growth_rate": {"2025": 0.01, "2026": 0.02},
            },
            compensation={"raise_date": "03-15", "cola_rate": {"2025": 0.01, "2026": 0.02}},
        ),
    )
    connection = report_marts(scenario)
    connection.execute(
        "insert into raw.simulation_configurations "
        "select 'fingerprint-two', scenario_id, configuration, recorded_at "
        "from raw.simulation_configurations"
    )
    connection.execute(
        "update monitoring.mon_data_quality set status = 'fail' where simulation_year = 2026"
    )
    for year in (2025, 2026):
        add_department(connection, scenario, year, "Sales", active=30, left=3)
    return connection


def test_a_report_of_fiscal_years_names_no_calendar_year_and_no_end_of_december(
    fiscal_marts: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_report(fiscal_marts, scenario_id="baseline", path=tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    # the recorded text, and the day of writing, are not of the simulated years
    page = re.sub(r"(?s)<(pre|footer|style|script)>.*?</\1>", "", page)
    words = re.findall(r">([^<>]*[^<>\s][^<>]*)<", page) + re.findall(r'aria-label="([^"]*)"', page)

    assert "The workforce at 30 June 2024 is" in page
    assert [text for text in words if re.search("31 December|1 January", text)] == []
    undated = [re.sub(r"\b\d+ [A-Z][a-z]+ 20\d\d\b", "", text) for text in words]
    assert [text for text in undated if re.search(r"\b20[23]\d\b", text)] == []


def test_the_table_in_dagsters_page_names_fiscal_years(
    fiscal_marts: duckdb.DuckDBPyConnection,
) -> None:
    rows = years_table(fiscal_marts, "baseline").splitlines()[2:]

    assert [row.split()[1] for row in rows] == ["FY2025", "FY2026"]


def test_years_of_two_configurations_are_named_by_their_own_first_day(tmp_path: Path) -> None:
    """As a run leaves them that broke off after it had replaced the first year."""
    scenario = Scenario(
        movements=(
            Movement(2025, 1000, 200, 120, 0, 50, 1030, "fiscal"),
            Movement(2026, 1030, 207, 124, 0, 52, 1061, "calendar"),
        )
    )
    connection = report_marts(scenario)
    for fingerprint, first_day in (("fiscal", "07-01"), ("calendar", "01-01")):
        connection.execute(
            "insert into raw.simulation_configurations values (?, 'baseline', ?, now())",
            [fingerprint, json.dumps(recorded_configuration(simulation={"first_day": first_day}))],
        )

    names = read_names(connection, read_years(connection, "baseline"))

    assert [names.name(year) for year in (2024, 2025, 2026)] == ["FY2024", "FY2025", "2026"]
    assert [names.closing(year) for year in (2024, 2025, 2026)] == [
        "30 June 2024",
        "30 June 2025",
        "31 December 2026",
    ]
    assert names.span(2025, 2026) == "FY2025 to 2026 (1 Jul 2024 - 31 Dec 2026)"
    assert names.span(2026, 2026) == "2026"
    assert names.closing_day == "30 June or 31 December"
    path = write_report(connection, scenario_id="baseline", path=tmp_path / "report.html")
    assert "Employees at 30 June or 31 December of each year." in path.read_text(encoding="utf-8")
