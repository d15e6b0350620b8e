{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- The key of the ledger, in the scenario of the run.
select
    ledger.simulation_year,
    ledger.employee_id,
    count(*) as row_count
from {{ ref('int_employee_years') }} as ledger
where ledger.scenario_id = {{ current_scenario() }}
group by ledger.simulation_year, ledger.employee_id
having count(*) > 1 or ledger.employee_id is null
