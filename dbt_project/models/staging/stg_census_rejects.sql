select
    scenario_id,
    row_number,
    employee_id,
    reason,
    field,
    value
from {{ source('simulation', 'census_rejects') }}
