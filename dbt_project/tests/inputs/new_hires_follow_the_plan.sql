{{ config(meta={"dagster": {"ref": {"name": "int_new_hires"}}}) }}

-- As many join and leave again as planned, under identifiers of their own, with dates inside
-- the year and no termination before the minimum of days. Where departments have targets of their
-- own, there are as many as may be needed.
with measured as (
    select
        simulation_year,
        count(*) as hires,
        count(distinct employee_id) as employees,
        count(termination_date) as terminations,
        count(*) filter (
            where hire_date is null or birth_date is null or birth_date >= hire_date
        ) as rows_incomplete,
        min(hire_date) as first_hire_date,
        max(hire_date) as last_hire_date,
        max(termination_date) as last_termination_date,
        min(termination_date - hire_date) as fewest_days
    from {{ ref('int_new_hires') }}
    group by simulation_year
)

select
    years.simulation_year,
    coalesce(list_sum(years.hire_pools), years.hires) as planned_hires,
    years.new_hire_terminations as planned_terminations,
    measured.*
from {{ ref('int_simulation_years') }} as years
left join measured
    on years.simulation_year = measured.simulation_year
where
    coalesce(measured.hires, 0) <> coalesce(list_sum(years.hire_pools), years.hires)
    or coalesce(measured.employees, 0) <> coalesce(list_sum(years.hire_pools), years.hires)
    or coalesce(measured.terminations, 0) <> years.new_hire_terminations
    or measured.rows_incomplete > 0
    or measured.first_hire_date < years.first_day
    or measured.last_hire_date > years.year_end
    or measured.last_termination_date > years.year_end
    or measured.fewest_days < years.minimum_days_before_leaving
