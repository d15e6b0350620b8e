-- The key of the ledger, in the scenario of the run.
select
    ledger.simulation_year,
    ledger.employee_id,
    count(*) as row_count
from {{ ref('int_employee_years') }} as ledger
inner join {{ ref('stg_simulation_run') }} as run
    on ledger.scenario_id = run.scenario_id
group by ledger.simulation_year, ledger.employee_id
having count(*) > 1 or ledger.employee_id is null
