{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- Within each band, the lowest and the highest age and tenure lie between the band's bounds.
with placed as (
    select
        ledger.opening_age_band,
        ledger.opening_tenure_band,
        ledger.age_band,
        ledger.tenure_band,
        min(ledger.opening_age) as lowest_opening_age,
        max(ledger.opening_age) as highest_opening_age,
        min(ledger.opening_tenure) as lowest_opening_tenure,
        max(ledger.opening_tenure) as highest_opening_tenure,
        min(ledger.age) as lowest_age,
        max(ledger.age) as highest_age,
        min(ledger.tenure_years) as lowest_tenure,
        max(ledger.tenure_years) as highest_tenure
    from {{ ref('int_employee_years') }} as ledger
    where ledger.scenario_id = {{ current_scenario() }}
    group by
        ledger.opening_age_band, ledger.opening_tenure_band, ledger.age_band, ledger.tenure_band
)

select placed.*
from placed
left join {{ ref('stg_age_bands') }} as opening_ages
    on placed.opening_age_band = opening_ages.age_band
left join {{ ref('stg_tenure_bands') }} as opening_tenures
    on placed.opening_tenure_band = opening_tenures.tenure_band
left join {{ ref('stg_age_bands') }} as ages
    on placed.age_band = ages.age_band
left join {{ ref('stg_tenure_bands') }} as tenures
    on placed.tenure_band = tenures.tenure_band
where
    not coalesce(
        placed.lowest_opening_age >= opening_ages.min_age
        and placed.highest_opening_age < opening_ages.max_age
        and placed.lowest_opening_tenure >= opening_tenures.min_tenure
        and placed.highest_opening_tenure < opening_tenures.max_tenure
        and placed.lowest_age >= ages.min_age
        and placed.highest_age < ages.max_age
        and placed.lowest_tenure >= tenures.min_tenure
        and placed.highest_tenure < tenures.max_tenure,
        false
    )
