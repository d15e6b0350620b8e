"""A bank warehouse of before there were migrations, and one that a newer release has added to."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from tests.integration.gocardless.warehouse_day import create_all_tables, run_everything
from tests.support.warehouse_layout import add_a_column_to_each_table, layout, row_counts

from gocardless.bank_account_data.client import BankDataClient
from sandboxes.bank.server import RunningSandbox

WRITTEN = Path(__file__).parent / "before_migrations.sql"
SCHEMAS = ("raw", "unified")


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        yield opened


@pytest.fixture
def run(
    connection: duckdb.DuckDBPyConnection,
    sandbox: RunningSandbox,
    client: BankDataClient,
    tmp_path: Path,
) -> Callable[[], None]:
    """The next day's run; the account that the old warehouse knows is one of the sandbox's."""
    return lambda: run_everything(connection, client, sandbox.state.clock, tmp_path)


def test_its_rows_stay_and_the_next_day_adds_to_them(
    connection: duckdb.DuckDBPyConnection, run: Callable[[], None], sandbox: RunningSandbox
) -> None:
    connection.execute(WRITTEN.read_text("utf-8"))
    before = row_counts(connection, SCHEMAS)
    assert before["unified.transactions"] == 4
    create_all_tables(connection)
    assert before.items() <= row_counts(connection, SCHEMAS).items()
    with duckdb.connect() as new:
        create_all_tables(new)
        assert layout(new, SCHEMAS).items() <= layout(connection, SCHEMAS).items()
    known = connection.execute("select transaction_key from unified.transactions").fetchall()
    sandbox.state.clock.advance(timedelta(days=1))
    run()
    # the same entries again are the same transactions
    kept = connection.execute(
        "select transaction_key from unified.transactions where status <> 'vanished'"
    ).fetchall()
    assert set(known) <= set(kept)
    assert len(kept) > len(known)


def test_columns_of_a_newer_release_disturb_no_step(
    connection: duckdb.DuckDBPyConnection, run: Callable[[], None]
) -> None:
    create_all_tables(connection)
    add_a_column_to_each_table(connection, SCHEMAS)
    run()
    run()
    written = {name for name, count in row_counts(connection, SCHEMAS).items() if count}
    # what only another API, a refused entry or period, a setting, a dismissal, a rule of the table
    # or a changed transaction writes
    assert row_counts(connection, SCHEMAS).keys() - written == {
        "raw.account_providers",
        "raw.gc_rejects",
        "raw.gc_shortened_periods",
        "unified.account_settings",
        "unified.dismissed_connections",
        "unified.tag_rules",
        "unified.transaction_history",
    }
    assert connection.execute("select count(*) from unified.transaction_states").fetchone()
