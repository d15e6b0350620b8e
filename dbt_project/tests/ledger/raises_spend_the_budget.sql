{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- All raises of a year together are the payroll they apply to, times merit budget and cost of
-- living. Each raise is rounded to cents, so that half a cent for each may be left over.
with raises as (
    select
        ledger.simulation_year,
        count(*) as raises,
        sum(ledger.compensation_after_promotion) as payroll,
        sum(ledger.annual_compensation - ledger.compensation_after_promotion) as increase
    from {{ ref('int_employee_years') }} as ledger
    where
        ledger.scenario_id = {{ current_scenario() }}
        and ledger.raise_date is not null
    group by ledger.simulation_year
)

select
    raises.*,
    parameters.merit_budget,
    parameters.cola_rate
from raises
inner join {{ ref('stg_simulation_run') }} as run
    on raises.simulation_year <= run.last_year
inner join {{ ref('stg_simulation_parameters') }} as parameters
    on
        run.fingerprint = parameters.fingerprint
        and raises.simulation_year = parameters.simulation_year
where
    not coalesce(
        abs(raises.increase - raises.payroll * (parameters.merit_budget + parameters.cola_rate))
        <= 0.005 * raises.raises + 0.01,
        false
    )
