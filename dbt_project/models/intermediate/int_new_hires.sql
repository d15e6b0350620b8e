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
        *,
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
        simulation_year,
        slot
    from dated
    where hire_date + minimum_days_before_leaving <= year_end
    qualify
        row_number() over (
            partition by simulation_year
            order by {{ draw('draw_key', 'employee_id', 'leave') }}, slot
        ) <= new_hire_terminations
),

aged as (
    select
        dated.*,
        {{ draw('dated.draw_key', 'dated.employee_id', 'age_at_hire') }} as age_draw
    from dated
)

select
    aged.fingerprint,
    aged.scenario_id,
    aged.simulation_year,
    aged.year_start,
    aged.employee_id,
    aged.hire_date,
    (aged.hire_date - to_years(ages.age))::date
    - floor({{ draw('aged.draw_key', 'aged.employee_id', 'birthday') }} * 365)::integer
        as birth_date,
    case
        when leavers.slot is not null
            then
                aged.hire_date + aged.minimum_days_before_leaving
                + floor(
                    {{ draw('aged.draw_key', 'aged.employee_id', 'leave_date') }}
                    * (aged.year_end - aged.hire_date - aged.minimum_days_before_leaving + 1)
                )::integer
    end as termination_date,
    {{ draw('aged.draw_key', 'aged.employee_id', 'template') }} as template_draw,
    {{ draw('aged.draw_key', 'aged.employee_id', 'level') }} as level_draw
from aged
inner join {{ ref('int_hire_ages_by_draw') }} as ages
    on
        floor(aged.age_draw * 1024)::integer = ages.slice
        and aged.age_draw >= ages.share_from
        and aged.age_draw < ages.share_to
left join leavers
    on
        aged.simulation_year = leavers.simulation_year
        and aged.slot = leavers.slot
