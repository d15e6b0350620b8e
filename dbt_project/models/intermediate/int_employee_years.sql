{{
    config(
        materialized="incremental",
        incremental_strategy="microbatch",
        meta={"batch_strategy": "scenario_years"},
        event_time="year_start",
        batch_size="year",
        begin="2000-01-01",
        concurrent_batches=false,
        on_schema_change="fail" if dbt_version.startswith("1.") else "ignore"
    )
}}

-- The ledger: one row for each employee and year with all that happened to them in it. Every
-- year is one batch, one transaction, and starts from the rows that the year before left in
-- this same table.

with prior_year as (
    select
        baseline.employee_id,
        baseline.birth_date,
        baseline.hire_date,
        baseline.department,
        baseline.job_family,
        baseline.level,
        baseline.level as entry_level,
        baseline.annual_compensation,
        baseline.age as opening_age,
        baseline.tenure_years as opening_tenure,
        baseline.age_band as opening_age_band,
        baseline.tenure_band as opening_tenure_band,
        coalesce(baseline.fte, 1) as fte
    from {{ ref('int_baseline_workforce') }} as baseline
    inner join {{ ref('int_simulation_years') }} as year
        on year.is_start_year
    {% if is_incremental() %}
    union all
    select
        ledger.employee_id,
        ledger.birth_date,
        ledger.hire_date,
        ledger.department,
        ledger.job_family,
        ledger.level,
        ledger.entry_level,
        ledger.annual_compensation,
        ledger.age as opening_age,
        ledger.tenure_years as opening_tenure,
        ledger.age_band as opening_age_band,
        ledger.tenure_band as opening_tenure_band,
        -- null in the years of releases before it was added
        coalesce(ledger.fte, 1) as fte
    from {{ this }} as ledger
    inner join {{ ref('int_simulation_years') }} as year
        on
            not year.is_start_year
            and ledger.scenario_id = year.scenario_id
            and ledger.fingerprint = year.fingerprint
            and ledger.simulation_year = year.simulation_year - 1
    where ledger.termination_date is null
    {% endif %}
),

-- dbt goes on with 2028 when 2027 has failed; without this guard, from an empty state. It is a
-- filter because DuckDB leaves out a column that nobody reads, and an error in it.
year as (
    select *
    from {{ ref('int_simulation_years') }}
    where
        case
            when start_headcount = (select count(*) from prior_year) then true
            else error(
                'year ' || simulation_year || ' of scenario ' || scenario_id || ' needs '
                || start_headcount
                || ' employees at its start, the state of the year before has '
                || (select count(*) from prior_year) || ': simulate that year first'
            )::boolean
        end
),

retirement as (
    select
        ages.years as age,
        coalesce(
            year.retirement_probabilities[
                len(list_filter(year.retirement_ages, lambda age: age <= ages.years))
            ],
            0
        ) as probability
    from {{ ref('int_bands_by_years') }} as ages
    cross join year
),

-- Those who are known to leave, or to be transferred, in this year or a later one.
known_dates as (
    select
        employee_id,
        'leave' as kind,
        known_termination_date as effective_date,
        null as department
    from {{ ref('int_baseline_workforce') }}
    where known_termination_date is not null

    union all

    select
        employee_id,
        event as kind,
        effective_date,
        department
    from {{ ref('stg_known_events') }}
    where event in ('leave', 'transfer')
),

known as (
    select
        known_dates.employee_id,
        min(known_dates.effective_date) filter (where known_dates.kind = 'leave')
            as termination_date,
        coalesce(
            bool_or(known_dates.kind = 'leave' and known_dates.effective_date <= year.year_end),
            false
        ) as leaves_now,
        min(known_dates.effective_date) filter (
            where known_dates.kind = 'transfer' and known_dates.effective_date <= year.year_end
        ) as transfer_date,
        min(known_dates.department) filter (
            where known_dates.kind = 'transfer' and known_dates.effective_date <= year.year_end
        ) as new_department
    from known_dates
    inner join year
        on known_dates.effective_date >= year.first_day
    group by known_dates.employee_id
),

departments as (
    select
        row_key as department,
        rate as multiplier
    from {{ ref('stg_scenario_rates') }}
    where table_name = 'leaving_by_department'
),

-- Each with a row of its own for a department, or with `*` for the others.
families as (
    select
        table_name,
        split_part(row_key, chr(31), 1) as job_family,
        split_part(row_key, chr(31), 2) as department,
        rate
    from {{ ref('stg_scenario_rates') }}
    where table_name in ('leaving_by_job_family', 'cola_by_job_family', 'merit_by_job_family')
),

