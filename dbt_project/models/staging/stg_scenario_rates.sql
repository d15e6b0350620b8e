-- What the run's scenario has in place of seeds: a rate for each key of a table.
select
    rates.table_name,
    rates.row_key,
    rates.rate
from {{ source('simulation', 'scenario_rates') }} as rates
inner join {{ ref('stg_simulation_run') }} as run
    on rates.fingerprint = run.fingerprint
