"""Recomputes what a stored year decided about everybody, from what is stored and the draws.

The ledger keeps outcomes and chances; draws follow from seed, year, employee and purpose. The rules
are those of ``int_employee_years`` and ``int_new_hires``, whose draws come from the same macros.
"""

from collections.abc import Mapping
from typing import Any

import duckdb

from simulation.person.inputs import INPUTS
from simulation.person.macros import draw, macros

# Everybody employed at the start of the year: leaving, then promotion.
_EXPERIENCED = f"""
create or replace temporary table person_decisions as
with at_risk as (
    select
        ledger.*,
        leaving_age.multiplier as leaving_by_age,
        leaving_tenure.multiplier as leaving_by_tenure,
        leaving_level.multiplier as leaving_by_level,
        coalesce(leaving_department.rate, 1) as leaving_by_department,
        coalesce(leaving_family.rate, leaving_others.rate, 1) as leaving_by_job_family,
        promotion_age.multiplier as promotion_by_age,
        promotion_tenure.multiplier as promotion_by_tenure,
        promotion_level.multiplier as promotion_by_level,
        levels.is_top_level,
        known.termination_date as known_date,
        -- null of those of whom nothing is known
        known.leaves_now,
        known.transfer_date is not null as is_transferred,
        known.new_department,
        if(ledger.transfer_date is null, ledger.department, ledger.transferred_from)
            as opening_department,
        coalesce(
            year.retirement_probabilities[
                len(list_filter(year.retirement_ages, lambda age: age <= ledger.opening_age))
            ],
            0
        ) as retirement_chance,
        {draw("ledger.employee_id", "retirement")} as retirement_draw,
        {draw("ledger.employee_id", "leave")} as leaving_draw,
        {draw("ledger.employee_id", "leave_date")} as date_draw,
        {draw("ledger.employee_id", "promotion")} as promotion_draw,
        {draw("ledger.employee_id", "promotion_increase")} as increase_draw
    from person_ledger as ledger
    cross join person_year as year
    inner join person_levels as levels on ledger.opening_level = levels.level
    inner join person_multipliers as leaving_age
        on
            leaving_age.table_name = 'termination_hazard_by_age'
            and ledger.opening_age_band = leaving_age.row_key
    inner join person_multipliers as leaving_tenure
        on
            leaving_tenure.table_name = 'termination_hazard_by_tenure'
            and ledger.opening_tenure_band = leaving_tenure.row_key
    inner join person_multipliers as leaving_level
        on
            leaving_level.table_name = 'termination_hazard_by_level'
            and ledger.entry_level::varchar = leaving_level.row_key
    inner join person_multipliers as promotion_age
        on
            promotion_age.table_name = 'promotion_hazard_by_age'
            and ledger.opening_age_band = promotion_age.row_key
    inner join person_multipliers as promotion_tenure
        on
            promotion_tenure.table_name = 'promotion_hazard_by_tenure'
            and ledger.opening_tenure_band = promotion_tenure.row_key
    inner join person_multipliers as promotion_level
        on
            promotion_level.table_name = 'promotion_hazard_by_level'
            and ledger.opening_level::varchar = promotion_level.row_key
    left join raw.scenario_rates as leaving_department
        on
            ledger.fingerprint = leaving_department.fingerprint
            and leaving_department.table_name = 'leaving_by_department'
            and if(ledger.transfer_date is null, ledger.department, ledger.transferred_from)
            = leaving_department.row_key
    left join person_families as leaving_family
        on
            leaving_family.table_name = 'leaving_by_job_family'
            and ledger.job_family = leaving_family.job_family
            and if(ledger.transfer_date is null, ledger.department, ledger.transferred_from)
            = leaving_family.department
    left join person_families as leaving_others
        on
            leaving_others.table_name = 'leaving_by_job_family'
            and ledger.job_family = leaving_others.job_family
            and leaving_others.department = '*'
    left join person_known as known on ledger.employee_id = known.employee_id
    where not ledger.is_new_hire
),

weighed as (
    select
        at_risk.*,
        leaving_by_age * leaving_by_tenure * leaving_by_level * leaving_by_department
        * leaving_by_job_family as hazard,
        leaves_now is null and retirement_chance > retirement_draw as retires,
        if(
            is_top_level,
            0,
            least(
                1,
                year.promotion_rate
                * (promotion_by_level * promotion_by_age * promotion_by_tenure)
            )
        ) as promotion_chance
    from at_risk
    cross join person_year as year
),

-- Departments or job families with a growth of their own have reductions of their own, and the
-- others together.
placed as (
    select
        weighed.*,
        coalesce(
            list_position(
                year.growth_departments, coalesce(new_department, opening_department)
            ),
            list_position(year.growth_job_families, job_family)
        ) as growth_place
    from weighed
    cross join person_year as year
),

ranked as (
    select
        *,
        {macros("draw").exponential_key("leaving_draw", "hazard")} as leaving_key,
        count(*) over () as employees,
        count(*) filter (where termination_category in ('experienced_termination', 'retirement'))
            over () as planned_leavers,
        count(*) filter (where termination_category = 'reduction_in_force')
            over (partition by growth_place) as planned_reductions,
        row_number() over (
            order by
                case leaves_now when true then 0 when false then 2 else 1 end asc,
                retires desc,
                {macros("draw").exponential_key("leaving_draw", "hazard")} asc,
                employee_id asc
        ) as place
    from placed
),

reduced as (
    select
        ranked.*,
        row_number() over (
            partition by growth_place
            order by
                place <= planned_leavers,
                leaves_now is not null,
                list_position(year.reduction_departments, opening_department) nulls last,
                list_position(year.reduction_job_families, job_family) nulls last,
                case year.reduction_order
                    when 'least_tenure' then year.year_end - hire_date
                    when 'lowest_level' then opening_level
                    else 0
                end,
                leaving_key,
                employee_id
        ) as reduction_place
    from ranked
    cross join person_year as year
),

left_over as (
    select
        reduced.*,
        case
            when place <= planned_leavers
                then if(retires, 'retirement', 'experienced_termination')
            when reduction_place <= planned_reductions then 'reduction_in_force'
        end as decided_category,
        case
            when place <= planned_leavers
                then coalesce(
                    if(leaves_now, known_date, null),
                    year.first_day + floor(date_draw * year.days_in_year)::integer
                )
            when reduction_place <= planned_reductions then year.reduction_date
        end as decided_date
    from reduced
    cross join person_year as year
)

select
    left_over.*,
    coalesce(decided_date >= year.promotion_date, true) as is_there_to_be_promoted,
    coalesce(decided_date >= year.promotion_date, true)
    and opening_tenure >= year.promotion_minimum_tenure
    and opening_age < year.promotion_age_limit
    and promotion_chance > promotion_draw as decided_promotion,
    least(
        year.promotion_increase_cap,
        year.promotion_increase + year.promotion_increase_spread * (2 * increase_draw - 1)
    ) as decided_increase
from left_over
cross join person_year as year
"""  # noqa: S608 - our own macros

