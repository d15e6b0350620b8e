-- Who joins in each year, and which of them leave again. It depends on the plan alone, not on
-- the people: level and pay, which follow the workforce, are given in int_employee_years.
with slots as (
    select
        years.*,
        unnest(range(0, years.hires)) as slot
    from {{ ref('int_simulation_years') }} as years
),

hires as (
    select
        *,
        -- six digits or more: lpad would cut the seventh off and give the number twice
        printf('NH-%d-%06d', simulation_year, slot + 1) as employee_id,
        -- days of the year on which somebody may join and still leave within it
        days_in_year - minimum_days_before_leaving as leaving_window
    from slots
),

drawn as (
    select
        *,
        {{ draw('draw_key', 'employee_id', 'hire_date') }} as date_draw,
        -- Day on which the first `new_hire_terminations` slots end. Evenly spread, unless that
        -- leaves too few who may leave again; then these slots are moved into the window.
        least(days_in_year * new_hire_terminations / hires, leaving_window) as early_days
    from hires
),

dated as (
    select
        simulation_year,
        slot,
        employee_id,
        year_start::date + case
            when slot < new_hire_terminations
                then least(
                    floor(early_days * (slot + date_draw) / new_hire_terminations),
                    leaving_window - 1
                )
            else least(
                floor(
                    early_days
                    + (days_in_year - early_days)
                    * (slot - new_hire_terminations + date_draw)
                    / (hires - new_hire_terminations)
                ),
                days_in_year - 1
            )
        end::integer as hire_date
    from drawn
),

-- Leavers are drawn, each alike, among those whom the minimum days fit. Ranked apart from the
-- other columns: a window over all of them takes 0.98 s for a million hires.
leavers as (
    select
        dated.simulation_year,
        dated.slot
    from dated
    inner join {{ ref('int_simulation_years') }} as years
        on dated.simulation_year = years.simulation_year
    where dated.hire_date + years.minimum_days_before_leaving <= years.year_end
    qualify
        row_number() over (
            partition by dated.simulation_year
            order by {{ draw('years.draw_key', 'dated.employee_id', 'leave') }}, dated.slot
        ) <= years.new_hire_terminations
),

ages as (
    select
        list(age order by age) as ages,
        list(share_to::double order by age) as bounds
    from {{ ref('stg_new_hire_ages') }}
),

aged as (
    select
        years.*,
        dated.employee_id,
        dated.hire_date,
        leavers.slot is not null as leaves,
        {{ draw('years.draw_key', 'dated.employee_id', 'age_at_hire') }} as age_draw
    from dated
    inner join {{ ref('int_simulation_years') }} as years
        on dated.simulation_year = years.simulation_year
    left join leavers
        on
            dated.simulation_year = leavers.simulation_year
            and dated.slot = leavers.slot
),

born as (
    select
        aged.*,
        (
            aged.hire_date - to_years({{ outcome_of('aged.age_draw', 'ages.ages', 'ages.bounds') }})
        )::date
        - floor({{ draw('aged.draw_key', 'aged.employee_id', 'birthday') }} * 365)::integer
            as birth_date
    from aged
    cross join ages
)

select
    fingerprint,
    scenario_id,
    simulation_year,
    year_start,
    employee_id,
    hire_date,
    birth_date,
    (simulation_year - 1 - year(birth_date))::integer as opening_age,
    case
        when leaves
            then
                hire_date + minimum_days_before_leaving
                + floor(
                    {{ draw('draw_key', 'employee_id', 'leave_date') }}
                    * (year_end - hire_date - minimum_days_before_leaving + 1)
                )::integer
    end as termination_date,
    floor({{ draw('draw_key', 'employee_id', 'template') }} * start_headcount)::integer
        as template_position,
    {{ draw('draw_key', 'employee_id', 'level') }} as level_draw
from born
