"""Data tests of the ledger that look for what is wrong in a quicker way find the same."""

from pathlib import Path

import duckdb
import jinja2
import pytest

from shared_lib.dbt.project import PROJECT_DIRECTORY

FOLDER = PROJECT_DIRECTORY / "tests" / "ledger"
MACROS = PROJECT_DIRECTORY / "macros"


def rendered(path: Path) -> str:
    """Return a data test of the ledger that reads the table `ledger`."""
    template = jinja2.Template(path.read_text(encoding="utf-8"))
    return template.render(
        config=lambda **_: "", ref=lambda _: "ledger", current_scenario=lambda: "'baseline'"
    )


@pytest.mark.parametrize(
    ("rows", "repeated"),
    [
        ([("a", 2025), ("a", 2026), ("b", 2025)], []),
        # years that share a bit
        ([("a", 2025), ("a", 2025 + 62)], []),
        ([("a", 2025), ("a", 2026), ("a", 2026), ("b", 2026)], [(2026, "a", 2)]),
        ([("a", 2025), (None, 2026), ("b", 2026)], [(2026, None, 1)]),
    ],
)
def test_an_employee_with_two_rows_in_a_year_is_found(
    rows: list[tuple[str | None, int]], repeated: list[tuple[int, str | None, int]]
) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create table ledger "
            "(scenario_id varchar, employee_id varchar, simulation_year integer)"
        )
        for scenario in ("baseline", "other"):
            connection.executemany(
                "insert into ledger values (?, ?, ?)", [(scenario, *row) for row in rows]
            )
        found = connection.execute(rendered(FOLDER / "ledger_has_each_employee_once_a_year.sql"))
        assert found.fetchall() == repeated


def test_completed_years_are_those_of_the_calendar_for_each_pair_of_days() -> None:
    source = (MACROS / "completed_years.sql").read_text(encoding="utf-8")
    macro = jinja2.Template(source).make_module({})
    with duckdb.connect() as connection:
        (pairs, wrong) = connection.execute(
            "with days as (select unnest(range(date '1999-12-01', date '2001-04-01', "
            "interval 1 day))::date as since), later as (select unnest(range("
            "date '1999-12-01', date '2005-04-01', interval 1 day))::date as until) "
            "select count(*), count(*) filter (where date_sub('year', since, until) <> "
            f"{macro.completed_years('since', '(until + 1)')}) "
            "from days, later where until >= since"
        ).fetchone() or (0, 0)
    assert pairs > 500_000
    assert wrong == 0