weighed as (
    select
        prior_year.*,
        hazards.termination_weight * coalesce(departments.multiplier, 1)
        * coalesce(in_department.rate, in_others.rate, 1) as leaving_weight
    from prior_year
    inner join {{ ref('int_hazards') }} as hazards
        on
            prior_year.opening_age_band = hazards.age_band
            and prior_year.opening_tenure_band = hazards.tenure_band
            and prior_year.entry_level = hazards.level
    left join departments
        on prior_year.department = departments.department
    left join families as in_department
        on
            in_department.table_name = 'leaving_by_job_family'
            and prior_year.job_family = in_department.job_family
            and prior_year.department = in_department.department
    left join families as in_others
        on
            in_others.table_name = 'leaving_by_job_family'
            and prior_year.job_family = in_others.job_family
            and in_others.department = '*'
),

-- Who is known to leave is certain to in that year, and sure to stay until then.
-- The chance to leave goes by the level at entry, so that another promotion policy changes pay
-- and not who leaves.
at_risk as (
    select
        weighed.*,
        known.leaves_now,
        if(known.leaves_now, known.termination_date, null) as known_termination_date,
        known.transfer_date as known_transfer_date,
        known.new_department,
        if(not coalesce(known.leaves_now, true), 0, weighed.leaving_weight)
            as termination_weight,
        coalesce(known.leaves_now::double, retirement.probability) as retirement_probability,
        -- drawn only for those who may retire: `and` would draw for everybody
        case
            when known.leaves_now is null and retirement.probability > 0
                then
                    retirement.probability
                    > {{ draw('year.draw_key', 'weighed.employee_id', 'retirement') }}
            else false
        end as retires,
        least(1, year.promotion_rate * promoting.promotion_multiplier) as promotion_probability,
        {{ exponential_key(
            draw('year.draw_key', 'weighed.employee_id', 'leave'), 'weighed.leaving_weight'
        ) }} as leaving_key
    from weighed
    cross join year
    inner join {{ ref('int_hazards') }} as promoting
        on
            weighed.opening_age_band = promoting.age_band
            and weighed.opening_tenure_band = promoting.tenure_band
            and weighed.level = promoting.level
    -- not an inner join, for which the hazards would be multiplied by the ages
    left join retirement
        on weighed.opening_age = retirement.age
    left join known
        on weighed.employee_id = known.employee_id
),

-- Ranked apart from the other columns: a window over all of them takes 0.84 s for a million
-- employees, over these 0.15 s. It takes the columns of what it reads, so they are selected first.
leaving_chances as (
    select
        employee_id,
        leaving_key,
        retires,
        leaves_now,
        known_termination_date
    from at_risk
),

leaving_order as (
    select
        *,
        row_number() over (
            -- null, for almost all, between those who leave now and those who leave later; within
            -- them, who retires comes first. As one small number: two keys of four bytes make the
            -- sorted rows so wide that a million take 0.6 s instead of 0.2.
            order by
                (
                    case leaves_now when true then 0 when false then 4 else 2 end
                    - retires::integer
                )::tinyint asc,
                leaving_key asc,
                employee_id asc
        ) as place
    from leaving_chances
),

-- Those who do not leave otherwise, where reductions in force may come: in a year without them,
-- nobody. Departments or job families with a target of their own are known by their places and all
-- others as 0, each employee by the department at the end of the year.
remaining as (
    select
        leaving_order.employee_id,
        leaving_order.leaves_now,
        leaving_order.leaving_key,
        prior_year.department,
        prior_year.job_family,
        prior_year.hire_date,
        prior_year.level,
        {{ growth_group(
            'year',
            'coalesce(known.new_department, prior_year.department)',
            'prior_year.job_family'
        ) }} as department_group
    from leaving_order
    -- joined one by one, so that nothing is looked up in a year without reductions
    inner join year
        on
            (year.reductions_in_force > 0 or year.department_targets is not null)
            and leaving_order.place > year.experienced_terminations
    inner join prior_year
        on leaving_order.employee_id = prior_year.employee_id
    left join known
        on leaving_order.employee_id = known.employee_id
),

department_targets as (
    select
        new_hire_termination_millionths,
        unnest(range(0, len(department_targets))) as department_group,
        unnest(department_targets) as target_headcount,
        unnest(department_joiners) as joiners
    from year
),

