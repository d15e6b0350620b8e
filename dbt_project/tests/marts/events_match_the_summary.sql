{{ config(meta={"dagster": {"ref": {"name": "fct_yearly_events"}}}) }}

-- As many events of each kind as the summary of the year counts; in a small workforce a year
-- may have none.
with events as (
    select
        events.simulation_year,
        count(*) as event_count,
        count(*) filter (where events.event_category = 'external_hire') as hires,
        count(*) filter (where events.event_category = 'department_transfer') as transfers,
        count(*) filter (where events.event_category = 'level_promotion') as promotions,
        count(*) filter (where events.event_category = 'merit_and_cola') as raises,
        count(*) filter (
            where events.event_category in ('experienced_termination', 'retirement')
        ) as experienced_terminations,
        count(*) filter (where events.event_category = 'reduction_in_force')
            as reductions_in_force,
        count(*) filter (where events.event_category = 'new_hire_termination')
            as new_hire_terminations
    from {{ ref('fct_yearly_events') }} as events
    where events.scenario_id = {{ current_scenario() }}
    group by events.simulation_year
),

summary as (
    select summary.*
    from {{ ref('fct_year_summary') }} as summary
    where summary.scenario_id = {{ current_scenario() }}
)

select
    summary.simulation_year as summary_year,
    events.*
from summary
full outer join events
    on summary.simulation_year = events.simulation_year
where
    not coalesce(
        coalesce(events.hires, 0) = summary.hires
        and coalesce(events.promotions, 0) = summary.promotions
        and coalesce(events.raises, 0) = summary.raises
        and coalesce(events.experienced_terminations, 0) = summary.experienced_terminations
        and coalesce(events.reductions_in_force, 0) = summary.reductions_in_force
        and coalesce(events.new_hire_terminations, 0) = summary.new_hire_terminations
        and coalesce(events.event_count, 0) = summary.hires
        + coalesce(events.transfers, 0)
        + summary.promotions
        + summary.raises
        + summary.experienced_terminations
        + summary.reductions_in_force
        + summary.new_hire_terminations,
        false
    )
