"""The tables that Python writes for the SQL to read, all in the schema ``raw``."""

import duckdb

from shared_lib.storage.migrations import Migration
from shared_lib.warehouse.tables import create_or_migrate

# A connection of the lake that writes one scenario names it by a variable of DuckDB. On any other,
# the run is the last one of all: in a file, one run at a time writes.
_OF_THIS_RUN = """(
    select *
    from raw.{table}
    where scenario_id = coalesce(
        getvariable('warehouse_part'),
        (select arg_max(scenario_id, {moment}) from raw.{table})
    )
)"""
THIS_REQUEST = _OF_THIS_RUN.format(table="simulation_config", moment="recorded_at")
THIS_RUN = _OF_THIS_RUN.format(table="simulation_run", moment="requested_at")

_TABLES = """
create schema if not exists raw;

-- a row for each scenario: its last request, with its complete settings
create table if not exists raw.simulation_config (
    scenario_id varchar not null,
    configuration varchar not null,
    is_resumed boolean not null,
    recorded_at timestamp not null,
    is_replacing boolean default false
);

-- a row for each scenario: the years that its last run computes, and from what
create table if not exists raw.simulation_run (
    scenario_id varchar not null,
    fingerprint varchar not null,
    run_id varchar not null,
    start_year integer not null,
    first_year integer not null,
    last_year integer not null,
    requested_at timestamp not null
);

-- by fingerprint: what rows were computed from stays readable beside them
create table if not exists raw.simulation_configurations (
    fingerprint varchar primary key,
    scenario_id varchar not null,
    configuration varchar not null,
    recorded_at timestamp not null,
    -- of the accepted employees, of their file, of the code that read it, and of the SQL and seeds
    census_digest varchar,
    census_sha256 varchar,
    reading_digest varchar,
    rules_digest varchar
);

create table if not exists raw.simulation_parameters (
    fingerprint varchar not null,
    scenario_id varchar not null,
    simulation_year integer not null,
    random_seed bigint not null,
    growth_millionths bigint not null,
    termination_millionths bigint not null,
    new_hire_termination_millionths bigint not null,
    minimum_days_before_leaving integer not null,
    cola_rate decimal(9, 6) not null,
    merit_budget decimal(9, 6) not null,
    raise_date date not null,
    raise_minimum_tenure integer not null,
    promotion_date date not null,
    promotion_minimum_tenure integer not null,
    promotion_age_limit integer not null,
    promotion_increase decimal(9, 6) not null,
    promotion_increase_spread decimal(9, 6) not null,
    promotion_increase_cap decimal(9, 6) not null,
    hire_pay_percentile decimal(9, 6) not null,
    growth_tolerance double not null,
    -- null in the years of releases before they were added
    target_headcount bigint,
    retirement_ages integer[],
    retirement_probabilities double[],
    reduction_date date,
    reduction_order varchar,
    reduction_departments varchar[],
    cola_minimum_tenure integer,
    band_index double,
    band_index_after_raises double,
    promotion_rate double,
    hire_pay_levels integer[],
    hire_pay_percentiles double[],
    hire_pay_spread double,
    recent_joiner_years integer,
    minimum_recent_joiners integer,
    outside_band_share double,
    first_day date,
    last_day date,
    -- null without a growth by department or job family
    growth_departments varchar[],
    department_starts bigint[],
    department_targets bigint[],
    growth_job_families varchar[],
    reduction_job_families varchar[],
    primary key (fingerprint, simulation_year)
);

create table if not exists raw.hire_level_mix (
    fingerprint varchar not null,
    level integer not null,
    share decimal(9, 6) not null,
    primary key (fingerprint, level)
);

-- what a scenario has in place of a seed: its pay bands, and a rate for each key of other tables
create table if not exists raw.scenario_levels (
    fingerprint varchar not null,
    level integer not null,
    min_compensation decimal(16, 2) not null,
    max_compensation decimal(16, 2) not null,
    primary key (fingerprint, level)
);

create table if not exists raw.scenario_rates (
    fingerprint varchar not null,
    table_name varchar not null,
    row_key varchar not null,
    rate double not null,
    primary key (fingerprint, table_name, row_key)
);

-- known joiners, leavers, absences, transfers and open positions, as a scenario's file has them
create table if not exists raw.known_events (
    fingerprint varchar not null,
    scenario_id varchar not null,
    line integer not null,
    event varchar not null,
    employee_id varchar not null,
    date date not null,
    effective_date date not null,
    simulation_year integer not null,
    department varchar,
    level integer,
    pay decimal(16, 2),
    fill_rate double,
    days_to_fill integer,
    reason varchar,
    job_family varchar,
    fte decimal(7, 6),
    last_day date,
    paid_share decimal(7, 6),
    primary key (fingerprint, line)
);

-- what a scenario's years cost; replaced by each run, because no row of the ledger depends on it
create table if not exists raw.cost_rates (
    scenario_id varchar not null,
    simulation_year integer not null,
    tax_rates decimal(9, 6)[] not null,
    tax_caps decimal(16, 2)[] not null,
    benefits_per_head decimal(16, 2) not null,
    bonus_rate decimal(9, 6) not null,
    bonus_levels integer[] not null,
    bonus_rates decimal(9, 6)[] not null,
    overhead_rate decimal(9, 6) not null,
    -- null in the rows of releases before it was added
    benefits_by_fte boolean,
    primary key (scenario_id, simulation_year)
);

create table if not exists raw.retirement_plans (
    scenario_id varchar not null,
    simulation_year integer not null,
    random_seed bigint not null,
    minimum_age integer not null,
    minimum_service_days integer not null,
    enrolment_days integer not null,
    participation double not null,
    deferral_ages integer[] not null,
    deferral_rates decimal(9, 6)[] not null,
    match_from decimal(9, 6)[] not null,
    match_up_to decimal(9, 6)[] not null,
    match_rates decimal(9, 6)[] not null,
    deferral_limit decimal(16, 2) not null,
    catch_up_age integer not null,
    catch_up_limit decimal(16, 2) not null,
    pay_limit decimal(16, 2),
    primary key (scenario_id, simulation_year)
);

-- what Dagster and dbt recorded of each run, added when its models are built
create table if not exists raw.pipeline_timings (
    run_id varchar not null,
    scenario_id varchar not null,
    recorded_at timestamp not null,
    scope varchar not null,
    name varchar not null,
    status varchar not null,
    seconds double not null,
    row_count bigint,
    years integer not null,
    seconds_limit double
);

-- a row for each finished year: its state in short, with a digest of its rows
create table if not exists raw.simulation_year_state (
    scenario_id varchar not null,
    simulation_year integer not null,
    fingerprint varchar not null,
    run_id varchar not null,
    active_headcount bigint not null,
    payroll decimal(18, 2) not null,
    digest varchar not null,
    completed_at timestamp not null,
    primary key (scenario_id, simulation_year)
);
"""


