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

import duckdb

from simulation.stored.scenarios import ledger_has

DRIVERS = ("hires", "leavers", "promotions", "raises", "mix")

# One row for each employee and part, at the end of each year.
_PARTS = """
create or replace temporary table comparison_parts as
with ledger as (
    select
        scenario_id = $other as is_other,
        simulation_year as year,
        employee_id,
        hire_date,
        coalesce(department, 'Not stated') as department,
        coalesce({opening_department}, 'Not stated') as opening_department,
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
        first_value(opening_department) over person as entry_department,
        sum(compensation_after_promotion - opening_compensation) over person as promoted_by,
        sum(annual_compensation - compensation_after_promotion) over person as raised_by
    from ledger
    -- who comes back begins anew
    window person as (partition by is_other, employee_id, hire_date order by year)
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


def create_parts(connection: duckdb.DuckDBPyConnection, named: dict[str, object]) -> None:
    """Create the temporary table ``comparison_parts``: a row by year, employee and driver.

    Args:
        connection: the warehouse.
        named: the scenarios ``base`` and ``other``, and the years ``first`` and ``last``.
    """
    opening = "if(transfer_date is null, department, transferred_from)"
    if not ledger_has(connection, "transfer_date"):
        opening = "department"
    connection.execute(_PARTS.format(opening_department=opening), named)
