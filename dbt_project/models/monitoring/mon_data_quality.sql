-- Measured quality of each scenario: of its census, and of every simulated year.
with census as (
    select * from {{ ref('stg_census_validation') }}
),

summary as (
    select * from {{ ref('fct_year_summary') }}
),

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

    select
        scenario_id,
        simulation_year,
        'headcount_identity_gap' as check_name,
        'consistency' as dimension,
        abs(
            start_headcount
            + hires
            - experienced_terminations
            - reductions_in_force
            - new_hire_terminations
            - end_headcount
        ) as value,
        0 as threshold
    from summary

    union all

    select
        scenario_id,
        simulation_year,
        'growth_deviation' as check_name,
        'accuracy' as dimension,
        abs(end_headcount - target_headcount) / start_headcount as value,
        growth_tolerance + 0.5 / start_headcount as threshold
    from summary

    union all

    -- More than 15 % in a year is for a planner to look into.
    select
        scenario_id,
        simulation_year,
        'payroll_change' as check_name,
        'accuracy' as dimension,
        abs(end_payroll / start_payroll - 1) as value,
        0.15 as threshold
    from summary
    where start_payroll > 0

    union all

    select
        ledger.scenario_id,
        ledger.simulation_year,
        'duplicate_employee_years' as check_name,
        'uniqueness' as dimension,
        count(*) - count(distinct ledger.employee_id) as value,
        0 as threshold
    from {{ ref('int_employee_years') }} as ledger
    group by ledger.scenario_id, ledger.simulation_year

    union all

    select
        ledger.scenario_id,
        ledger.simulation_year,
        'dates_outside_year' as check_name,
        'validity' as dimension,
        count(*) filter (
            where
            ledger.termination_date not between years.first_day and years.year_end
            or ledger.promotion_date not between years.first_day and years.year_end
            or ledger.raise_date not between years.first_day and years.year_end
            or (
                ledger.is_new_hire
                and ledger.hire_date not between years.first_day and years.year_end
            )
        ) as value,
        0 as threshold
    from {{ ref('int_employee_years') }} as ledger
    inner join {{ ref('stg_simulation_parameters') }} as years
        on
            ledger.fingerprint = years.fingerprint
            and ledger.simulation_year = years.simulation_year
    group by ledger.scenario_id, ledger.simulation_year

    union all

    select
        ledger.scenario_id,
        ledger.simulation_year,
        'outside_band_share' as check_name,
        'validity' as dimension,
        count(*) filter (
            where
            ledger.annual_compensation
            not between coalesce(own.min_compensation, levels.min_compensation)
            * parameters.band_index_after_raises - 0.01
            and coalesce(own.max_compensation, levels.max_compensation)
            * parameters.band_index_after_raises + 0.01
        ) / nullif(count(*), 0) as value,
        any_value(parameters.outside_band_share) as threshold
    from {{ ref('int_employee_years') }} as ledger
    -- bands by fingerprint, because stg_job_levels has those of the latest run's scenario
    inner join {{ ref('job_levels') }} as levels
        on ledger.level = levels.level
    left join {{ ref('stg_scenario_levels') }} as own
        on
            ledger.fingerprint = own.fingerprint
            and ledger.level = own.level
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            ledger.fingerprint = parameters.fingerprint
            and ledger.simulation_year = parameters.simulation_year
    where ledger.termination_date is null
    group by ledger.scenario_id, ledger.simulation_year
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
