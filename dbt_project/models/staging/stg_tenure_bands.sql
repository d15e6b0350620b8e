select
    tenure_band,
    min_tenure,
    max_tenure
from {{ ref('tenure_bands') }}
