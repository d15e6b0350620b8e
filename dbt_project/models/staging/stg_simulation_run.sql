-- One row: the run that is being computed. Python writes it before dbt starts, so it is the last.
select
    scenario_id,
    fingerprint,
    run_id,
    start_year,
    first_year,
    last_year,
    requested_at
from {{ source('simulation', 'simulation_run') }}
order by requested_at desc
limit 1
