-- What recent joiners of the census are paid, by level and department, and by level alone, where
-- there are enough of them. Elsewhere the pay of hires is drawn within the band.
with joiners as (
    select
        level,
        department,
        annual_compensation,
        minimum_recent_joiners,
        fte
    from {{ ref('int_hire_templates') }}
    where is_recent_joiner
),

cells as (
    select
        joiners.*,
        false as is_any_department
    from joiners

    union all

    select
        level,
        null as department,
        annual_compensation,
        minimum_recent_joiners,
        fte,
        true as is_any_department
    from joiners
)

select
    level,
    department,
    is_any_department,
    count(*) over (partition by level, department, is_any_department) as joiners,
    row_number() over (
        partition by level, department, is_any_department order by annual_compensation, fte
    ) - 1 as position,
    annual_compensation,
    fte
from cells
qualify
    count(*) over (partition by level, department, is_any_department)
    >= minimum_recent_joiners
