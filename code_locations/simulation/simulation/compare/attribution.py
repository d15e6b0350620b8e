"""Compares two stored scenarios, and holds the parts of the difference against the ledger."""

from decimal import Decimal
from typing import Any

import duckdb

from simulation.compare.differences import (
    Comparison,
    CostDifference,
    GroupDifference,
    PersonDifference,
    YearDifference,
)
from simulation.compare.pair import Pair
from simulation.compare.parts import DRIVERS, create_parts
from simulation.report.cost.figures import read_costs

# The group of a row of the ledger and of a part, by dimension.
_GROUPS = {
    "department": ("coalesce(department, 'Not stated')", "department"),
    "level": ("level", "level"),
}

_TOTALS = """
select
    simulation_year as year,
    scenario_id = $other as is_other,
    count(*) filter (termination_date is null) as headcount,
    coalesce(sum(annual_compensation) filter (termination_date is null), 0) as payroll,
    sum(prorated_compensation) as paid
from intermediate.int_employee_years
where scenario_id in ($base, $other) and simulation_year between $first and $last
group by all
"""

_BY_YEAR = """
select
    year,
    driver,
    sum(people)::bigint as people,
    sum(pay) as pay
from comparison_parts
group by year, driver
"""

_BY_GROUP = """
with groups as (
    select
        simulation_year as year,
        {group} as name,
        count(*) filter (scenario_id = $base) as base_headcount,
        count(*) filter (scenario_id = $other) as other_headcount,
        coalesce(sum(annual_compensation) filter (scenario_id = $base), 0) as base_payroll,
        coalesce(sum(annual_compensation) filter (scenario_id = $other), 0) as other_payroll
    from intermediate.int_employee_years
    where
        termination_date is null
        and scenario_id in ($base, $other)
        and simulation_year between $first and $last
    group by year, name
),

parts as (
    select
        year,
        {part_group} as name,
        {sums}
    from comparison_parts
    group by year, name
)

select
    year,
    name,
    coalesce(groups.base_headcount, 0) as base_headcount,
    coalesce(groups.other_headcount, 0) as other_headcount,
    coalesce(groups.base_payroll, 0) as base_payroll,
    coalesce(groups.other_payroll, 0) as other_payroll,
    {amounts}
from groups
full join parts using (year, name)
order by year, name
"""

_PEOPLE = """
with reasons as (
    select employee_id, driver, people from comparison_parts
    where year = $last and people <> 0 and driver in ('hires', 'leavers')
),

in_one as (
    select * from reasons
    qualify count(*) over (partition by employee_id) = 1
)

select
    in_one.employee_id,
    if(in_one.people > 0, $other, $base) as only_in,
    in_one.driver,
    here.department,
    levels.level_name,
    here.annual_compensation as pay,
    here.hire_date,
    gone.termination_date as left_on,
    gone.termination_category as left_as
from in_one
inner join intermediate.int_employee_years as here
    on
        in_one.employee_id = here.employee_id
        and here.scenario_id = if(in_one.people > 0, $other, $base)
        and here.simulation_year = $last
inner join staging.stg_job_levels as levels on here.level = levels.level
left join intermediate.int_employee_years as gone
    on
        in_one.employee_id = gone.employee_id
        and gone.scenario_id = if(in_one.people > 0, $base, $other)
        and gone.simulation_year between $first and $last
        and gone.termination_date is not null
-- the last one of who came back
qualify row_number() over (partition by in_one.employee_id order by gone.simulation_year desc) = 1
order by here.annual_compensation desc, in_one.employee_id
"""


class UnexplainedDifferenceError(RuntimeError):
    """The parts do not add up: the ledger's years do not follow from each other."""


