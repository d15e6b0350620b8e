-- The pay bands of the fingerprints that have others than the seed.
select
    fingerprint,
    level,
    min_compensation,
    max_compensation
from {{ source('simulation', 'scenario_levels') }}
