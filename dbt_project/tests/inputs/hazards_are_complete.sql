{{ config(meta={"dagster": {"ref": {"name": "int_hazards"}}}) }}

-- One row for every combination of age band, tenure band and level, each with a weight that an
-- exponential key can be divided by and a promotion multiplier. Nobody is promoted from the top
-- level.
with size as (
    select
        (
            (select count(*) from {{ ref('stg_age_bands') }})
            * (select count(*) from {{ ref('stg_tenure_bands') }})
            * (select count(*) from {{ ref('stg_job_levels') }})
        ) as combinations
),

measured as (
    select
        count(*) as row_count,
        count(distinct concat_ws('|', hazards.age_band, hazards.tenure_band, hazards.level))
            as distinct_rows,
        count(*) filter (
            where not coalesce(
                hazards.termination_weight > 0
                and isfinite(hazards.termination_weight)
                and hazards.promotion_multiplier >= 0
                and (not levels.is_top_level or hazards.promotion_multiplier = 0),
                false
            )
        ) as rows_out_of_range
    from {{ ref('int_hazards') }} as hazards
    left join {{ ref('stg_job_levels') }} as levels
        on hazards.level = levels.level
)

select
    measured.*,
    size.combinations
from measured
cross join size
where
    measured.row_count <> size.combinations
    or measured.distinct_rows <> size.combinations
    or measured.rows_out_of_range > 0
