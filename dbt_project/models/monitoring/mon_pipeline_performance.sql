-- Durations and row rates as Dagster and dbt recorded them, against the configured limit.
select
    run_id,
    scenario_id,
    recorded_at,
    scope,
    name,
    status as outcome,
    years,
    seconds,
    row_count,
    row_count / nullif(seconds, 0) as rows_per_second,
    seconds_limit,
    case
        when seconds_limit is null then 'not limited'
        when seconds <= seconds_limit then 'pass'
        else 'fail'
    end as status
from {{ ref('stg_pipeline_timings') }}