# Those who joined in the year.
_HIRES = f"""
create or replace temporary table person_hires as
with hires as (
    select
        ledger.*,
        if(
            known.employee_id is null,
            regexp_extract(ledger.employee_id, '[0-9]+$')::bigint,
            null
        ) as number,
        coalesce(
            year.growth_departments[list_position(year.growth_departments, ledger.department)],
            year.growth_job_families[list_position(year.growth_job_families, ledger.job_family)]
        ) as growth_unit,
        known.event as known_event,
        known.line as known_line,
        known.effective_date as known_hire_date,
        count(*) over (
            partition by coalesce(
                list_position(year.growth_departments, ledger.department),
                list_position(year.growth_job_families, ledger.job_family)
            )
        ) as hires,
        year.first_day,
        year.year_end,
        year.days_in_year,
        year.minimum_days_before_leaving,
        year.days_in_year - year.minimum_days_before_leaving as leaving_window,
        year.new_hire_termination_millionths / 1000000 as leaving_rate,
        year.new_hire_termination_millionths as millionths,
        {draw("ledger.employee_id", "hire_date")} as date_draw,
        {draw("ledger.employee_id", "age_at_hire")} as age_draw,
        {draw("ledger.employee_id", "template")} as template_draw,
        {draw("ledger.employee_id", "pay")} as pay_draw,
        {draw("ledger.employee_id", "leave_date")} as leaving_draw
    from person_ledger as ledger
    cross join person_year as year
    left join raw.known_events as known
        on
            ledger.fingerprint = known.fingerprint
            and ledger.employee_id = known.employee_id
            and known.event in ('join', 'rehire', 'opening')
            and ledger.simulation_year = known.simulation_year
    where ledger.is_new_hire
),

dated as (
    select
        *,
        coalesce(
            number * (1000000 - millionths) // 1000000
            = (number - 1) * (1000000 - millionths) // 1000000,
            false
        ) as leaves
    from hires
)

select
    *,
    coalesce(known_hire_date, first_day + case
        when leaves
            then {macros("hire_day").hire_day_of_leaver("date_draw", "leaving_window")}
        else {
    macros("hire_day").hire_day_of_stayer(
        "date_draw", "days_in_year", "leaving_rate", "leaving_window"
    )
}
    end::integer) as decided_hire_date,
    case
        when leaves
            then
                hire_date + minimum_days_before_leaving
                + floor(
                    leaving_draw * (year_end - hire_date - minimum_days_before_leaving + 1)
                )::integer
    end as decided_date
from dated
"""  # noqa: S608 - our own macros

