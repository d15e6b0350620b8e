{{ config(meta={"dagster": {"ref": {"name": "fct_yearly_events"}}}) }}

-- Each employee's events follow each other: numbered from 1 in every year, no date before that
-- of the event before, nothing before the hire or after the termination, and each starts from
-- the pay and level that the event before has left.
with events as (
    select events.*
    from {{ ref('fct_yearly_events') }} as events
    where events.scenario_id = {{ current_scenario() }}
),

chained as (
    select
        simulation_year,
        employee_id,
        event_type,
        effective_date,
        event_sequence,
        previous_compensation,
        previous_level,
        lag(simulation_year) over chain as last_year,
        lag(event_type) over chain as last_type,
        lag(effective_date) over chain as last_date,
        lag(event_sequence) over chain as last_sequence,
        lag(new_compensation) over chain as known_compensation,
        lag(new_level) over chain as known_level
    from events
    window chain as (partition by employee_id order by simulation_year, event_sequence)
)

select *
from chained
where
    event_sequence is distinct from if(simulation_year = last_year, last_sequence + 1, 1)
    or effective_date < last_date
    or (simulation_year = last_year and event_type = last_type)
    or last_type = 'termination'
    or (event_type = 'hire' and last_type is not null)
    or (last_type is not null and known_compensation is distinct from previous_compensation)
    or (last_type is not null and known_level is distinct from previous_level)
