-- The accepted census rows of the current run's scenario, as they came: gaps are filled later.
select
    baseline.scenario_id,
    baseline.employee_id,
    baseline.birth_date,
    baseline.hire_date,
    baseline.level,
    baseline.department,
    baseline.annual_compensation,
    baseline.termination_date,
    baseline.job_family,
    baseline.fte
from {{ source('simulation', 'baseline_workforce_validated') }} as baseline
inner join {{ ref('stg_simulation_run') }} as run
    on baseline.scenario_id = run.scenario_id
