"""The tables of tags and of the rules that people keep in the warehouse. Times are UTC."""

import duckdb

from shared_lib.storage.migrations import Migration
from shared_lib.warehouse.tables import create_or_migrate

_TABLES = """
create schema if not exists unified;
create table if not exists unified.tag_rules (
    position integer not null,  -- in which order the rules are tried, after those of the file
    name varchar primary key,
    tag varchar not null,
    description_pattern varchar,  -- RE2, letter case ignored
    counterparty varchar,
    amount_from decimal(18, 4),
    amount_to decimal(18, 4),
    account varchar,  -- id or IBAN
    is_enabled boolean not null default true,
    created_by varchar not null,
    merchant_category varchar,  -- ISO 18245
    counterparty_iban varchar,
    end_to_end_id varchar,
    mandate_id varchar,
    original_currency varchar
);
create table if not exists unified.transaction_tags (
    transaction_key varchar primary key,
    tag varchar not null,
    tagged_by varchar not null,  -- a person, or the rules' own TAGGED_BY_RULES
    rule_source varchar,  -- file or table; none where a person decided
    rule_name varchar,
    run_id varchar,
    tagged_at timestamp not null
);
"""

TAGGED_BY_RULES = "tag_rules"


def _more_conditions(connection: duckdb.DuckDBPyConnection) -> None:
    for column in (
        "merchant_category",
        "counterparty_iban",
        "end_to_end_id",
        "mandate_id",
        "original_currency",
    ):
        connection.execute(
            f"alter table if exists unified.tag_rules add column if not exists {column} varchar"
        )


_MIGRATIONS = (Migration("conditions on details", _more_conditions, is_additive=True),)


def create_tag_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the missing tables of tags and rules, or migrate them."""
    create_or_migrate(
        connection, _TABLES, first_table="unified.transaction_tags", migrations=_MIGRATIONS
    )