def compare(connection: duckdb.DuckDBPyConnection, pair: Pair) -> Comparison:
    """Return what makes the difference of two scenarios.

    Args:
        connection: the warehouse; it takes a temporary table.
        pair: the scenarios.

    Raises:
        UnexplainedDifferenceError: the parts do not add up to the difference.
    """
    named = {
        "base": pair.base.scenario_id,
        "other": pair.other.scenario_id,
        "first": pair.years[0],
        "last": pair.years[-1],
    }
    create_parts(connection, named)
    comparison = Comparison(
        pair=pair,
        years=_years(connection, named),
        departments_by_year=_groups(connection, named, "department"),
        levels_by_year=_groups(connection, named, "level"),
        people=[PersonDifference(**row) for row in _rows(connection, _PEOPLE, named)],
        costs=_costs(connection, pair),
    )
    _refuse_unexplained(comparison)
    return comparison


def _years(connection: duckdb.DuckDBPyConnection, named: dict[str, Any]) -> list[YearDifference]:
    parts = {(row["year"], row["driver"]): row for row in _rows(connection, _BY_YEAR, {})}
    totals = {(row["year"], row["is_other"]): row for row in _rows(connection, _TOTALS, named)}
    years = sorted({year for year, _ in totals})
    none = {"people": 0, "pay": Decimal("0.00")}
    return [
        YearDifference(
            year=year,
            **{
                f"{side}_{measure}": totals[year, is_other][measure]
                for side, is_other in (("base", False), ("other", True))
                for measure in ("headcount", "payroll", "paid")
            },
            people={driver: parts.get((year, driver), none)["people"] for driver in DRIVERS},
            pay={driver: parts.get((year, driver), none)["pay"] for driver in DRIVERS},
        )
        for year in years
    ]


def _costs(connection: duckdb.DuckDBPyConnection, pair: Pair) -> list[CostDifference]:
    base, other = (
        {cost.year: cost for cost in read_costs(connection, each.scenario_id)}
        for each in (pair.base, pair.other)
    )
    return [
        CostDifference(year=year, base=base[year], other=other[year])
        for year in pair.years
        if year in base and year in other
    ]


def _groups(
    connection: duckdb.DuckDBPyConnection, named: dict[str, Any], dimension: str
) -> list[GroupDifference]:
    group, part_group = _GROUPS[dimension]
    query = _BY_GROUP.format(
        group=group,
        part_group=part_group,
        sums=", ".join(f"sum(pay) filter (driver = '{name}') as {name}" for name in DRIVERS),
        amounts=", ".join(f"coalesce(parts.{name}, 0) as {name}" for name in DRIVERS),
    )
    names = _level_names(connection) if dimension == "level" else {}
    return [
        GroupDifference(
            year=row["year"],
            name=names.get(row["name"], str(row["name"])),
            base_headcount=row["base_headcount"],
            other_headcount=row["other_headcount"],
            base_payroll=row["base_payroll"],
            other_payroll=row["other_payroll"],
            pay={driver: row[driver] for driver in DRIVERS},
        )
        for row in _rows(connection, query, named)
    ]


def _level_names(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    return dict(
        connection.execute("select level, level_name from staging.stg_job_levels").fetchall()
    )


def _rows(
    connection: duckdb.DuckDBPyConnection, query: str, named: dict[str, Any]
) -> list[dict[str, Any]]:
    cursor = connection.execute(query, named)
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _refuse_unexplained(comparison: Comparison) -> None:
    """Hold the parts against the ledger's own totals.

    Raises:
        UnexplainedDifferenceError: they do not add up.
    """
    rows = [
        *((f"the end of {each.year}", each) for each in comparison.years),
        *(
            (f"{each.name} at the end of {each.year}", each)
            for each in (*comparison.departments_by_year, *comparison.levels_by_year)
        ),
    ]
    for name, each in rows:
        unexplained = each.payroll - sum(each.pay.values())
        if unexplained:
            message = (
                f"{name}: {unexplained} of the difference of {each.payroll} has no cause: the "
                "years of a scenario do not follow from each other; compute both again with FRESH=1"
            )
            raise UnexplainedDifferenceError(message)
    for year in comparison.years:
        if year.headcount != sum(year.people.values()):
            message = f"the end of {year.year}: the people by driver are not {year.headcount}"
            raise UnexplainedDifferenceError(message)
