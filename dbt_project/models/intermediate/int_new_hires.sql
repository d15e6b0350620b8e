-- Who joins in each year, as what and for how much, and which of them leave again. The hire of a
-- number is the same person in every scenario: all depends on year, number and census alone, so
-- that more growth adds hires and changes none. Departments or job families with a target of their
-- own have numbers of their own, and as many hires as the year may need of them; who leaves decides
-- how many join.
with departments as (
    select
        years.*,
        unnest(range(0, coalesce(len(years.hire_pools), 1))) as department_group
    from {{ ref('int_simulation_years') }} as years
),

slots as (
    select
        years.fingerprint,
        years.scenario_id,
        years.simulation_year,
        years.year_start,
        years.first_day,
        years.year_end,
        years.days_in_year,
        years.draw_key,
        years.new_hire_termination_millionths,
        years.minimum_days_before_leaving,
        years.department_group,
        coalesce(
            years.growth_departments[years.department_group],
            years.growth_job_families[years.department_group]
        ) as growth_unit,
        if(years.growth_job_families is null, null, years.department_group) as family_group,
        coalesce(years.new_hire_terminations > 0, years.new_hire_termination_millionths > 0)
            as has_leavers,
        unnest(
            range(0, coalesce(years.hire_pools[years.department_group + 1], years.hires))
        ) as slot
    from departments as years
),

-- Known joiners, and after them the positions that are filled, take the places of the first hires
-- who stay.
known as (
    select
        events.*,
        {{ growth_group('years', 'events.department', 'events.job_family') }}
            as department_group,
        case
            when
                coalesce(
                    years.new_hire_terminations > 0, years.new_hire_termination_millionths > 0
                )
                then {{ ceil_div(
                    '(row_number() over in_order * 1000000)',
                    '(1000000 - years.new_hire_termination_millionths)'
                ) }}
            else row_number() over in_order
        end - 1 as slot
    from {{ ref('stg_known_events') }} as events
    inner join {{ ref('int_simulation_years') }} as years
        on events.simulation_year = years.simulation_year
    where
        events.event in ('join', 'rehire')
        or (
            events.event = 'opening'
            and events.fill_rate > {{ draw('years.draw_key', 'events.employee_id', 'fill') }}
        )
    window in_order as (
        partition by
            events.simulation_year,
            {{ growth_group('years', 'events.department', 'events.job_family') }}
        order by events.event = 'opening', events.effective_date, events.employee_id
    )
),

hires as (
    select
        slots.*,
        coalesce(
            known.employee_id,
            -- six digits or more: lpad would cut the seventh off and give the number twice
            printf(
                'NH-%d-%s%06d',
                slots.simulation_year,
                coalesce(slots.growth_unit || '-', ''),
                slots.slot + 1
            )
        ) as employee_id,
        known.employee_id is not null as is_known,
        known.effective_date as known_hire_date,
        known.department as known_department,
        known.level as known_level,
        known.pay as known_pay,
        known.job_family as known_job_family,
        known.fte as known_fte,
        -- days of the year on which somebody may join and still leave within it
        slots.days_in_year - slots.minimum_days_before_leaving as leaving_window,
        -- The j-th who stays is the ceil(j / (1 - rate))-th hire. So the first hires that have the
        -- planned number of stayers have the planned number of leavers too.
        slots.has_leavers
        and (slots.slot + 1) * (1000000 - slots.new_hire_termination_millionths) // 1000000
        = slots.slot * (1000000 - slots.new_hire_termination_millionths) // 1000000 as leaves
    from slots
    left join known
        on
            slots.simulation_year = known.simulation_year
            and slots.department_group = known.department_group
            and slots.slot = known.slot
),

drawn as (
    select
        *,
        new_hire_termination_millionths / 1000000 as leaving_rate,
        {{ draw('draw_key', 'employee_id', 'hire_date') }} as date_draw,
        {{ draw('draw_key', 'employee_id', 'age_at_hire') }} as age_draw,
        -- drawn only where a mix of levels is configured
        case
            when exists (from {{ ref('stg_hire_level_mix') }})
                then {{ draw('draw_key', 'employee_id', 'level') }}
        end as level_draw,
        {{ draw('draw_key', 'employee_id', 'pay') }} as pay_draw
    from hires
),