def _add_rules_of_pay_and_leaving(connection: duckdb.DuckDBPyConnection) -> None:
    for column in (
        "target_headcount bigint",
        "retirement_ages integer[]",
        "retirement_probabilities double[]",
        "reduction_date date",
        "reduction_order varchar",
        "reduction_departments varchar[]",
        "cola_minimum_tenure integer",
        "band_index double",
        "band_index_after_raises double",
        "promotion_rate double",
        "hire_pay_levels integer[]",
        "hire_pay_percentiles double[]",
        "hire_pay_spread double",
        "recent_joiner_years integer",
        "minimum_recent_joiners integer",
        "outside_band_share double",
    ):
        connection.execute(f"alter table raw.simulation_parameters add column {column}")
    # dbt's ledger reads its own earlier years, so it needs the column before it is built again
    connection.execute(
        "alter table if exists intermediate.int_employee_years add column entry_level integer"
    )


def _add_inputs(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "alter table raw.simulation_config add column is_replacing boolean default false"
    )
    for column in ("census_digest", "census_sha256", "reading_digest", "rules_digest"):
        connection.execute(f"alter table raw.simulation_configurations add column {column} varchar")


def _add_days_of_years(connection: duckdb.DuckDBPyConnection) -> None:
    for column in ("first_day date", "last_day date"):
        connection.execute(f"alter table raw.simulation_parameters add column {column}")


def _add_transfers(connection: duckdb.DuckDBPyConnection) -> None:
    for column in ("transfer_date date", "transferred_from varchar"):
        connection.execute(
            f"alter table if exists intermediate.int_employee_years add column {column}"
        )


def _add_growth_by_department(connection: duckdb.DuckDBPyConnection) -> None:
    for column in (
        "growth_departments varchar[]",
        "department_starts bigint[]",
        "department_targets bigint[]",
    ):
        connection.execute(f"alter table raw.simulation_parameters add column {column}")


def _add_job_families(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("raw.known_events", "intermediate.int_employee_years"):
        connection.execute(f"alter table if exists {table} add column job_family varchar")


def _add_growth_by_job_family(connection: duckdb.DuckDBPyConnection) -> None:
    for column in ("growth_job_families varchar[]", "reduction_job_families varchar[]"):
        connection.execute(f"alter table raw.simulation_parameters add column {column}")


def _add_working_time(connection: duckdb.DuckDBPyConnection) -> None:
    share, ledger = "decimal(7, 6)", "intermediate.int_employee_years"
    for table, column in (
        ("raw.cost_rates", "benefits_by_fte boolean"),
        ("raw.known_events", f"fte {share}"),
        ("raw.known_events", "last_day date"),
        ("raw.known_events", f"paid_share {share}"),
        (ledger, f"fte {share}"),
        (ledger, "absence_from date"),
        (ledger, "absence_until date"),
        (ledger, f"absence_paid_share {share}"),
    ):
        connection.execute(f"alter table if exists {table} add column {column}")


_MIGRATIONS = (
    Migration("rules of pay and leaving", _add_rules_of_pay_and_leaving, is_additive=True),
    Migration("inputs of a fingerprint", _add_inputs, is_additive=True),
    Migration("days of a year", _add_days_of_years, is_additive=True),
    Migration("transfers in the ledger", _add_transfers, is_additive=True),
    Migration("growth by department", _add_growth_by_department, is_additive=True),
    Migration("job families", _add_job_families, is_additive=True),
    Migration("growth by job family", _add_growth_by_job_family, is_additive=True),
    Migration("working time in the ledger", _add_working_time, is_additive=True),
)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the missing tables and migrate the others."""
    create_or_migrate(connection, _TABLES, first_table="raw.simulation_run", migrations=_MIGRATIONS)
