-- What Dagster and dbt recorded of finished runs: a row for each model and one for each run.
select
    run_id,
    scenario_id,
    recorded_at,
    scope,
    name,
    status,
    seconds,
    row_count,
    years,
    seconds_limit
from {{ source('simulation', 'pipeline_timings') }}