dated as (
    select
        *,
        coalesce(known_hire_date, first_day + case
            when leaves then {{ hire_day_of_leaver('date_draw', 'leaving_window') }}
            else {{ hire_day_of_stayer(
                'date_draw', 'days_in_year', 'leaving_rate', 'leaving_window'
            ) }}
        end::integer) as hire_date
    from drawn
),

ages as (
    select
        list(age order by age) as ages,
        list(share_to::double order by age) as bounds
    from {{ ref('stg_new_hire_ages') }}
),

buckets as (
    select
        department_group,
        count(*) as number
    from {{ ref('int_hire_templates') }}
    group by department_group
),

-- The templates by the buckets that their shares reach into, so that a draw is looked up by
-- equality: for a join by range alone, DuckDB compares every draw with every share.
templates as (
    select
        templates.*,
        unnest(
            range(
                floor(templates.share_from * buckets.number)::bigint,
                floor(templates.share_to * buckets.number)::bigint + 1
            )
        ) as bucket
    from {{ ref('int_hire_templates') }} as templates
    inner join buckets
        on templates.department_group = buckets.department_group
),

born as (
    select
        dated.*,
        (
            dated.hire_date
            - to_years({{ outcome_of('dated.age_draw', 'ages.ages', 'ages.bounds') }})
        )::date
        - floor({{ draw('dated.draw_key', 'dated.employee_id', 'birthday') }} * 365)::integer
            as drawn_birth_date,
        {{ draw('dated.draw_key', 'dated.employee_id', 'template') }} as template_draw
    from dated
    cross join ages
),

placed as (
    select
        born.*,
        coalesce(born.known_department, templates.department) as department,
        coalesce(born.known_level, mix.level, templates.level) as level
    from born
    inner join buckets
        on born.department_group = buckets.department_group
    inner join templates
        on
            born.department_group = templates.department_group
            and floor(born.template_draw * buckets.number)::bigint = templates.bucket
            and born.template_draw >= templates.share_from
            and born.template_draw < templates.share_to
    left join {{ ref('stg_hire_level_mix') }} as mix
        on
            born.fingerprint = mix.fingerprint
            and born.level_draw >= mix.share_from
            and born.level_draw < mix.share_to
),

-- One row of each cell. As distinct rows of all joiners they would be taken for many, so that
-- the hires went into a hash table instead.
pay_cells as (
    select
        level,
        department,
        is_any_department,
        joiners
    from {{ ref('int_hire_pay') }}
    where position = 0
),

-- The recent joiner whose pay a hire gets: of the level and department, else of the level.
paired as (
    select
        placed.*,
        coalesce(of_department.is_any_department, of_level.is_any_department) as is_any_department,
        floor(placed.pay_draw * coalesce(of_department.joiners, of_level.joiners))::bigint
            as pay_position
    from placed
    left join pay_cells as of_department
        on
            placed.level = of_department.level
            and placed.department is not distinct from of_department.department
            and not of_department.is_any_department
    left join pay_cells as of_level
        on
            placed.level = of_level.level
            and of_level.is_any_department
),

paid as (
    select
        paired.*,
        coalesce(
            pay.annual_compensation::double,
            levels.min_compensation
            + (levels.max_compensation - levels.min_compensation) * greatest(0, least(
                1,
                coalesce(
                    years.hire_pay_percentiles[
                        list_position(years.hire_pay_levels, paired.level)
                    ],
                    years.hire_pay_percentile
                )
                + years.hire_pay_spread * (2 * paired.pay_draw - 1)
            ))
        ) * case
            when paired.hire_date < years.raise_date then years.band_index
            else years.band_index_after_raises
        end as compensation,
        -- the working time comes with the pay, because it is pay as paid
        coalesce(
            paired.known_fte, if(paired.known_pay is null, pay.fte, null), 1
        )::decimal(7, 6) as fte
    from paired
    inner join {{ ref('int_simulation_years') }} as years
        on paired.simulation_year = years.simulation_year
    inner join {{ ref('stg_job_levels') }} as levels
        on paired.level = levels.level
    left join {{ ref('int_hire_pay') }} as pay
        on
            paired.level = pay.level
            and paired.is_any_department = pay.is_any_department
            and paired.pay_position = pay.position
            and if(paired.is_any_department, null, paired.department)
            is not distinct from pay.department
),

