-- One row for each scenario: how many rows of its census were accepted, changed or rejected.
select
    scenario_id,
    census_name,
    rows_read,
    rows_accepted,
    rows_rejected,
    rows_left_before_start,
    rows_without_birth_date,
    rows_without_level,
    reject_share_limit,
    coalesce(rows_set_aside, 0) as rows_set_aside,
    coalesce(rows_leaving_later, 0) as rows_leaving_later
from {{ source('simulation', 'census_data_validation') }}
