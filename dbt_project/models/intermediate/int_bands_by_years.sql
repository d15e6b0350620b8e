-- Which band a number of completed years falls in, for ages and for tenures: a lookup by
-- equality, because a million rows joined by range cost more than the draws themselves.
with completed_years as (
    select unnest(range(0, 200)) as years
)

select
    completed_years.years,
    age.age_band,
    tenure.tenure_band
from completed_years
inner join {{ ref('stg_age_bands') }} as age
    on completed_years.years >= age.min_age and completed_years.years < age.max_age
inner join {{ ref('stg_tenure_bands') }} as tenure
    on completed_years.years >= tenure.min_tenure and completed_years.years < tenure.max_tenure
