-- One row for each employee and year, those who left in the year included.
select
    ledger.scenario_id,
    ledger.simulation_year,
    ledger.employee_id,
    ledger.birth_date,
    ledger.hire_date,
    ledger.termination_date,
    case when ledger.termination_date is null then 'active' else 'terminated' end
        as employment_status,
    case
        when ledger.is_new_hire and ledger.termination_date is null then 'new_hire_active'
        when ledger.is_new_hire then 'new_hire_termination'
        when ledger.termination_date is null then 'continuous_active'
        else 'experienced_termination'
    end as detailed_status,
    ledger.department,
    ledger.level,
    levels.level_name,
    ledger.annual_compensation,
    ledger.prorated_compensation,
    ledger.age,
    ledger.tenure_years,
    ledger.age_band,
    ledger.tenure_band,
    ledger.job_family,
    coalesce(ledger.fte, 1)::decimal(7, 6) as fte
from {{ ref('int_employee_years') }} as ledger
inner join {{ ref('stg_job_levels') }} as levels
    on ledger.level = levels.level