# Raises of all, after the promotions.
_RAISES = """
create or replace temporary table person_raises as
with raising as (
    select
        rates.row_key as department,
        max(rates.rate) filter (where rates.table_name = 'cola_by_department') as cola,
        max(rates.rate) filter (where rates.table_name = 'merit_by_department') as merit
    from raw.scenario_rates as rates
    inner join person_year as year on rates.fingerprint = year.fingerprint
    group by rates.row_key
),

raising_families as (
    select
        job_family,
        department,
        max(rate) filter (where table_name = 'cola_by_job_family') as cola,
        max(rate) filter (where table_name = 'merit_by_job_family') as merit
    from person_families
    group by job_family, department
),

entitled as (
    select
        ledger.employee_id,
        ledger.hire_date,
        ledger.compensation_after_promotion as pay,
        levels.merit_rate,
        greatest(
            0,
            year.cola_rate + coalesce(raising.cola, 0)
            + coalesce(raising_family.cola, raising_others.cola, 0)
        ) as cola_rate,
        coalesce(raising.merit, 0) + coalesce(raising_family.merit, raising_others.merit, 0)
            as merit_points,
        coalesce(ledger.termination_date >= year.raise_date, true) as is_there,
        coalesce(ledger.termination_date >= year.raise_date, true)
        and ledger.hire_date <= year.raise_date - to_years(year.cola_minimum_tenure) as has_cola,
        coalesce(ledger.termination_date >= year.raise_date, true)
        and ledger.hire_date <= year.raise_date - to_years(year.raise_minimum_tenure)
            as has_merit
    from person_ledger as ledger
    cross join person_year as year
    inner join person_levels as levels on ledger.level = levels.level
    left join raising
        on
            if(ledger.transfer_date > year.raise_date, ledger.transferred_from, ledger.department)
            = raising.department
    left join raising_families as raising_family
        on
            ledger.job_family = raising_family.job_family
            and if(
                ledger.transfer_date > year.raise_date, ledger.transferred_from, ledger.department
            ) = raising_family.department
    left join raising_families as raising_others
        on
            ledger.job_family = raising_others.job_family
            and raising_others.department = '*'
),

merit as (
    select year.merit_budget * sum(pay) / sum(pay * merit_rate) as scale
    from entitled
    cross join person_year as year
    where has_merit
    group by year.merit_budget
)

select
    entitled.*,
    merit.scale,
    if(has_merit, greatest(0, merit_rate * merit.scale + merit_points), 0) as merit,
    if(has_cola, entitled.cola_rate, 0) as cola,
    round(
        pay * (
            1 + if(has_merit, greatest(0, merit_rate * merit.scale + merit_points), 0)
            + if(has_cola, entitled.cola_rate, 0)
        ),
        2
    )::decimal(16, 2) as decided_pay
from entitled
cross join person_year as year
left join merit on true
"""


def decide(
    connection: duckdb.DuckDBPyConnection, *, scenario_id: str, fingerprint: str, year: int
) -> None:
    """Recompute a stored year for everybody into temporary tables, beside what is stored.

    ``person_decisions`` has those employed at its start, ``person_hires`` its hires,
    ``person_raises`` all of them; columns that begin with ``decided_`` are the recomputed outcomes.
    """
    named: Mapping[str, Any] = {
        "scenario_id": scenario_id,
        "fingerprint": fingerprint,
        "year": year,
    }
    for statement in (*INPUTS, _EXPERIENCED, _HIRES, _RAISES):
        used = {name: value for name, value in named.items() if f"${name}" in statement}
        connection.execute(statement, used)