department_needs as (
    select
        department_targets.department_group,
        department_targets.joiners,
        department_targets.new_hire_termination_millionths,
        department_targets.target_headcount - count(remaining.employee_id) as net_demand
    from department_targets
    left join remaining
        on department_targets.department_group = remaining.department_group
    group by
        department_targets.department_group,
        department_targets.joiners,
        department_targets.new_hire_termination_millionths,
        department_targets.target_headcount
),

-- What the plan does for everybody, for each of them: where more are known to join than are needed,
-- nobody else is hired, and so many more leave. Without a target by department, no row.
department_movements as (
    select
        department_group,
        net_demand >= joiners as is_hiring_others,
        {{ ceil_div(
            '(greatest(net_demand, joiners) * 1000000)',
            '(1000000 - new_hire_termination_millionths)'
        ) }} as hires,
        greatest(net_demand, joiners) - net_demand as reductions_in_force
    from department_needs
),

-- The reductions in force, by the configured rule.
reductions as (
    select remaining.employee_id
    from remaining
    cross join year
    left join department_movements
        on remaining.department_group = department_movements.department_group
    qualify
        row_number() over (
            partition by remaining.department_group
            order by
                remaining.leaves_now is not null,
                list_position(year.reduction_departments, remaining.department) nulls last,
                list_position(year.reduction_job_families, remaining.job_family) nulls last,
                case year.reduction_order
                    when 'least_tenure' then year.year_end - remaining.hire_date
                    when 'lowest_level' then remaining.level
                    else 0
                end,
                remaining.leaving_key,
                remaining.employee_id
        ) <= coalesce(department_movements.reductions_in_force, year.reductions_in_force)
),

-- Exactly as many leave as planned: those who are known to, those who retire, then those with the
-- smallest keys.
leavers as (
    select
        leaving_order.employee_id,
        if(leaving_order.retires, 'retirement', 'experienced_termination') as termination_category,
        coalesce(
            leaving_order.known_termination_date,
            year.first_day + floor(
                {{ draw('year.draw_key', 'leaving_order.employee_id', 'leave_date') }}
                * year.days_in_year
            )::integer
        ) as termination_date
    from leaving_order
    cross join year
    where leaving_order.place <= year.experienced_terminations

    union all

    select
        reductions.employee_id,
        'reduction_in_force' as termination_category,
        year.reduction_date as termination_date
    from reductions
    cross join year
),

-- With exponential keys the chance to leave is 1 - exp(-weight x threshold); the threshold is the
-- one at which the chances add up to the plan.
cells as (
    select
        termination_weight as weight,
        retirement_probability as retirement,
        count(*) as employees
    from at_risk
    group by termination_weight, retirement_probability
),

all_cells as (
    select list(cells order by cells.weight, cells.retirement) as cells
    from cells
),

threshold as (
    select {{ leaving_threshold('all_cells.cells', 'year.experienced_terminations') }} -- noqa: PRS
        as largest_key
    from all_cells
    cross join year
),

experienced as (
    select
        at_risk.*,
        at_risk.retirement_probability + (1 - at_risk.retirement_probability)
        * (1 - exp(-at_risk.termination_weight * threshold.largest_key)) as termination_probability,
        leavers.termination_category,
        leavers.termination_date,
        case
            when coalesce(leavers.termination_date >= at_risk.known_transfer_date, true)
                then at_risk.known_transfer_date
        end as transfer_date,
        case
            when
                coalesce(leavers.termination_date >= year.promotion_date, true)
                and at_risk.opening_tenure >= year.promotion_minimum_tenure
                and at_risk.opening_age < year.promotion_age_limit
                and at_risk.promotion_probability > 0
                then
                    at_risk.promotion_probability
                    > {{ draw('year.draw_key', 'at_risk.employee_id', 'promotion') }}
            else false
        end as is_promoted
    from at_risk
    cross join year
    cross join threshold
    left join leavers
        on at_risk.employee_id = leavers.employee_id
),

-- A promotion lifts pay at least to where the new level's band starts.
promoted as (
    select
        experienced.*,
        experienced.level + experienced.is_promoted::integer as new_level,
        case
            when experienced.is_promoted
                then greatest(
                    round(levels.min_compensation * year.band_index * experienced.fte, 2),
                    round(
                        experienced.annual_compensation * (1 + least(
                            year.promotion_increase_cap,
                            year.promotion_increase + year.promotion_increase_spread
                            * (2 * {{ draw(
                                'year.draw_key', 'experienced.employee_id', 'promotion_increase'
                            ) }} - 1)
                        )),
                        2
                    )
                )::decimal(16, 2)
            else experienced.annual_compensation
        end as compensation_after_promotion
    from experienced
    cross join year
    inner join {{ ref('stg_job_levels') }} as levels
        on experienced.level + experienced.is_promoted::integer = levels.level
),

