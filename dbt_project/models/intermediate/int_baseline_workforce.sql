-- The workforce on 31 December before the first year, complete: a missing level follows from
-- the salary, a missing birth date from a stable draw of the age at hire.
with baseline as (
    select
        workforce.*,
        parameters.random_seed || '|' || parameters.scenario_id || '|0' as draw_key
    from {{ ref('stg_baseline_workforce') }} as workforce
    cross join {{ ref('stg_simulation_run') }} as run
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            run.fingerprint = parameters.fingerprint
            and run.start_year = parameters.simulation_year
),

drawn as (
    select
        *,
        {{ draw('draw_key', 'employee_id', 'age_at_hire') }} as age_draw,
        {{ draw('draw_key', 'employee_id', 'birthday') }} as birthday_draw
    from baseline
),

-- The lowest level whose band ends above the salary; the top level beyond all bands. So a
-- salary in a gap belongs to the level above it, and one in two bands to the lower.
leveled as (
    select
        drawn.*,
        coalesce(drawn.level, levels.level, top.level) as imputed_level
    from drawn
    asof left join {{ ref('stg_job_levels') }} as levels
        on drawn.annual_compensation < levels.max_compensation
    cross join (select max(level) as level from {{ ref('stg_job_levels') }}) as top
)

select
    leveled.scenario_id,
    leveled.employee_id,
    leveled.hire_date,
    leveled.imputed_level as level,
    leveled.department,
    leveled.annual_compensation,
    coalesce(
        leveled.birth_date,
        (leveled.hire_date - to_years(ages.age))::date - floor(leveled.birthday_draw * 365)::integer
    ) as birth_date,
    leveled.birth_date is null as is_birth_date_imputed,
    leveled.level is null as is_level_imputed
from leveled
inner join {{ ref('stg_new_hire_ages') }} as ages
    on leveled.age_draw >= ages.share_from and leveled.age_draw < ages.share_to
