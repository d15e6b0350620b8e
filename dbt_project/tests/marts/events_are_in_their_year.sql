{{ config(meta={"dagster": {"ref": {"name": "fct_yearly_events"}}}) }}

-- Every event of the run's scenario is on a day of its year.
select
    events.event_id,
    events.effective_date
from {{ ref('fct_yearly_events') }} as events
cross join {{ ref('stg_simulation_run') }} as run
left join {{ ref('stg_simulation_parameters') }} as parameters
    on
        run.fingerprint = parameters.fingerprint
        and events.simulation_year = parameters.simulation_year
where
    events.scenario_id = {{ current_scenario() }}
    and not coalesce(
        events.effective_date between parameters.first_day and parameters.year_end, false
    )
