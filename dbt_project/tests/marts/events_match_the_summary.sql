-- As many events of each kind as the summary of the year counts.
with events as (
    select
        events.simulation_year,
        count(*) as event_count,
        count(*) filter (where events.event_category = 'external_hire') as hires,
        count(*) filter (where events.event_category = 'level_promotion') as promotions,
        count(*) filter (where events.event_category = 'merit_and_cola') as raises,
        count(*) filter (where events.event_category = 'experienced_termination')
            as experienced_terminations,
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
        events.hires = summary.hires
        and events.promotions = summary.promotions
        and events.raises = summary.raises
        and events.experienced_terminations = summary.experienced_terminations
        and events.reductions_in_force = summary.reductions_in_force
        and events.new_hire_terminations = summary.new_hire_terminations
        and events.event_count = summary.hires
        + summary.promotions
        + summary.raises
        + summary.experienced_terminations
        + summary.reductions_in_force
        + summary.new_hire_terminations,
        false
    )
