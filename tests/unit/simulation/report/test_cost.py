"""What the report says of total cost and the retirement plan."""

from html.parser import HTMLParser
from pathlib import Path

import duckdb
from tests.support.report_marts import Scenario, recorded_configuration, report_marts

from simulation.report import write_report

_COST = "insert into marts.fct_total_cost values ('baseline', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


class Texts(HTMLParser):
    """The text of a page."""

    def __init__(self, page: str):
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_data(self, data: str) -> None:
        self.found.append(data)


def text_of(connection: duckdb.DuckDBPyConnection, folder: Path) -> str:
    path = write_report(connection, scenario_id="baseline", path=folder / "report.html")
    return " ".join(" ".join(Texts(path.read_text(encoding="utf-8")).found).split())


def test_cost_and_plan_are_in_the_report_with_what_they_assume(tmp_path: Path) -> None:
    cost = {
        "employer_taxes": [
            {"name": "pension", "rate": 0.062, "cap": {"2025": 90_000, "2026": 95_000}},
            {"name": "health", "rate": 0.0145, "cap": None},
        ],
        "benefits_per_head": 12_000,
        "bonus_rate": 0.05,
        "bonus_rate_by_level": {"4": 0.15},
        "overhead_rate": 0.1,
    }
    plan = {
        "minimum_age": 21,
        "minimum_service_days": 90,
        "enrolment_days": 30,
        "participation": 0.85,
        "deferral": [{"age": 0, "rate": 0.04}],
        "match": [{"up_to": 0.03, "rate": 1.0}, {"up_to": 0.05, "rate": 0.5}],
        "catch_up_age": 50,
        "limits": {"2025": {"deferral": 23_500, "catch_up": 7_500, "pay": 350_000}},
    }
    configuration = recorded_configuration() | {"cost": cost, "retirement_plan": plan}
    connection = report_marts(Scenario(configuration=configuration))
    for year, million in ((2025, 1_000_000), (2026, 2_000_000)):
        amounts = [each * million for each in (80, 4, 6, 12, 3, 8, 113)]
        connection.execute(_COST, [year, "Sales", 900, *amounts])
        connection.execute(_COST, [year, "Not stated", 100, *(0 for _ in amounts)])
    connection.execute(
        "insert into marts.fct_retirement_plan values "
        "('baseline', 2026, 'Sales', 1200, 1000, 850, 70000000, 4000000, 12, 2500000)"
    )

    text = text_of(connection, tmp_path)

    assert (
        "Total cost grows from USD 113.0 million to USD 226.0 million, of which pay is 71 %" in text
    )
    assert "2025 1,000.0 80.0 4.0 6.0 12.0 3.0 8.0 113.0 113,000" in text
    assert "Sum 240.0 12.0 18.0 36.0 9.0 24.0 339.0" in text
    assert (
        "In 2026, 850 of 1,000 eligible employees are in the retirement plan, and the employer "
        "adds USD 2.50 million" in text
    )
    assert (
        "pension 6.20 % up to USD 90,000 (from 2025 on), 95,000 (from 2026 on) a year; "
        "health 1.45 %." in text
    )
    assert "The bonus is 5 % of pay, 15 % at level 4; benefits are USD 12,000 a head" in text
    assert "100 % of it up to 3 %, 50 % of it up to 5 % of pay" in text


def test_a_report_without_rates_or_of_an_older_release_says_nothing_of_cost(tmp_path: Path) -> None:
    configuration = recorded_configuration() | {"cost": None, "retirement_plan": None}
    connection = report_marts(Scenario(configuration=configuration))
    assert "Total cost" not in text_of(connection, tmp_path)
    connection.execute("drop table marts.fct_total_cost; drop table marts.fct_retirement_plan")
    assert "Total cost" not in text_of(connection, tmp_path)