-- The job families that hires are drawn from: those of the level and department, else of the
-- department, else of all. Nobody in one, no row, and nothing is drawn.
templates_by_scope as (
    select
        'level' as scope,
        family_group,
        department,
        level,
        job_family,
        job_family_weight
    from {{ ref('int_hire_templates') }}

    union all

    select
        'department' as scope,
        family_group,
        department,
        null as level,
        job_family,
        job_family_weight
    from {{ ref('int_hire_templates') }}

    union all

    select
        'all' as scope,
        family_group,
        null as department,
        null as level,
        job_family,
        job_family_weight
    from {{ ref('int_hire_templates') }}
),

families as (
    select
        scope,
        family_group,
        department,
        level,
        job_family,
        sum(job_family_weight) as weight
    from templates_by_scope
    where (select count(templates.job_family) from {{ ref('int_hire_templates') }} as templates) > 0
    group by scope, family_group, department, level, job_family
),

family_shares as (
    select
        scope,
        family_group,
        department,
        level,
        job_family,
        (
            sum(weight) over (
                partition by scope, family_group, department, level
                order by job_family nulls last
            )
        )::double
        / (sum(weight) over (partition by scope, family_group, department, level))::double
            as share_to
    from families
),

family_mixes as (
    select
        scope,
        family_group,
        department,
        level,
        list(job_family order by job_family nulls last) as job_families,
        list(share_to order by job_family nulls last) as bounds
    from family_shares
    group by scope, family_group, department, level
),

-- Who comes back was born when they were. Joined last: among the known events above, DuckDB takes
-- them for as many as the workforce, and compares every draw with every share of the templates.
rehired as (
    select
        employee_id,
        birth_date
    from {{ ref('int_baseline_workforce') }}
    where
        employee_id in (
            select events.employee_id
            from {{ ref('stg_known_events') }} as events
            where events.event = 'rehire'
        )
),

in_a_family as (
    select
        paid.*,
        coalesce(rehired.birth_date, paid.drawn_birth_date) as birth_date,
        coalesce(of_level.job_families, of_department.job_families, of_all.job_families)
            as job_families,
        coalesce(of_level.bounds, of_department.bounds, of_all.bounds) as family_bounds,
        case
            when of_all.scope is not null
                then {{ draw('paid.draw_key', 'paid.employee_id', 'job_family') }}
        end as family_draw
    from paid
    left join family_mixes as of_level
        on
            of_level.scope = 'level'
            and paid.family_group is not distinct from of_level.family_group
            and paid.level = of_level.level
            and paid.department is not distinct from of_level.department
    left join family_mixes as of_department
        on
            of_department.scope = 'department'
            and paid.family_group is not distinct from of_department.family_group
            and paid.department is not distinct from of_department.department
    left join family_mixes as of_all
        on
            of_all.scope = 'all'
            and paid.family_group is not distinct from of_all.family_group
    left join rehired
        on paid.is_known and paid.employee_id = rehired.employee_id
)

select
    fingerprint,
    scenario_id,
    simulation_year,
    year_start,
    employee_id,
    hire_date,
    birth_date,
    (simulation_year - 1 - {{ year_number('birth_date', 'first_day', 'simulation_year') }})::integer
        as opening_age,
    case
        when leaves
            then
                hire_date + minimum_days_before_leaving
                + floor(
                    {{ draw('draw_key', 'employee_id', 'leave_date') }}
                    * (year_end - hire_date - minimum_days_before_leaving + 1)
                )::integer
    end as termination_date,
    if(is_known, 0, leaving_rate) as termination_probability,
    department,
    level,
    coalesce(known_pay, round(compensation, 2)::decimal(16, 2)) as annual_compensation,
    department_group::integer as department_group,
    slot + 1 as number,
    coalesce(
        known_job_family, {{ outcome_of('family_draw', 'job_families', 'family_bounds') }}
    )::varchar as job_family,
    fte
from in_a_family
