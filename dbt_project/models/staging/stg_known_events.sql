-- What is known ahead of the people of the run's scenario, and its open positions.
select
    events.line,
    events.event,
    events.employee_id,
    events.effective_date,
    events.simulation_year,
    events.department,
    events.level,
    events.pay,
    events.fill_rate,
    events.days_to_fill,
    events.job_family,
    events.fte,
    events.last_day,
    events.paid_share
from {{ source('simulation', 'known_events') }} as events
inner join {{ ref('stg_simulation_run') }} as run
    on events.fingerprint = run.fingerprint
