-- The workforce on the day before the first year, complete: a missing level follows from
-- the salary, a missing birth date from a draw of the age at hire that depends on the employee
-- alone, whatever scenario and seed.
with baseline as (
    select
        workforce.*,
        parameters.simulation_year,
        parameters.first_day,
        -- a level follows from the pay at full time
        case
            when workforce.fte < 1
                then round(workforce.annual_compensation / workforce.fte, 2)::decimal(16, 2)
            else workforce.annual_compensation
        end as full_time_compensation
    from {{ ref('stg_baseline_workforce') }} as workforce
    cross join {{ ref('stg_simulation_run') }} as run
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            run.fingerprint = parameters.fingerprint
            and run.start_year = parameters.simulation_year
),

ages as (
    select
        list(age order by age) as ages,
        list(share_to::double order by age) as bounds
    from {{ ref('stg_new_hire_ages') }}
),

drawn as (
    select
        *,
        -- drawn only for those whose birth date is missing
        case
            when birth_date is null
                then {{ draw("'census'", 'employee_id', 'age_at_hire') }}
        end as age_draw,
        case
            when birth_date is null then {{ draw("'census'", 'employee_id', 'birthday') }}
        end as birthday_draw
    from baseline
),

top_level as (
    select max(level) as level from {{ ref('stg_job_levels') }}
),

-- The lowest level whose band ends above the salary; the top level beyond all bands. So a
-- salary in a gap belongs to the level above it, and one in two bands to the lower.
leveled as (
    select
        drawn.*,
        coalesce(drawn.level, levels.level, top_level.level) as imputed_level
    from drawn
    asof left join {{ ref('stg_job_levels') }} as levels
        on drawn.full_time_compensation < levels.max_compensation
    cross join top_level
),

dated as (
    select
        leveled.*,
        coalesce(
            leveled.birth_date,
            (
                leveled.hire_date
                - to_years({{ outcome_of('leveled.age_draw', 'ages.ages', 'ages.bounds') }})
            )::date
            - floor(leveled.birthday_draw * 365)::integer
        ) as imputed_birth_date
    from leveled
    cross join ages
)

select
    dated.scenario_id,
    dated.employee_id,
    dated.hire_date,
    dated.imputed_level as level,
    dated.department,
    dated.annual_compensation,
    dated.termination_date as known_termination_date,
    dated.imputed_birth_date as birth_date,
    dated.birth_date is null as is_birth_date_imputed,
    dated.level is null as is_level_imputed,
    age.years::integer as age,
    tenure.years::integer as tenure_years,
    age.age_band,
    tenure.tenure_band,
    dated.job_family,
    coalesce(dated.fte, 1)::decimal(7, 6) as fte
from dated
inner join {{ ref('int_bands_by_years') }} as age
    on
        dated.simulation_year - 1
        - {{ year_number('dated.imputed_birth_date', 'dated.first_day', 'dated.simulation_year') }}
        = age.years
inner join {{ ref('int_bands_by_years') }} as tenure
    on
        dated.simulation_year - 1
        - {{ year_number('dated.hire_date', 'dated.first_day', 'dated.simulation_year') }}
        = tenure.years
