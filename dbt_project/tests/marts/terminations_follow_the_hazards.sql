{{ config(severity="warn", meta={"dagster": {"ref": {"name": "fct_termination_experience"}}}) }}

-- In each age band and each tenure band about as many leave as their chances add up to. The
-- expected count is the variance of a rare event, hence its square root; small bands, for which
-- that is no measure, are left out.
with experience as (
    select
        experience.simulation_year,
        experience.exposed,
        experience.observed,
        experience.expected,
        unnest(
            ['age ' || experience.age_band, 'tenure ' || experience.tenure_band]
        ) as band
    from {{ ref('fct_termination_experience') }} as experience
    where experience.scenario_id = {{ current_scenario() }}
),

by_band as (
    select
        simulation_year,
        band,
        sum(exposed) as exposed,
        sum(observed) as observed,
        sum(expected) as expected
    from experience
    group by simulation_year, band
)

select *
from by_band
where expected >= 25 and abs(observed - expected) > 5 * sqrt(expected)
