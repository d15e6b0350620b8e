"""The data test that compares events with the summary holds where people retire."""

from pathlib import Path

import jinja2
from tests.support.replay import YEARS, settings_with, simulate

from shared_lib.dbt.compiled import Statement
from shared_lib.dbt.project import PROJECT_DIRECTORY

TEST = PROJECT_DIRECTORY / "tests" / "marts" / "events_match_the_summary.sql"


def test_events_match_the_summary_where_people_retire(
    statements: tuple[Statement, ...], census: Path
) -> None:
    differences = jinja2.Template(TEST.read_text(encoding="utf-8")).render(
        config=lambda **_: "",
        ref=lambda model: f"marts.{model}",
        current_scenario=lambda: "'baseline'",
    )
    with simulate(
        [statement for statement in statements if statement.year in (None, YEARS[0])],
        census=census,
        settings=settings_with(
            simulation={"end_year": YEARS[0]},
            workforce={"retirement": [{"age": 50, "probability": 0.5}]},
        ),
        employees=200,
    ) as warehouse:
        retired = warehouse.sql("select sum(retirements) from marts.fct_year_summary").fetchone()
        assert retired is not None
        assert retired[0] > 0
        assert warehouse.sql(differences).fetchall() == []
