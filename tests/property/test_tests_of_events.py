"""The data tests of events pass on what is simulated, and fail for each kind of wrong event."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import jinja2
import pytest
from tests.support.replay import YEARS, settings_with, simulate

from shared_lib.dbt.compiled import Statement
from shared_lib.dbt.project import PROJECT_DIRECTORY

TESTS = PROJECT_DIRECTORY / "tests" / "marts"
SCHEMAS = {"stg_simulation_parameters": "staging", "stg_simulation_run": "staging"}
EVENTS = "marts.fct_yearly_events"


@pytest.fixture(scope="module")
def retired(
    statements: tuple[Statement, ...], census: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """One year of 200 employees, half of whom retire at 50, and the next, in which one is back."""
    [(employee, department)] = duckdb.execute(
        "select employee_id, department from read_parquet(?) order by employee_id limit 1",
        [str(census)],
    ).fetchall()
    known = tmp_path_factory.mktemp("known") / "known.csv"
    known.write_text(
        "event,employee_id,date,department,level,pay\n"
        f"leave,{employee},2025-05-31,,,\n"
        f"rehire,{employee},2026-02-01,{department},2,60000\n",
        "utf-8",
    )
    with simulate(
        [statement for statement in statements if statement.year in (None, *YEARS[:2])],
        census=census,
        settings=settings_with(
            simulation={"end_year": YEARS[1]},
            workforce={
                "retirement": [{"age": 50, "probability": 0.5}],
                "known_events": str(known),
            },
        ),
        employees=200,
    ) as warehouse:
        yield warehouse


def failures(
    warehouse: duckdb.DuckDBPyConnection, test: str, *, events: str = EVENTS
) -> duckdb.DuckDBPyRelation:
    """Return what the data test ``test`` finds wrong in the query ``events``."""
    found = jinja2.Template((TESTS / f"{test}.sql").read_text(encoding="utf-8")).render(
        config=lambda **_: "",
        ref=lambda name: (
            events if name == "fct_yearly_events" else f"{SCHEMAS.get(name, 'marts')}.{name}"
        ),
        current_scenario=lambda: "'baseline'",
    )
    return warehouse.sql(found)


@pytest.mark.parametrize(
    "test", ["events_match_the_summary", "events_obey_the_rules", "events_form_a_chain"]
)
def test_events_pass_where_people_retire(retired: duckdb.DuckDBPyConnection, test: str) -> None:
    row = retired.sql("select min(retirements) from marts.fct_year_summary").fetchone()
    assert row is not None
    assert row[0] > 0
    assert failures(retired, test).fetchall() == []


@pytest.mark.parametrize(
    ("type_", "change", "broken_rule"),
    [
        ("raise", "effective_date + 366 as effective_date", "date"),
        ("hire", "null as effective_date", "date"),
        ("hire", "'retirement' as event_category", "category"),
        ("termination", "null as event_category", "category"),
        ("raise", "'rise' as event_type", "category"),
        ("promotion", "1.01 as probability", "probability"),
        ("termination", "null as probability", "probability"),
        ("hire", "0.5 as probability", "probability"),
        ("hire", "1 as previous_compensation", "pay"),
        ("raise", "null as new_compensation", "pay"),
    ],
)
def test_one_wrong_event_is_found_with_the_rule_that_it_breaks(
    retired: duckdb.DuckDBPyConnection, type_: str, change: str, broken_rule: str
) -> None:
    found = failures(retired, "events_obey_the_rules", events=_changed(retired, type_, change))
    assert [row[-1] for row in found.fetchall()] == [broken_rule]


@pytest.mark.parametrize(
    ("type_", "change", "year"),
    [
        ("raise", "event_sequence + 1 as event_sequence", YEARS[1]),
        ("raise", "effective_date - 800 as effective_date", YEARS[1]),
        ("raise", "previous_compensation + 0.01 as previous_compensation", YEARS[1]),
        ("raise", "previous_level + 1 as previous_level", YEARS[1]),
        ("promotion", "'raise' as event_type", YEARS[1]),
        ("raise", "'hire' as event_type", YEARS[1]),
        ("raise", "'termination' as event_type", YEARS[0]),
    ],
)
def test_one_event_that_breaks_the_chain_is_found(
    retired: duckdb.DuckDBPyConnection, type_: str, change: str, year: int
) -> None:
    events = _changed(retired, type_, change, year)
    assert failures(retired, "events_form_a_chain", events=events).fetchall()


def _changed(
    warehouse: duckdb.DuckDBPyConnection, type_: str, change: str, year: int = YEARS[1]
) -> str:
    """Return the events with ``change`` in one of ``type_`` and ``year``: who has most."""
    row = warehouse.execute(
        f"""
        with counted as (
            select *, count(*) over (partition by employee_id) as events
            from {EVENTS}
            where simulation_year = $2
        )
        select arg_max(event_id, events) from counted where event_type = $1
        """,
        [type_, year],
    ).fetchone()
    assert row is not None
    assert row[0] is not None
    return (
        f"(select * replace ({change}) from {EVENTS} where event_id = '{row[0]}' "
        f"union all by name select * from {EVENTS} where event_id <> '{row[0]}')"
    )
