-- Measured quality of each scenario: of its census, and of every simulated year.
with census as (
    select * from {{ ref('stg_census_validation') }}
),

summary as (
    select * from {{ ref('fct_year_summary') }}
),

-- By fingerprint, because stg_job_levels has the bands of the latest run's scenario.
rules as (
    select
        years.fingerprint,
        years.simulation_year,
        levels.level,
        years.first_day,
        years.year_end,
        years.outside_band_share,
        coalesce(own.min_compensation, levels.min_compensation)
        * years.band_index_after_raises - 0.01 as lowest_pay,
        coalesce(own.max_compensation, levels.max_compensation)
        * years.band_index_after_raises + 0.01 as highest_pay
    from {{ ref('stg_simulation_parameters') }} as years
    cross join {{ ref('job_levels') }} as levels
    left join {{ ref('stg_scenario_levels') }} as own
        on
            years.fingerprint = own.fingerprint
            and levels.level = own.level
),

-- Who may have two rows in a year: more rows than bits, one for each year. Employees are a third
-- of the rows of six years, and to put them into a hash table takes a third of the time. Only
-- theirs are then counted by year, as a rule none.
suspects as (
    select
        scenario_id,
        employee_id
    from {{ ref('int_employee_years') }}
    group by scenario_id, employee_id
    having count(*) > bit_count(bit_or(1::bigint << (simulation_year % 62)))
),

repeated as (
    select
        ledger.scenario_id,
        ledger.simulation_year,
        count(*) - count(distinct ledger.employee_id) as duplicates
    from {{ ref('int_employee_years') }} as ledger
    inner join suspects
        on
            ledger.scenario_id = suspects.scenario_id
            and ledger.employee_id = suspects.employee_id
    group by ledger.scenario_id, ledger.simulation_year
),

-- One pass over the ledger for the other measures.
ledger as (
    select
        ledger.scenario_id,
        ledger.simulation_year,
        count(*) - count(ledger.employee_id) as without_identifier,
        count(*) filter (
            where
            ledger.termination_date not between rules.first_day and rules.year_end
            or ledger.promotion_date not between rules.first_day and rules.year_end
            or ledger.raise_date not between rules.first_day and rules.year_end
            or (
                ledger.is_new_hire
                and ledger.hire_date not between rules.first_day and rules.year_end
            )
        ) as dates_outside_year,
        count(*) filter (where ledger.termination_date is null) as actives,
        count(*) filter (
            where
            ledger.termination_date is null
            and if(
                ledger.fte < 1,
                ledger.annual_compensation / ledger.fte,
                ledger.annual_compensation
            ) not between rules.lowest_pay and rules.highest_pay
        ) as actives_outside_band,
        any_value(rules.outside_band_share) as outside_band_share
    from {{ ref('int_employee_years') }} as ledger
    left join rules
        on
            ledger.fingerprint = rules.fingerprint
            and ledger.simulation_year = rules.simulation_year
            and ledger.level = rules.level
    group by ledger.scenario_id, ledger.simulation_year
),

of_summary as (
    select
        scenario_id,
        simulation_year,
        unnest(['headcount_identity_gap', 'growth_deviation', 'payroll_change']) as check_name,
        unnest(['consistency', 'accuracy', 'accuracy']) as dimension,
        unnest([
            abs(
                start_headcount
                + hires
                - experienced_terminations
                - reductions_in_force
                - new_hire_terminations
                - end_headcount
            ),
            abs(end_headcount - target_headcount) / start_headcount,
            abs(end_payroll / nullif(start_payroll, 0) - 1)
        ]) as value,
        -- a planner looks into a payroll that changes by more than 15 % in a year
        unnest([0, growth_tolerance + 0.5 / start_headcount, 0.15]) as threshold
    from summary
),

of_ledger as (
    select
        ledger.scenario_id,
        ledger.simulation_year,
        unnest(['duplicate_employee_years', 'dates_outside_year', 'outside_band_share'])
            as check_name,
        unnest(['uniqueness', 'validity', 'validity']) as dimension,
        unnest([
            ledger.without_identifier + coalesce(repeated.duplicates, 0),
            ledger.dates_outside_year,
            ledger.actives_outside_band / nullif(ledger.actives, 0)
        ]) as value,
        unnest([0, 0, ledger.outside_band_share]) as threshold
    from ledger
    left join repeated
        on
            ledger.scenario_id = repeated.scenario_id
            and ledger.simulation_year = repeated.simulation_year
),

-- A year without payroll at its start, or without actives at its end, has no such measure.
measured as (
    select
        scenario_id,
        null::integer as simulation_year,
        'census_reject_share' as check_name,
        'validity' as dimension,
        rows_rejected / nullif(rows_read, 0) as value,
        reject_share_limit as threshold
    from census

    union all

    select
        scenario_id,
        null::integer as simulation_year,
        'census_rows_unaccounted' as check_name,
        'completeness' as dimension,
        rows_read
        - rows_accepted
        - rows_rejected
        - rows_left_before_start
        - rows_set_aside as value,
        0 as threshold
    from census

    union all

    select *
    from of_summary
    where value is not null or check_name <> 'payroll_change'

    union all

    select *
    from of_ledger
    where value is not null or check_name <> 'outside_band_share'
)

select
    scenario_id,
    simulation_year,
    check_name,
    dimension,
    value::double as value,
    threshold::double as threshold,
    case when value <= threshold then 'pass' else 'fail' end as status
from measured
