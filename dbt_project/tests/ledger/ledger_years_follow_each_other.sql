{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- Those active at the end of a year are those at the start of the next, with the same pay,
-- level, dates, department, job family and working time; the first year starts from the baseline.
--
-- Both sides are compared by a sum of row hashes, which needs one scan and no join of
-- millions of rows. `hash` may differ between DuckDB releases; here it lives for one query.
with ledger as (
    select
        ledger.simulation_year,
        count(*) filter (where not ledger.is_new_hire) as opening_count,
        sum(
            hash(
                ledger.employee_id,
                ledger.birth_date,
                ledger.hire_date,
                if(ledger.transfer_date is null, ledger.department, ledger.transferred_from),
                ledger.opening_level,
                ledger.opening_compensation,
                ledger.job_family,
                ledger.fte
            )::hugeint
        ) filter (where not ledger.is_new_hire) as opening_digest,
        count(*) filter (where ledger.termination_date is null) as closing_count,
        sum(
            hash(
                ledger.employee_id,
                ledger.birth_date,
                ledger.hire_date,
                ledger.department,
                ledger.level,
                ledger.annual_compensation,
                ledger.job_family,
                ledger.fte
            )::hugeint
        ) filter (where ledger.termination_date is null) as closing_digest
    from {{ ref('int_employee_years') }} as ledger
    where ledger.scenario_id = {{ current_scenario() }}
    group by ledger.simulation_year
),

baseline as (
    select
        run.start_year - 1 as simulation_year,
        count(*) as closing_count,
        sum(
            hash(
                baseline.employee_id,
                baseline.birth_date,
                baseline.hire_date,
                baseline.department,
                baseline.level,
                baseline.annual_compensation,
                baseline.job_family,
                baseline.fte
            )::hugeint
        ) as closing_digest
    from {{ ref('int_baseline_workforce') }} as baseline
    cross join {{ ref('stg_simulation_run') }} as run
    group by run.start_year
),

closings as (
    select
        simulation_year,
        closing_count,
        closing_digest
    from ledger

    union all

    select
        simulation_year,
        closing_count,
        closing_digest
    from baseline
)

select
    ledger.simulation_year,
    ledger.opening_count,
    closings.closing_count as previous_closing_count
from ledger
left join closings
    on ledger.simulation_year - 1 = closings.simulation_year
where
    ledger.opening_count is distinct from closings.closing_count
    or ledger.opening_digest is distinct from closings.closing_digest
