"""The census tables of the simulation's DuckDB file, and how a scenario's rows are replaced."""

import duckdb

from shared_lib.warehouse.tables import create_or_migrate

_TABLES = """
create schema if not exists raw;

-- The census as it came: text, one row for each row of the file. `malformed` says why the CSV
-- parser could not read a line; its other columns are then empty.
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
    malformed varchar
);

-- Where a scenario's census came from, and how its dates are written.
create table if not exists raw.census_file (
    scenario_id varchar,
    path varchar,
    mapping varchar,
    rows_read bigint,
    sha256 varchar,
    absent_columns varchar[],
    hire_date_format varchar,
    birth_date_format varchar,
    termination_date_format varchar
);

create table if not exists raw.census_rejects (
    scenario_id varchar,
    row_number bigint,
    employee_id varchar,
    reason varchar,
    field varchar,
    value varchar
);

-- A termination date here is never after the opening date: who has one has left before it.
create table if not exists raw.census_accepted (
    scenario_id varchar,
    row_number bigint,
    employee_id varchar,
    birth_date date,
    hire_date date,
    level integer,
    department varchar,
    annual_compensation decimal(16, 2),
    termination_date date
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
    reject_share_limit double
);

create table if not exists raw.baseline_workforce_validated (
    scenario_id varchar,
    employee_id varchar,
    birth_date date,
    hire_date date,
    level integer,
    department varchar,
    annual_compensation decimal(16, 2)
);
"""


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the schema `raw` and the census tables where they do not exist yet."""
    create_or_migrate(connection, _TABLES, first_table="raw.census")


def quoted(identifier: str) -> str:
    """Return the identifier as DuckDB SQL takes it, whatever characters it holds."""
    return '"' + identifier.replace('"', '""') + '"'
