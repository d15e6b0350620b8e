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
        'NH-' || simulation_year || '-' || lpad((slot + 1)::varchar, 6, '0') as employee_id,
        -- days of the year on which somebody may join and still leave within it
        days_in_year - minimum_days_before_leaving as leaving_window
    from slots
),

drawn as (
    select
        *,
        {{ draw('draw_key', 'employee_id', 'hire_date') }} as date_draw,
        {{ draw('draw_key', 'employee_id', 'age_at_hire') }} as age_draw,
        {{ draw('draw_key', 'employee_id', 'birthday') }} as birthday_draw,
        {{ draw('draw_key', 'employee_id', 'leave') }} as leave_draw,
        {{ draw('draw_key', 'employee_id', 'leave_date') }} as leave_date_draw,
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

-- Leavers are drawn, each alike, among those whom the minimum days fit.
ranked as (
    select
        *,
        hire_date + minimum_days_before_leaving as first_leaving_date,
        row_number() over (
            partition by simulation_year
            order by
                hire_date + minimum_days_before_leaving > year_end,
                leave_draw,
                employee_id
        ) as leaving_rank
    from dated
)

select
    ranked.fingerprint,
    ranked.scenario_id,
    ranked.simulation_year,
    ranked.year_start,
    ranked.employee_id,
    ranked.hire_date,
    (ranked.hire_date - to_years(ages.age))::date
    - floor(ranked.birthday_draw * 365)::integer as birth_date,
    case
        when ranked.leaving_rank <= ranked.new_hire_terminations
            then
                ranked.first_leaving_date
                + floor(
                    ranked.leave_date_draw * (ranked.year_end - ranked.first_leaving_date + 1)
                )::integer
    end as termination_date,
    {{ draw('ranked.draw_key', 'ranked.employee_id', 'template') }} as template_draw,
    {{ draw('ranked.draw_key', 'ranked.employee_id', 'level') }} as level_draw
from ranked
inner join {{ ref('stg_new_hire_ages') }} as ages
    on ranked.age_draw >= ages.share_from and ranked.age_draw < ages.share_to
