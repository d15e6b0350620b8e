{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- The key of the ledger, in the scenario of the run. Who has more rows than bits, one for each
-- year, may have two in a year; only their rows are then counted by year. All rows of a million
-- employees take three times as long.
with suspects as (
    select ledger.employee_id
    from {{ ref('int_employee_years') }} as ledger
    where ledger.scenario_id = {{ current_scenario() }}
    group by ledger.employee_id
    having
        count(*) > bit_count(bit_or(1::bigint << (ledger.simulation_year % 62)))
        or ledger.employee_id is null
)

select
    ledger.simulation_year,
    ledger.employee_id,
    count(*) as row_count
from {{ ref('int_employee_years') }} as ledger
inner join suspects
    on ledger.employee_id is not distinct from suspects.employee_id
where ledger.scenario_id = {{ current_scenario() }}
group by ledger.simulation_year, ledger.employee_id
having count(*) > 1 or ledger.employee_id is null
