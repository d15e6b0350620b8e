{{ config(meta={"dagster": {"ref": {"name": "fct_yearly_events"}}}) }}

-- What must hold for each event by itself: a day of its year, a category of its type, a
-- probability where chance decides, and a pay before and after. One pass over the mart for all.
with years as (
    select
        parameters.simulation_year,
        parameters.first_day,
        parameters.year_end
    from {{ ref('stg_simulation_parameters') }} as parameters
    inner join {{ ref('stg_simulation_run') }} as run
        on parameters.fingerprint = run.fingerprint
),

judged as (
    select
        events.simulation_year,
        events.employee_id,
        events.event_type,
        case
            when not coalesce(
                events.effective_date between years.first_day and years.year_end, false
            ) then 'date'
            when not coalesce(
                case events.event_type
                    when 'hire' then events.event_category = 'external_hire'
                    when 'transfer' then events.event_category = 'department_transfer'
                    when 'promotion' then events.event_category = 'level_promotion'
                    when 'raise' then events.event_category = 'merit_and_cola'
                    when 'termination'
                        then events.event_category in (
                            'experienced_termination', 'retirement', 'reduction_in_force',
                            'new_hire_termination'
                        )
                end,
                false
            ) then 'category'
            when
                (events.probability is null) <> (
                    events.event_type in ('hire', 'transfer', 'raise')
                )
                or events.probability not between 0 and 1 then 'probability'
            when
                (events.previous_compensation is null) <> (events.event_type = 'hire')
                or (events.new_compensation is null) <> (events.event_type = 'termination')
                then 'pay'
            when
                events.event_type <> 'transfer'
                and coalesce(events.previous_department, events.new_department) is not null
                then 'department'
        end as broken_rule
    from {{ ref('fct_yearly_events') }} as events
    -- by the year alone: a join by the fingerprint too takes as long again for a million employees
    left join years
        on events.simulation_year = years.simulation_year
    where events.scenario_id = {{ current_scenario() }}
)

select
    simulation_year,
    employee_id,
    event_type,
    broken_rule
from judged
where broken_rule is not null
