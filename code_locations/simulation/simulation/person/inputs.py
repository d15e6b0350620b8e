"""What a stored year was decided from, as temporary tables: rates, levels, the year, its rows."""

# What the seeds have, or the scenario in their place.
_MULTIPLIERS = """
create or replace temporary table person_multipliers as
with seeds as (
    select 'termination_hazard_by_age' as table_name, age_band as row_key, multiplier
    from seeds.termination_hazard_by_age
    union all
    select 'termination_hazard_by_tenure', tenure_band, multiplier
    from seeds.termination_hazard_by_tenure
    union all
    select 'termination_hazard_by_level', level::varchar, multiplier
    from seeds.termination_hazard_by_level
    union all
    select 'promotion_hazard_by_age', age_band, multiplier
    from seeds.promotion_hazard_by_age
    union all
    select 'promotion_hazard_by_tenure', tenure_band, multiplier
    from seeds.promotion_hazard_by_tenure
    union all
    select 'promotion_hazard_by_level', level::varchar, multiplier
    from seeds.promotion_hazard_by_level
    union all
    select 'merit_rates', level::varchar, merit_rate::double
    from seeds.merit_rates
)

select
    seeds.table_name,
    seeds.row_key,
    coalesce(own.rate, seeds.multiplier) as multiplier
from seeds
left join raw.scenario_rates as own
    on
        own.fingerprint = $fingerprint
        and seeds.table_name = own.table_name
        and seeds.row_key = own.row_key
"""

_LEVELS = """
create or replace temporary table person_levels as
select
    levels.level,
    levels.level_name,
    coalesce(own.min_compensation, levels.min_compensation) as min_compensation,
    merit.multiplier::decimal(9, 6) as merit_rate,
    levels.level = max(levels.level) over () as is_top_level
from seeds.job_levels as levels
inner join person_multipliers as merit
    on merit.table_name = 'merit_rates' and levels.level::varchar = merit.row_key
left join raw.scenario_levels as own
    on own.fingerprint = $fingerprint and levels.level = own.level
"""

_YEAR = """
create or replace temporary table person_year as
select
    *,
    random_seed || '|' || simulation_year as draw_key
from staging.stg_simulation_parameters
where fingerprint = $fingerprint and simulation_year = $year
"""

# What the scenario has by job family, for each family and department, `*` being the others.
_FAMILIES = """
create or replace temporary table person_families as
select
    table_name,
    split_part(row_key, chr(31), 1) as job_family,
    split_part(row_key, chr(31), 2) as department,
    rate
from raw.scenario_rates
where fingerprint = $fingerprint and table_name like '%_by_job_family'
"""

_LEDGER = """
create or replace temporary table person_ledger as
select * from intermediate.int_employee_years
where scenario_id = $scenario_id and fingerprint = $fingerprint and simulation_year = $year
"""

# Who is known to leave or to be transferred in the year or a later one.
_KNOWN = """
create or replace temporary table person_known as
with dates as (
    select
        employee_id,
        'leave' as event,
        termination_date as effective_date,
        null as department
    from raw.baseline_workforce_validated
    where scenario_id = $scenario_id and termination_date is not null
    union all
    select employee_id, event, effective_date, department
    from raw.known_events
    where fingerprint = $fingerprint and event in ('leave', 'transfer')
)

select
    dates.employee_id,
    min(dates.effective_date) filter (where dates.event = 'leave') as termination_date,
    min(dates.effective_date) filter (where dates.event = 'transfer') as transfer_date,
    bool_or(dates.event = 'leave' and dates.effective_date <= year.year_end) as leaves_now,
    min(dates.department) filter (
        where dates.event = 'transfer' and dates.effective_date <= year.year_end
    ) as new_department
from dates
inner join person_year as year on dates.effective_date >= year.first_day
group by dates.employee_id
"""

# In the order in which they read each other.
INPUTS = (_MULTIPLIERS, _LEVELS, _YEAR, _FAMILIES, _LEDGER, _KNOWN)
