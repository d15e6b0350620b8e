-- The outcome of each known event and open position, also of the openings that stay open: by the
-- draw, or because the year needs no further hire.
with events as (
    select
        events.*,
        years.random_seed || '|' || events.simulation_year as draw_key
    from {{ source('simulation', 'known_events') }} as events
    left join {{ ref('stg_simulation_parameters') }} as years
        on
            events.fingerprint = years.fingerprint
            and events.simulation_year = years.simulation_year
),

-- The years that are stored; an event of another has not come yet.
stored as (
    select distinct
        fingerprint,
        simulation_year
    from {{ ref('int_employee_years') }}
),

kept as (
    select distinct fingerprint
    from stored
),

-- The few rows that events are about: joined with all of the ledger, which DuckDB takes for the
-- smaller side, every employee and year would be put into a hash table.
ledger as (
    select
        fingerprint,
        scenario_id,
        simulation_year,
        employee_id,
        is_new_hire,
        department,
        level,
        termination_date,
        transfer_date,
        absence_from
    from {{ ref('int_employee_years') }}
    where
        (fingerprint, simulation_year, employee_id) in (
            select
                named.fingerprint,
                named.simulation_year,
                named.employee_id
            from {{ source('simulation', 'known_events') }} as named
        )
)

select
    events.scenario_id,
    events.simulation_year,
    events.line,
    events.event,
    events.employee_id,
    events.date as known_date,
    events.effective_date,
    coalesce(events.department, ledger.department) as department,
    coalesce(events.level, ledger.level) as level,
    events.reason,
    case
        when stored.simulation_year is null then 'not simulated'
        when
            case events.event
                when 'leave' then ledger.termination_date = events.effective_date
                when 'transfer' then ledger.transfer_date = events.effective_date
                when 'absence' then ledger.absence_from = events.effective_date
                else ledger.is_new_hire
            end
            then if(events.event = 'opening', 'filled', 'happened')
        when events.event <> 'opening' then 'left before'
        when
            events.fill_rate > {{ draw('events.draw_key', 'events.employee_id', 'fill') }}
            then 'no hire left'
        else 'not filled'
    end as outcome,
    events.last_day as known_last_day,
    events.paid_share
from events
-- the events of other fingerprints are those of years that have been replaced
inner join kept
    on events.fingerprint = kept.fingerprint
left join stored
    on
        events.fingerprint = stored.fingerprint
        and events.simulation_year = stored.simulation_year
left join ledger
    on
        events.scenario_id = ledger.scenario_id
        and events.fingerprint = ledger.fingerprint
        and events.simulation_year = ledger.simulation_year
        and events.employee_id = ledger.employee_id