everyone as (
    select
        employee_id,
        false as is_new_hire,
        birth_date,
        hire_date,
        if(transfer_date is null, department, new_department) as department,
        transfer_date,
        if(transfer_date is null, null, department) as transferred_from,
        job_family,
        entry_level,
        opening_age,
        opening_tenure,
        opening_age_band,
        opening_tenure_band,
        level as opening_level,
        annual_compensation as opening_compensation,
        termination_date,
        termination_category,
        termination_probability,
        is_promoted,
        promotion_probability,
        new_level as level,
        compensation_after_promotion,
        fte
    from promoted

    union all

    select
        hires.employee_id,
        true as is_new_hire,
        hires.birth_date,
        hires.hire_date,
        hires.department,
        null as transfer_date,
        null as transferred_from,
        hires.job_family,
        hires.level as entry_level,
        hires.opening_age,
        0 as opening_tenure,
        age.age_band as opening_age_band,
        tenure.tenure_band as opening_tenure_band,
        hires.level as opening_level,
        hires.annual_compensation as opening_compensation,
        hires.termination_date,
        case
            when hires.termination_date is not null then 'new_hire_termination'
        end as termination_category,
        hires.termination_probability,
        false as is_promoted,
        null as promotion_probability,
        hires.level,
        hires.annual_compensation as compensation_after_promotion,
        coalesce(hires.fte, 1) as fte
    from {{ ref('int_new_hires') }} as hires
    inner join year
        on hires.simulation_year = year.simulation_year
    inner join {{ ref('int_bands_by_years') }} as age
        on hires.opening_age = age.years
    inner join {{ ref('int_bands_by_years') }} as tenure
        on tenure.years = 0
    left join department_movements
        on hires.department_group = department_movements.department_group
    where
        department_movements.department_group is null
        or (
            hires.number <= department_movements.hires
            and (department_movements.is_hiring_others or hires.termination_date is null)
        )
),

-- Points of both raises in one row, so that each employee is looked up once for both.
raising as (
    select
        row_key as department,
        max(rate) filter (where table_name = 'cola_by_department') as cola,
        max(rate) filter (where table_name = 'merit_by_department') as merit
    from {{ ref('stg_scenario_rates') }}
    where table_name in ('cola_by_department', 'merit_by_department')
    group by row_key
),

raising_families as (
    select
        job_family,
        department,
        max(rate) filter (where table_name = 'cola_by_job_family') as cola,
        max(rate) filter (where table_name = 'merit_by_job_family') as merit
    from families
    where table_name in ('cola_by_job_family', 'merit_by_job_family')
    group by job_family, department
),

-- Everybody with the department on the raise date.
on_raise_date as (
    select
        everyone.*,
        if(
            everyone.transfer_date > year.raise_date,
            everyone.transferred_from,
            everyone.department
        ) as raise_department
    from everyone
    cross join year
),

-- Who is employed on the raise date gets the cost of living and the merit, each from its own
-- tenure on.
entitled as (
    select
        everyone.*,
        levels.merit_rate,
        greatest(
            0,
            year.cola_rate + coalesce(raising.cola, 0)
            + coalesce(in_department.cola, in_others.cola, 0)
        ) as cola_rate,
        coalesce(raising.merit, 0) + coalesce(in_department.merit, in_others.merit, 0)
            as merit_points,
        -- hired so long before, the employee has the completed years on the raise date
        coalesce(everyone.termination_date >= year.raise_date, true)
        and everyone.hire_date <= year.raise_date - to_years(year.cola_minimum_tenure) as has_cola,
        coalesce(everyone.termination_date >= year.raise_date, true)
        and everyone.hire_date <= year.raise_date - to_years(year.raise_minimum_tenure)
            as has_merit
    from on_raise_date as everyone
    cross join year
    inner join {{ ref('stg_job_levels') }} as levels
        on everyone.level = levels.level
    left join raising
        on everyone.raise_department = raising.department
    left join raising_families as in_department
        on
            everyone.job_family = in_department.job_family
            and everyone.raise_department = in_department.department
    left join raising_families as in_others
        on everyone.job_family = in_others.job_family and in_others.department = '*'
),

