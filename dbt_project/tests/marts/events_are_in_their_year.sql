{{ config(meta={"dagster": {"ref": {"name": "fct_yearly_events"}}}) }}

-- Every event of the run's scenario is on a day of its year.
with years as (
    select
        parameters.simulation_year,
        parameters.first_day,
        parameters.year_end
    from {{ ref('stg_simulation_parameters') }} as parameters
    inner join {{ ref('stg_simulation_run') }} as run
        on parameters.fingerprint = run.fingerprint
)

select
    events.event_id,
    events.effective_date
from {{ ref('fct_yearly_events') }} as events
-- by the year alone: a join by the fingerprint too takes as long again for a million employees
left join years
    on events.simulation_year = years.simulation_year
where
    events.scenario_id = {{ current_scenario() }}
    and not coalesce(events.effective_date between years.first_day and years.year_end, false)
