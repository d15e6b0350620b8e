-- The actives of each department at the end of each year by level.
select
    ledger.scenario_id,
    ledger.simulation_year,
    coalesce(ledger.department, 'Not stated') as department,
    ledger.level,
    levels.level_name,
    count(*) as headcount,
    count(*) / sum(count(*)) over (
        partition by
            ledger.scenario_id, ledger.simulation_year, coalesce(ledger.department, 'Not stated')
    ) as share,
    sum(ledger.annual_compensation) as payroll
from {{ ref('int_employee_years') }} as ledger
inner join {{ ref('stg_job_levels') }} as levels
    on ledger.level = levels.level
where ledger.termination_date is null
group by
    ledger.scenario_id,
    ledger.simulation_year,
    coalesce(ledger.department, 'Not stated'),
    ledger.level,
    levels.level_name