-- The factor that makes the payroll-weighted mean of the merits the budget, before points are
-- added. Sums are over decimals, so they do not depend on the order in which threads add.
merit as (
    select
        year.merit_budget * sum(entitled.compensation_after_promotion)
        / sum(entitled.compensation_after_promotion * entitled.merit_rate) as scale
    from entitled
    cross join year
    where entitled.has_merit
    group by year.merit_budget
),

raised as (
    select
        entitled.*,
        entitled.has_cola or entitled.has_merit as is_raised,
        case
            when entitled.has_cola or entitled.has_merit
                then round(
                    entitled.compensation_after_promotion * (
                        1
                        + if(
                            entitled.has_merit,
                            greatest(
                                0, entitled.merit_rate * merit.scale + entitled.merit_points
                            ),
                            0
                        )
                        + if(entitled.has_cola, entitled.cola_rate, 0)
                    ),
                    2
                )::decimal(16, 2)
            else entitled.compensation_after_promotion
        end as annual_compensation
    from entitled
    cross join year
    left join merit
        on entitled.has_merit
),

-- One of each employee in a year; it may have begun before it.
absences as (
    select
        events.employee_id,
        greatest(events.effective_date, year.first_day) as absence_from,
        least(events.last_day, year.year_end) as absence_until,
        events.paid_share as absence_paid_share
    from {{ ref('stg_known_events') }} as events
    inner join year
        on events.effective_date <= year.year_end and events.last_day >= year.first_day
    where events.event = 'absence'
),

paid as (
    select
        raised.*,
        absences.absence_from,
        -- not the least of both, which without an absence is the last day
        if(
            raised.termination_date < absences.absence_until,
            raised.termination_date,
            absences.absence_until
        ) as absence_until,
        absences.absence_paid_share,
        greatest(raised.hire_date, year.first_day) as paid_from,
        coalesce(raised.termination_date, year.year_end) + 1 as paid_until,
        (
            year.simulation_year
            - {{ year_number('raised.birth_date', 'year.first_day', 'year.simulation_year') }}
        )::integer as age,
        (
            year.simulation_year
            - {{ year_number('raised.hire_date', 'year.first_day', 'year.simulation_year') }}
        )::integer as tenure_years
    from raised
    cross join year
    left join absences
        on
            raised.employee_id = absences.employee_id
            and coalesce(raised.termination_date >= absences.absence_from, true)
)

select
    year.scenario_id,
    year.simulation_year::integer as simulation_year,
    year.year_start,
    year.fingerprint,
    paid.employee_id,
    paid.is_new_hire,
    paid.birth_date,
    paid.hire_date,
    paid.department,
    paid.opening_age::integer as opening_age,
    paid.opening_tenure::integer as opening_tenure,
    paid.opening_age_band,
    paid.opening_tenure_band,
    paid.opening_level::integer as opening_level,
    paid.opening_compensation,
    paid.termination_date,
    paid.termination_category,
    paid.termination_probability,
    case when paid.is_promoted then year.promotion_date end as promotion_date,
    paid.promotion_probability,
    paid.compensation_after_promotion,
    case when paid.is_raised then year.raise_date end as raise_date,
    paid.level::integer as level,
    paid.annual_compensation,
    -- rate x days of each of the three periods, by days of the year; the last day counts
    (round(
        (
            paid.opening_compensation * greatest(
                0, least(paid.paid_until, year.promotion_date) - paid.paid_from
            )
            + paid.compensation_after_promotion * greatest(
                0,
                least(paid.paid_until, year.raise_date)
                - greatest(paid.paid_from, year.promotion_date)
            )
            + paid.annual_compensation * greatest(
                0, paid.paid_until - greatest(paid.paid_from, year.raise_date)
            )
        ) / year.days_in_year,
        2
    )::decimal(16, 2) - {{ unpaid_from('paid.', 'year.', 'paid.paid_from') }})::decimal(16, 2)
        as prorated_compensation,
    paid.age,
    paid.tenure_years,
    age.age_band,
    tenure.tenure_band,
    paid.entry_level::integer as entry_level,
    paid.transfer_date::date as transfer_date,
    paid.transferred_from::varchar as transferred_from,
    paid.job_family::varchar as job_family,
    paid.fte::decimal(7, 6) as fte,
    paid.absence_from::date as absence_from,
    paid.absence_until::date as absence_until,
    paid.absence_paid_share::decimal(7, 6) as absence_paid_share
from paid
cross join year
inner join {{ ref('int_bands_by_years') }} as age
    on paid.age = age.years
inner join {{ ref('int_bands_by_years') }} as tenure
    on paid.tenure_years = tenure.years
