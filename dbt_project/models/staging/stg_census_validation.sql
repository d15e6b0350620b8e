-- One row for each scenario: what became of the rows of its census.
select
    scenario_id,
    census_name,
    rows_read,
    rows_accepted,
    rows_rejected,
    rows_left_before_start,
    rows_without_birth_date,
    rows_without_level,
    reject_share_limit
from {{ source('simulation', 'census_data_validation') }}
