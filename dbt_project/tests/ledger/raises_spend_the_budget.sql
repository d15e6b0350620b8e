{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- All raises of a year together are the merit budget and the cost of living, each times the
-- payroll of those with the tenure for it. Each raise is rounded to cents, so that half a cent for
-- each may be left over.
with raised as (
    select
        ledger.simulation_year,
        ledger.compensation_after_promotion as pay,
        ledger.annual_compensation - ledger.compensation_after_promotion as increase,
        date_sub('year', ledger.hire_date, ledger.raise_date) as tenure,
        greatest(
            0,
            parameters.cola_rate + coalesce(raising.rate, 0)
            + coalesce(in_department.rate, in_others.rate, 0)
        ) as cola_rate,
        parameters.cola_minimum_tenure,
        parameters.merit_budget,
        parameters.raise_minimum_tenure
    from {{ ref('int_employee_years') }} as ledger
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            ledger.fingerprint = parameters.fingerprint
            and ledger.simulation_year = parameters.simulation_year
    left join {{ ref('stg_scenario_rates') }} as raising
        on
            raising.table_name = 'cola_by_department'
            and if(
                ledger.transfer_date > ledger.raise_date,
                ledger.transferred_from,
                ledger.department
            ) = raising.row_key
    left join {{ ref('stg_scenario_rates') }} as in_department
        on
            in_department.table_name = 'cola_by_job_family'
            and concat(
                ledger.job_family,
                chr(31),
                if(
                    ledger.transfer_date > ledger.raise_date,
                    ledger.transferred_from,
                    ledger.department
                )
            ) = in_department.row_key
    left join {{ ref('stg_scenario_rates') }} as in_others
        on
            in_others.table_name = 'cola_by_job_family'
            and ledger.job_family || chr(31) || '*' = in_others.row_key
    where
        ledger.scenario_id = {{ current_scenario() }}
        and ledger.raise_date is not null
)

select
    simulation_year,
    count(*) as raises,
    sum(increase) as increase,
    sum(case when tenure >= cola_minimum_tenure then pay * cola_rate else 0 end) as cola,
    sum(case when tenure >= raise_minimum_tenure then pay * merit_budget else 0 end) as merit
from raised
group by simulation_year
having not coalesce(abs(sum(increase) - cola - merit) <= 0.005 * count(*) + 0.01, false)
