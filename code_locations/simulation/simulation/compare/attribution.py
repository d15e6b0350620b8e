"""What makes the difference of two scenarios, in parts that add up to it exactly.

At the end of each year, payroll differs by

- hires: people whom one scenario alone has hired, at the average pay of the base, and another
  pay at hire of people whom both have;
- leavers: people who have left in one scenario alone, at the average pay of the base;
- promotions and raises: what they have added by then to the pay of people whom both have;
- mix: that the people whom one scenario alone has are not paid the average of the base.

All amounts are exact decimals of the ledger. Who is in another department or level takes the pay of
the base along, so that the parts of departments and levels add up too.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb

from simulation.compare.stored import Pair

DRIVERS = ("hires", "leavers", "promotions", "raises", "mix")

# The group of a row of the ledger and of a part, by dimension.
_GROUPS = {
    "department": ("coalesce(department, 'Not stated')", "department"),
    "level": ("level", "level"),
}

# One row for each employee and part, at the end of each year.
_PARTS = """
create or replace temporary table comparison_parts as
with ledger as (
    select
        scenario_id = $other as is_other,
        simulation_year as year,
        employee_id,
        coalesce(department, 'Not stated') as department,
        level,
        opening_level,
        opening_compensation,
        compensation_after_promotion,
        annual_compensation,
        termination_date is null as is_active
    from intermediate.int_employee_years
    where
        scenario_id in ($base, $other)
        and simulation_year between $first and $last
),

-- What a person came in with, and what promotions and raises have added up to the end of a year.
running as (
    select
        *,
        first_value(opening_compensation) over person as entry_pay,
        first_value(opening_level) over person as entry_level,
        first_value(department) over person as entry_department,
        sum(compensation_after_promotion - opening_compensation) over person as promoted_by,
        sum(annual_compensation - compensation_after_promotion) over person as raised_by
    from ledger
    window person as (partition by is_other, employee_id order by year)
),

entered as (
    select
        is_other,
        employee_id,
        min(year) as year
    from ledger
    group by is_other, employee_id
),

base as (
    select * from running
    where is_active and not is_other
),

other as (
    select * from running
    where is_active and is_other
),

averages as (
    select
        year,
        -- in whole cents, rounded half up: a quotient of decimals would be binary
        (
            (2 * (sum(annual_compensation) * 100)::hugeint + count(*)) // (2 * count(*)) / 100
        )::decimal(16, 2) as pay
    from base
    group by year
),

in_both as (
    select
        year,
        employee_id,
        base.department as base_department,
        base.level as base_level,
        base.annual_compensation as base_pay,
        other.department as other_department,
        other.level as other_level,
        other.entry_pay - base.entry_pay as entry_difference,
        other.promoted_by - base.promoted_by as promotion_difference,
        other.raised_by - base.raised_by as raise_difference,
        case
            when
                other.entry_level <> base.entry_level
                or other.entry_department <> base.entry_department
                then 'hires'
            when other.level <> base.level then 'promotions'
            else 'mix'
        end as moved_by
    from base
    inner join other using (year, employee_id)
),

-- Where the other scenario has ever had the person, it is a leaver there; else nobody hired them.
in_one as (
    select
        active.year,
        active.employee_id,
        active.department,
        active.level,
        active.annual_compensation as pay,
        if(active.is_other, 1, -1) as sign,
        if(entered.employee_id is null, 'hires', 'leavers') as driver,
        averages.pay as average
    from running as active
    inner join averages on active.year = averages.year
    left join entered
        on
            active.employee_id = entered.employee_id
            and active.is_other <> entered.is_other
            and active.year >= entered.year
    left join running as counterpart
        on
            active.employee_id = counterpart.employee_id
            and active.is_other <> counterpart.is_other
            and active.year = counterpart.year
            and counterpart.is_active
    where active.is_active and counterpart.employee_id is null
),

parts as (
    select year, employee_id, other_department as department, other_level as level,
        unnest(['hires', 'promotions', 'raises']) as driver,
        0 as people,
        unnest([entry_difference, promotion_difference, raise_difference]) as pay
    from in_both

    union all

    -- who is in another department or level takes the pay of the base along
    select year, employee_id, base_department, base_level, moved_by, -1, -base_pay
    from in_both
    where base_department <> other_department or base_level <> other_level

    union all

    select year, employee_id, other_department, other_level, moved_by, 1, base_pay
    from in_both
    where base_department <> other_department or base_level <> other_level

    union all

    select year, employee_id, department, level, driver, sign, sign * average
    from in_one

    union all

    select year, employee_id, department, level, 'mix', 0, sign * (pay - average)
    from in_one
)

select
    year,
    employee_id,
    department,
    level,
    driver,
    people::bigint as people,
    pay::decimal(18, 2) as pay
from parts
where people <> 0 or pay <> 0
"""

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
order by here.annual_compensation desc, in_one.employee_id
"""


class UnexplainedDifferenceError(RuntimeError):
    """The parts do not add up: the ledger's years do not follow from each other."""


@dataclass(frozen=True, kw_only=True)
class YearDifference:
    """Two scenarios at the end of a year. Amounts in currency; parts are other less base."""

    year: int
    base_headcount: int
    other_headcount: int
    base_payroll: Decimal
    other_payroll: Decimal
    base_paid: Decimal
    other_paid: Decimal
    people: dict[str, int]
    pay: dict[str, Decimal]

    @property
    def headcount(self) -> int:
        """Return the difference of headcount."""
        return self.other_headcount - self.base_headcount

    @property
    def payroll(self) -> Decimal:
        """Return the difference of payroll."""
        return self.other_payroll - self.base_payroll

    @property
    def paid(self) -> Decimal:
        """Return the difference of what was paid during the year."""
        return self.other_paid - self.base_paid


@dataclass(frozen=True, kw_only=True)
class GroupDifference:
    """A department or level at the end of a year; ``pay`` is the difference by driver."""

    year: int
    name: str
    base_headcount: int
    other_headcount: int
    base_payroll: Decimal
    other_payroll: Decimal
    pay: dict[str, Decimal]

    @property
    def headcount(self) -> int:
        """Return the difference of headcount."""
        return self.other_headcount - self.base_headcount

    @property
    def payroll(self) -> Decimal:
        """Return the difference of payroll."""
        return self.other_payroll - self.base_payroll


@dataclass(frozen=True, kw_only=True)
class PersonDifference:
    """A person employed at the end in one scenario alone.

    ``driver`` is ``hires`` where the other has not hired them, else ``leavers``, who left there on
    ``left_on``.
    """

    employee_id: str
    only_in: str
    driver: str
    department: str | None
    level_name: str
    pay: Decimal
    hire_date: date
    left_on: date | None
    left_as: str | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """All differences of two scenarios; people are those at the end of the last year."""

    pair: Pair
    years: list[YearDifference]
    departments_by_year: list[GroupDifference]
    levels_by_year: list[GroupDifference]
    people: list[PersonDifference]

    @property
    def departments(self) -> list[GroupDifference]:
        """Return the departments at the end of the last year."""
        return [each for each in self.departments_by_year if each.year == self.pair.years[-1]]

    @property
    def levels(self) -> list[GroupDifference]:
        """Return the levels at the end of the last year."""
        return [each for each in self.levels_by_year if each.year == self.pair.years[-1]]


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
    connection.execute(_PARTS, named)
    comparison = Comparison(
        pair=pair,
        years=_years(connection, named),
        departments_by_year=_groups(connection, named, "department"),
        levels_by_year=_groups(connection, named, "level"),
        people=[PersonDifference(**row) for row in _rows(connection, _PEOPLE, named)],
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
