select
    age_band,
    min_age,
    max_age
from {{ ref('age_bands') }}
