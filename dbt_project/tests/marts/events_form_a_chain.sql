{{ config(meta={"dagster": {"ref": {"name": "fct_yearly_events"}}}) }}

-- Each employee's events follow each other: numbered from 1 in every year, no date before that
-- of the event before, nothing before the hire or after the termination, and each starts from
-- the pay and level that the event before has left.
--
-- The window sorts every event of the scenario, so its rows are small: the hash of the employee's
-- identifier, `step` for the year and the number in it, and the type as an enumeration. For a
-- million employees that saves half of the time. Two employees of one hash, one chance in ten
-- million, would fail as one chain. `hash` may differ between DuckDB releases; here it lives for
-- one query. Whose rows have failed: `hash(employee_id) = employee`.
with events as (
    select
        hash(events.employee_id) as employee,
        events.simulation_year * 10 + events.event_sequence as step,
        events.event_type::enum(
            'hire', 'transfer', 'promotion', 'raise', 'termination'
        ) as event_type,
        events.effective_date,
        events.previous_compensation,
        events.new_compensation,
        events.previous_level,
        events.new_level
    from {{ ref('fct_yearly_events') }} as events
    where events.scenario_id = {{ current_scenario() }}
),

chained as (
    select
        *,
        lag(step) over chain as last_step,
        lag(event_type) over chain as last_type,
        lag(effective_date) over chain as last_date,
        lag(new_compensation) over chain as known_compensation,
        lag(new_level) over chain as known_level
    from events
    window chain as (partition by employee order by step)
)

select *
from chained
where
    step is distinct from if(step // 10 = last_step // 10, last_step + 1, step // 10 * 10 + 1)
    or effective_date < last_date
    or (step // 10 = last_step // 10 and event_type = last_type)
    -- a rehire alone follows a termination, in a later year
    or (last_type = 'termination') <> (event_type = 'hire')
    or (event_type = 'hire' and step // 10 = last_step // 10)
    or (last_type is not null and known_compensation is distinct from previous_compensation)
    or (last_type is not null and known_level is distinct from previous_level)
