{{ config(meta={"dagster": {"ref": {"name": "int_baseline_workforce"}}}) }}

-- The opening workforce is there, complete, and everybody in it can be placed: a person without a
-- band or level would be missing from a later join, and so from the years.
with run as (
    select
        run.scenario_id,
        run.last_year,
        parameters.first_day - 1 as opening_date
    from {{ ref('stg_simulation_run') }} as run
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            run.fingerprint = parameters.fingerprint
            and run.start_year = parameters.simulation_year
),

expected as (
    select count(*) as row_count
    from {{ ref('stg_baseline_workforce') }}
),

top as (
    select max(level) as level
    from {{ ref('stg_job_levels') }}
),

measured as (
    select
        count(*) as row_count,
        count(distinct baseline.employee_id) as employees,
        count(*) filter (
            where not coalesce(
                baseline.scenario_id = run.scenario_id
                and baseline.annual_compensation > 0
                and baseline.level between 1 and top.level
                and baseline.birth_date < baseline.hire_date
                and baseline.hire_date <= run.opening_date
                -- int_bands_by_years lists the years from 0 to 199
                and run.last_year - year(baseline.birth_date) < 200
                -- the identifiers that hires get
                and not regexp_full_match(baseline.employee_id, 'NH-[0-9]{4}-[0-9]{6,}'),
                false
            )
        ) as rows_out_of_place
    from {{ ref('int_baseline_workforce') }} as baseline
    cross join run
    cross join top
)

select
    measured.*,
    expected.row_count as census_rows
from measured
cross join expected
where
    measured.row_count = 0
    or measured.row_count <> expected.row_count
    or measured.row_count <> measured.employees
    or measured.rows_out_of_place > 0
