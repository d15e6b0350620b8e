{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- Every planned year is in the ledger, from the run's own configuration, with exactly as many
-- at its start, hired, leaving by each way and left at its end as planned. The plan ends with the
-- run's last year; stored years after it stay as their own run has tested them. Departments or job
-- families with a target of their own end on it, and what is planned of all then follows from them.
with played as (
    select
        ledger.simulation_year,
        min(ledger.fingerprint) as lowest_fingerprint,
        max(ledger.fingerprint) as highest_fingerprint,
        count(*) filter (where not ledger.is_new_hire) as start_headcount,
        count(*) filter (where ledger.is_new_hire) as hires,
        count(*) filter (
            where ledger.termination_category in ('experienced_termination', 'retirement')
        )
            as experienced_terminations,
        count(*) filter (where ledger.termination_category = 'reduction_in_force')
            as reductions_in_force,
        count(*) filter (where ledger.termination_category = 'new_hire_termination')
            as new_hire_terminations,
        count(*) filter (where ledger.termination_date is null) as end_headcount
    from {{ ref('int_employee_years') }} as ledger
    inner join {{ ref('stg_simulation_run') }} as run
        on ledger.simulation_year <= run.last_year
    where ledger.scenario_id = {{ current_scenario() }}
    group by ledger.simulation_year
),

-- by department or job family as the plan lists them, the others first
by_department as (
    select
        plan.simulation_year,
        list_sum(plan.department_targets) as target_of_all,
        plan.department_targets[
            {{ growth_group('plan', 'ledger.department', 'ledger.job_family') }} + 1
        ] as target_headcount,
        {{ growth_group('plan', 'ledger.department', 'ledger.job_family') }} as department_group,
        count(*) as end_headcount
    from {{ ref('int_simulation_years') }} as plan
    inner join {{ ref('int_employee_years') }} as ledger
        on
            plan.scenario_id = ledger.scenario_id
            and plan.simulation_year = ledger.simulation_year
    where plan.department_targets is not null and ledger.termination_date is null
    group by all
),

off_target as (
    select
        simulation_year,
        -- a department that is missing has nobody to count
        sum(abs(end_headcount - target_headcount))
        + any_value(target_of_all)
        - sum(target_headcount) as employees
    from by_department
    group by simulation_year
)

select
    plan.simulation_year as planned_year,
    played.*,
    plan.target_headcount,
    off_target.employees as employees_off_target
from {{ ref('int_simulation_years') }} as plan
full outer join played
    on plan.simulation_year = played.simulation_year
left join off_target
    on plan.simulation_year = off_target.simulation_year
where
    not coalesce(
        played.lowest_fingerprint = plan.fingerprint
        and played.highest_fingerprint = plan.fingerprint
        and played.start_headcount = plan.start_headcount
        and played.hires = coalesce(plan.hires, played.hires)
        and played.experienced_terminations = plan.experienced_terminations
        and played.reductions_in_force
        = coalesce(plan.reductions_in_force, played.reductions_in_force)
        and played.new_hire_terminations
        = coalesce(plan.new_hire_terminations, played.new_hire_terminations)
        and coalesce(off_target.employees, 0) = 0
        and played.end_headcount = plan.target_headcount,
        false
    )
