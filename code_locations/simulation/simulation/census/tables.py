"""The census tables of the simulation's DuckDB file, and how a scenario's rows are replaced."""

import duckdb

from shared_lib.storage.migrations import Migration
from shared_lib.warehouse.tables import create_or_migrate

_TABLES = """
create schema if not exists raw;

-- The census as it came: text, one row for each row of the file. `malformed` says why the CSV
-- parser could not read a line; its other columns are then empty. `cells` are all values of a row
-- without an employee_id, mapped or not.
create table if not exists raw.census (
    scenario_id varchar,
    row_number bigint,
    employee_id varchar,
    hire_date varchar,
    annual_compensation varchar,
    birth_date varchar,
    level varchar,
    termination_date varchar,
    department varchar,
    malformed varchar,
    status varchar,
    fte varchar,
    pay_basis varchar,
    position varchar,
    cells varchar,
    job_family varchar
);

-- Where a scenario's census came from, and how its dates are written; without a format, it is found
-- in the values. `columns` are the census columns with their names in the file.
create table if not exists raw.census_file (
    scenario_id varchar,
    path varchar,
    mapping varchar,
    rows_read bigint,
    sha256 varchar,
    absent_columns varchar[],
    hire_date_format varchar,
    birth_date_format varchar,
    termination_date_format varchar,
    settings varchar,
    columns map(varchar, varchar),
    assumptions varchar[]
);

create table if not exists raw.census_rejects (
    scenario_id varchar,
    row_number bigint,
    employee_id varchar,
    reason varchar,
    field varchar,
    value varchar
);

-- Rows that are neither wrong nor a person employed on the opening date, or that are part of one.
create table if not exists raw.census_set_aside (
    scenario_id varchar,
    row_number bigint,
    employee_id varchar,
    reason varchar,
    detail varchar
);

-- What was found about a scenario's census, in sentences: what was assumed, what was left out and
-- what is not plausible (`is_warning`).
create table if not exists raw.census_findings (
    scenario_id varchar,
    position integer,
    topic varchar,
    is_warning boolean,
    sentence varchar
);

-- One row for each person employed on the opening date; a termination date is later than that.
create table if not exists raw.census_accepted (
    scenario_id varchar,
    row_number bigint,
    employee_id varchar,
    birth_date date,
    hire_date date,
    level integer,
    department varchar,
    annual_compensation decimal(16, 2),
    termination_date date,
    job_family varchar,
    -- null without a column of it, which is full time
    fte decimal(7, 6)
);

create table if not exists raw.census_data_validation (
    scenario_id varchar,
    census_name varchar,
    rows_read bigint,
    rows_accepted bigint,
    rows_rejected bigint,
    rows_left_before_start bigint,
    rows_without_birth_date bigint,
    rows_without_level bigint,
    reject_share_limit double,
    rows_set_aside bigint,
    rows_leaving_later bigint
);

create table if not exists raw.baseline_workforce_validated (
    scenario_id varchar,
    employee_id varchar,
    birth_date date,
    hire_date date,
    level integer,
    department varchar,
    annual_compensation decimal(16, 2),
    -- where it is known already, later than the start
    termination_date date,
    job_family varchar,
    fte decimal(7, 6)
);
"""


def _add_columns(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        alter table raw.census add column if not exists status varchar;
        alter table raw.census add column if not exists fte varchar;
        alter table raw.census add column if not exists pay_basis varchar;
        alter table raw.census add column if not exists position varchar;
        alter table raw.census add column if not exists cells varchar;
        alter table raw.census_file add column if not exists settings varchar;
        alter table raw.census_file add column if not exists columns map(varchar, varchar);
        alter table raw.census_file add column if not exists assumptions varchar[];
        alter table raw.census_data_validation
            add column if not exists rows_set_aside bigint;
        alter table raw.census_data_validation
            add column if not exists rows_leaving_later bigint;
        """
    )


def _add_known_leaving(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "alter table raw.baseline_workforce_validated "
        "add column if not exists termination_date date"
    )


def _add_job_families(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("census", "census_accepted", "baseline_workforce_validated"):
        connection.execute(f"alter table raw.{table} add column if not exists job_family varchar")


def _add_fte(connection: duckdb.DuckDBPyConnection) -> None:
    for table in ("census_accepted", "baseline_workforce_validated"):
        connection.execute(f"alter table raw.{table} add column if not exists fte decimal(7, 6)")


_MIGRATIONS = (
    Migration("census as it comes", _add_columns, is_additive=True),
    Migration("known leaving", _add_known_leaving, is_additive=True),
    Migration("job families in the census", _add_job_families, is_additive=True),
    Migration("working time in the census", _add_fte, is_additive=True),
)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the schema `raw` and the census tables where they do not exist yet."""
    create_or_migrate(connection, _TABLES, first_table="raw.census", migrations=_MIGRATIONS)


def quoted(identifier: str) -> str:
    """Return the identifier as DuckDB SQL takes it, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'
