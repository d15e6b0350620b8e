{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- All raises of a year together are the merit budget with its points and the cost of living, each
-- times the payroll of those with the tenure for it. Each raise is rounded to cents, so that half a
-- cent for each may be left over.
with raising as (
    select
        row_key as department,
        max(rate) filter (where table_name = 'cola_by_department') as cola,
        max(rate) filter (where table_name = 'merit_by_department') as merit
    from {{ ref('stg_scenario_rates') }}
    where table_name in ('cola_by_department', 'merit_by_department')
    group by row_key
),

families as (
    select
        row_key,
        max(rate) filter (where table_name = 'cola_by_job_family') as cola,
        max(rate) filter (where table_name = 'merit_by_job_family') as merit
    from {{ ref('stg_scenario_rates') }}
    where table_name in ('cola_by_job_family', 'merit_by_job_family')
    group by row_key
),

raised as (
    select
        ledger.simulation_year,
        ledger.compensation_after_promotion as pay,
        ledger.annual_compensation - ledger.compensation_after_promotion as increase,
        {{ completed_years('ledger.hire_date', '(ledger.raise_date + 1)') }} as tenure,
        greatest(
            0,
            parameters.cola_rate + coalesce(raising.cola, 0)
            + coalesce(in_department.cola, in_others.cola, 0)
        ) as cola_rate,
        coalesce(raising.merit, 0) + coalesce(in_department.merit, in_others.merit, 0)
            as merit_points,
        levels.merit_rate,
        parameters.cola_minimum_tenure,
        parameters.merit_budget,
        parameters.raise_minimum_tenure
    from {{ ref('int_employee_years') }} as ledger
    -- later years of another run have rates of their own, and stay as it has tested them
    inner join {{ ref('stg_simulation_run') }} as run
        on ledger.fingerprint = run.fingerprint
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            ledger.fingerprint = parameters.fingerprint
            and ledger.simulation_year = parameters.simulation_year
    inner join {{ ref('stg_job_levels') }} as levels
        on ledger.level = levels.level
    left join raising
        on
            if(
                ledger.transfer_date > ledger.raise_date,
                ledger.transferred_from,
                ledger.department
            ) = raising.department
    left join families as in_department
        on
            concat(
                ledger.job_family,
                chr(31),
                if(
                    ledger.transfer_date > ledger.raise_date,
                    ledger.transferred_from,
                    ledger.department
                )
            ) = in_department.row_key
    left join families as in_others
        on ledger.job_family || chr(31) || '*' = in_others.row_key
    where
        ledger.scenario_id = {{ current_scenario() }}
        and ledger.raise_date is not null
),

merits as (
    select
        simulation_year,
        merit_budget * sum(pay) / sum(pay * merit_rate) as scale
    from raised
    where tenure >= raise_minimum_tenure
    group by simulation_year, merit_budget
)

select
    raised.simulation_year,
    count(*) as raises,
    sum(raised.increase) as increase,
    sum(
        case
            when raised.tenure >= raised.cola_minimum_tenure then raised.pay * raised.cola_rate
            else 0
        end
    ) as cola,
    -- nobody's merit is below 0, so points take away at most the merit of the level
    sum(
        case
            when raised.tenure >= raised.raise_minimum_tenure
                then
                    raised.pay * (
                        raised.merit_budget
                        + greatest(raised.merit_points, -raised.merit_rate * merits.scale)
                    )
            else 0
        end
    ) as merit
from raised
left join merits
    on raised.simulation_year = merits.simulation_year
group by raised.simulation_year
having
    not coalesce(abs(sum(raised.increase) - cola - merit) <= 0.005 * count(*) + 0.01, false)
