"""Which stored scenarios can be compared, and what a refusal says to do."""

from collections.abc import Callable
from typing import Any

import duckdb
import pytest

from simulation.census.tables import create_tables as create_census_tables
from simulation.compare.pair import ComparisonRefusedError, paired
from simulation.config import load_scenario
from simulation.state.tables import create_tables
from simulation.stored.scenarios import NotStoredError

Store = Callable[..., None]


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    create_tables(connection)
    create_census_tables(connection)
    return connection


def store(
    warehouse: duckdb.DuckDBPyConnection,
    name: str,
    *,
    years: range = range(2025, 2030),
    census: str = "10-123",
    rules: str = "rules",
    changes: dict[str, dict[str, Any]] | None = None,
) -> None:
    settings = load_scenario(
        "baseline",
        changes={**(changes or {}), "census": {"path": "/data/it's a census.csv"}},
    )
    warehouse.execute(
        "insert into raw.simulation_configurations "
        "values (?, ?, ?, now()::timestamp, ?, '', '', ?)",
        [f"of {name}", name, settings.model_dump_json(), census, rules],
    )
    for year in years:
        warehouse.execute(
            "insert into raw.simulation_year_state "
            "values (?, ?, ?, 'run', 1, 1, '', now()::timestamp)",
            [name, year, f"of {name}"],
        )


def test_scenarios_that_differ_in_settings_alone_are_compared_without_a_warning(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    store(warehouse, "baseline", changes={"compensation": {"merit_budget": 0.02}})
    store(
        warehouse,
        "hiring_freeze",
        changes={
            "compensation": {"merit_budget": dict.fromkeys(range(2025, 2030), 0.0)},
            "limits": {"run_seconds": 1},
        },
    )

    pair = paired(warehouse, "baseline", "hiring_freeze")

    assert pair.years == range(2025, 2030)
    assert pair.warnings == ()
    assert pair.changed_settings() == [
        ("compensation.merit_budget", "0.02", "not set"),
        *((f"compensation.merit_budget.{year}", "not set", "0.0") for year in range(2025, 2030)),
    ]


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        ({"changes": {"simulation": {"random_seed": 7}}}, "The luck is not the same"),
        ({"rules": "others"}, "computed with different rules"),
        ({"years": range(2025, 2028)}, "baseline also has 2028 to 2029"),
        ({"years": range(2025, 2026)}, "baseline also has 2026 to 2029"),
    ],
)
def test_another_seed_other_rules_and_other_years_are_said_at_the_top(
    warehouse: duckdb.DuckDBPyConnection, changes: dict[str, Any], warning: str
) -> None:
    store(warehouse, "baseline")
    store(warehouse, "hiring_freeze", **changes)

    pair = paired(warehouse, "baseline", "hiring_freeze")

    assert len(pair.warnings) == 1
    assert warning in pair.warnings[0]
    assert pair.years == changes.get("years", range(2025, 2030))


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"census": "11-123"}, "10 employees of .* with the 11 employees"),
        ({"census": "10-124"}, "begin with different people"),
        ({"census": ""}, "the 10 employees of .* with an unknown number of employees"),
        ({"years": range(2026, 2030)}, "begin on different days"),
        ({"changes": {"simulation": {"first_day": "07-01"}}}, "2025-01-01 and .* 2024-07-01"),
    ],
)
def test_other_people_and_other_days_are_refused_with_the_command_that_helps(
    warehouse: duckdb.DuckDBPyConnection, changes: dict[str, Any], refusal: str
) -> None:
    store(warehouse, "baseline")
    store(
        warehouse,
        "hiring_freeze",
        **{
            **changes,
            "changes": {
                "compensation": {"raise_date": "03-15"},
                "workforce": {"reduction_date": "02-15"},
                **changes.get("changes", {}),
            },
        },
    )

    with pytest.raises(ComparisonRefusedError, match=refusal) as refused:
        paired(warehouse, "baseline", "hiring_freeze")

    assert "make run SCENARIO=hiring_freeze" in str(refused.value)
    assert "REPLACE=1" in str(refused.value)


@pytest.mark.parametrize(
    ("asked", "messages"),
    [
        (
            ("baseline", "hiring_freeze"),
            [
                "scenario 'hiring_freeze' is not in the warehouse; stored are: baseline",
                "make run SCENARIO=hiring_freeze 'CENSUS=/data/it'\"'\"'s a census.csv'",
            ],
        ),
        (
            ("baseline", "hirng_freeze"),
            ["did you mean hiring_freeze?", "make run SCENARIO=hiring_freeze"],
        ),
        (("high_growth", "baseline"), ["'high_growth' is not", "SCENARIO=high_growth 'CENSUS="]),
        (("basline", "baseline"), ["did you mean baseline?"]),
        (("baseline", "zzz"), ["configured are: baseline, high_growth, hiring_freeze"]),
    ],
)
def test_a_scenario_that_is_not_stored_is_named_with_the_command_that_computes_it(
    warehouse: duckdb.DuckDBPyConnection, asked: tuple[str, str], messages: list[str]
) -> None:
    store(warehouse, "baseline")

    with pytest.raises(NotStoredError) as refused:
        paired(warehouse, *asked)

    for message in messages:
        assert message in str(refused.value)


def test_a_scenario_is_not_compared_with_itself(warehouse: duckdb.DuckDBPyConnection) -> None:
    store(warehouse, "baseline")
    with pytest.raises(ComparisonRefusedError, match="compared with itself"):
        paired(warehouse, "baseline", "baseline")


def test_a_warehouse_that_no_run_has_written_is_answered(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    with pytest.raises(NotStoredError, match="stored are: none"):
        paired(warehouse, "baseline", "hiring_freeze")
    with pytest.raises(NotStoredError, match="stored are: none"):
        paired(duckdb.connect(), "baseline", "hiring_freeze")


def test_the_command_has_the_years_where_they_are_not_those_of_the_configuration(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    store(
        warehouse,
        "baseline",
        years=range(2026, 2028),
        changes={"simulation": {"start_year": 2026}},
    )
    with pytest.raises(NotStoredError, match="START_YEAR=2026 YEARS=2026-2027"):
        paired(warehouse, "baseline", "hiring_freeze")
