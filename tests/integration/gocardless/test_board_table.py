"""The accounts as the platform's board shows them."""

from datetime import datetime

import duckdb

from gocardless.extraction.tables import create_raw_tables
from gocardless.sync.board_table import accounts_for_the_board
from gocardless.sync.tables import create_unified_tables

NOW = datetime(2026, 3, 10, 12)  # noqa: DTZ001 - as the tables have it

ROWS = """
insert into unified.connections (provider, connection_id, status, expires_at) values
    ('gocardless', 'c1', 'active', '2026-03-20 08:00');
insert into unified.accounts (provider, account_id, connection_id, iban, status) values
    ('gocardless', 'one', 'c1', 'DE02120300000000202051', 'active'),
    ('gocardless', 'two', 'c1', 'DE89370400440532012051', 'active'),
    ('gocardless', 'old', 'c1', 'DE75512108001245126199', 'inactive'),
    ('statement_files', 'giro', null, null, 'active');
insert into unified.account_identifiers values
    ('gocardless', 'gc-one', 'gocardless', 'one', 'c1', true);
insert into raw.gc_call_budget (account_id, scope, remaining, resets_at) values
    ('gc-one', 'balances', 3, '2026-03-11'),
    ('gc-one', 'transactions', 1, '2026-03-11'),
    ('gc-one', 'details', 0, '2026-03-10');
"""


def test_an_account_has_its_calls_and_days_left_and_not_its_number() -> None:
    with duckdb.connect() as connection:
        create_raw_tables(connection)
        create_unified_tables(connection)
        connection.execute(ROWS)
        [(name, table)] = accounts_for_the_board(connection, now=NOW).items()
    assert name == "board/Bank accounts"
    assert [tuple(record.data.values()) for record in table.records] == [
        ("DE...2051 one", "gocardless", None, 1, "2026-03-20", 10),
        ("DE...2051 two", "gocardless", None, None, "2026-03-20", 10),
        ("gi...giro", "statement_files", None, None, None, None),
    ]
