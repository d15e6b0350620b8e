"""The columns of the ledger, read anew from what the API sent."""

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from tests.unit.gocardless.test_ledger_decisions import BEGIN, booked, entry, link, prepare, take
from tests.unit.gocardless.test_random_ledgers import account, wrong

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.extraction.reading import entries
from gocardless.extraction.tables import REJECTS
from gocardless.extraction.writing import upsert
from gocardless.ledger import main
from gocardless.sync.balances import create_balance_tables
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.ledger.corrections import split_row
from gocardless.sync.ledger.rebuilding import rebuild_ledger
from shared_lib.warehouse import read_warehouse, write_warehouse

AT = datetime(2026, 5, 4, 20, tzinfo=UTC)
TABLES = ("raw.gc_transactions", "unified.transactions", "unified.transaction_history")
ALTERED = (
    "update raw.gc_transactions set description = 'X', counterparty_iban = 'X', "
    "amount = amount + 1 where hash(payload_digest) % 2 = 0;"
    "update unified.transactions set booking_date = null, value_date = date '2000-01-01', "
    "balance_after = 7, provider_transaction_id = 'X' where hash(transaction_key) % 3 = 0"
)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    prepare(opened)
    return opened


def rows(connection: duckdb.DuckDBPyConnection, *tables: str) -> list[list[tuple]]:
    return [connection.execute(f"from {table} order by all").fetchall() for table in tables]


def keys(connection: duckdb.DuckDBPyConnection) -> list[tuple]:
    return connection.execute(
        "select transaction_key, status, merged_into from unified.transactions order by all"
    ).fetchall()


def test_a_rebuild_of_random_ledgers_changes_nothing_and_one_of_altered_columns_restores_them(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    assert wrong(connection, [account(seed) for seed in range(60)], with_balances=True) == {}
    before = rows(connection, *TABLES)
    # what the balance has split off is of no entry: its columns are those of a state before
    known = "unified.transactions where entry_id is not null"
    unknown = len(rows(connection, "unified.transactions where entry_id is null")[0])
    found = rebuild_ledger(connection, at=AT)
    assert (found.entries.changed, found.changed) == ({}, {})
    assert found.entries.entries == len(before[0])
    assert found.without_entry == unknown < len(before[1]) / 20
    assert rows(connection, *TABLES) == before
    ledger, ends = rows(connection, known), keys(connection)
    connection.execute(ALTERED.replace("where hash(t", "where entry_id is not null and hash(t"))
    assert rows(connection, known) != ledger
    found = rebuild_ledger(connection, at=AT)
    assert set(found.entries.changed) == {"description", "counterparty_iban", "amount"}
    assert found.changed.keys() <= {
        "booking_date", "value_date", "balance_after", "provider_transaction_id"
    }  # fmt: skip
    assert rows(connection, "raw.gc_transactions", known) == [before[0], *ledger]
    assert keys(connection) == ends


def test_what_another_reader_reads_is_in_the_ledger_with_its_history(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = entry("CARD 12", additionalInformation="SHOP")
    take(connection, 0, [shop, entry("OTHER", "-1.00")])
    # of an account that goes by another id since its connection was renewed
    link(connection, "account", 1, "LN")
    link(connection, "new", 2, "EX")
    take(connection, 3, [shop, entry("OTHER", "-1.00")], account="new")
    ends = keys(connection)
    monkeypatch.setattr(entries, "_REMITTANCE", ("additionalInformation",))
    found = rebuild_ledger(connection, at=AT)
    assert found.changed == {"description": 2}
    assert [text for _, text, _ in booked(connection)] == ["", "SHOP"]
    assert keys(connection) == ends
    assert connection.execute(
        "select states.description, decision, evidence from unified.transaction_states as states "
        "inner join unified.transactions using (transaction_key) "
        "where transactions.description = 'SHOP' order by states.seen_at"
    ).fetchall() == [
        ("CARD 12", None, None),
        ("SHOP", "rebuilt", f"its payload, read anew by reader {entries.READER}"),
    ]
    take(connection, 4, [shop, entry("OTHER", "-1.00")], account="new")
    assert keys(connection) == ends


def test_what_cannot_be_read_any_more_keeps_its_money(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(connection, 0, [entry("SHOP")])
    before = rows(connection, *TABLES)
    monkeypatch.setattr(entries, "LONGEST_ENTRY", 10)
    [refused] = rebuild_ledger(connection, at=AT).entries.refused
    assert refused.startswith("account ")
    assert refused.endswith("characters, allowed are 10")
    assert rows(connection, *TABLES) == before


def test_rows_of_the_release_before_are_read_anew_where_one_entry_alone_fits(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    twins = [entry("TRAM", "-2.00", additionalInformation=line) for line in ("A", "B")]
    take(connection, 0, [entry("CARD 12", additionalInformation="SHOP"), *twins])
    # what the release before did not note; the last answer had all three
    connection.execute("update unified.transactions set entry_id = null")
    monkeypatch.setattr(entries, "_REMITTANCE", ("additionalInformation",))
    found = rebuild_ledger(connection, at=AT)
    assert (found.changed, found.without_entry) == ({"description": 1}, 2)
    assert [text for _, text, _ in booked(connection)] == ["SHOP", "TRAM", "TRAM"]


def test_balances_are_read_anew_with_the_opening_balance_and_no_difference_goes(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    create_balance_tables(connection)
    shop, lost = entry("SHOP"), entry("LOST", "-3.00", 1)
    take(connection, 0, [shop], balance="95.00")
    take(connection, 1, [shop], balance="92.00")
    right = rows(connection, "raw.gc_balances", "unified.balances", "unified.opening_balances")
    assert right[2][0][3] == 100
    # as another reader has read them, and what follows from it
    connection.execute("update raw.gc_balances set amount = amount * 10, balance_type = 'ITBD'")
    connection.execute("update unified.balances set amount = amount * 10")
    connection.execute("update raw.gc_transactions set amount = amount * 10")
    connection.execute("update unified.transactions set amount = amount * 10")
    connection.execute("update unified.opening_balances set opening_balance = 1000")
    found = rebuild_ledger(connection, at=AT)
    assert found.balances == {"balance_type": 2, "amount": 2}
    assert right == rows(
        connection, "raw.gc_balances", "unified.balances", "unified.opening_balances"
    )
    assert rebuild_ledger(connection, at=AT).balances == {}
    take(connection, 2, [shop, lost], balance="92.00")
    assert rows(connection, "unified.opening_balances") == right[2:]


def test_a_row_that_a_person_has_split_off_stays_as_the_person_has_seen_it(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    take(connection, 0, [entry("OTHER", "-1.00"), entry("26.11 SHOP")])
    take(connection, 1, [entry("OTHER", "-1.00"), entry("SHOP")])
    [(key,)] = connection.execute(
        "select transaction_key from unified.transactions where description = 'SHOP'"
    ).fetchall()
    split_row(connection, key, by="anna", at=AT, evidence="two visits")
    before = booked(connection)
    assert rebuild_ledger(connection, at=AT).without_entry == 1
    assert booked(connection) == before


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    path = tmp_path / "data" / "gocardless.duckdb"
    path.parent.mkdir()
    with write_warehouse(path) as connection:
        prepare(connection)
        take(connection, 0, [entry("SHOP", transactionId="1"), entry("OTHER", "-1.00")])
    return path


def test_the_command_prints_what_has_changed_and_takes_refused_entries(
    warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nameless = entry("TRAM")
    del nameless["transactionAmount"]["currency"]
    with write_warehouse(warehouse) as connection:
        # refused by this reader, since the account's currency was not known
        read = entries.read_transactions("account", {"booked": [nameless]})
        upsert(connection, REJECTS, read.rejects, seen_at=AT, run_id="run")
        connection.execute("update raw.gc_transactions set transaction_id = 'X', value_date = null")
    assert main(["rebuild"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "2 entries were read again",
        "raw.gc_transactions: transaction_id in 2 rows",
        "raw.gc_balances: no column has changed",
        "unified.transactions: no column has changed",
        "refused entries that can be read now: 0",
    ]
    with write_warehouse(warehouse) as connection:
        connection.execute(
            "insert into raw.gc_account_details by name select 'account' as account_id, "
            "'EUR' as currency, now() as first_seen_at, now() as last_seen_at, "
            "'run' as first_run_id, 'run' as last_run_id"
        )
    assert main(["rebuild"]) == 0
    assert "refused entries that can be read now: 1; run a sync" in capsys.readouterr().out
    with write_warehouse(warehouse) as connection:
        sync_transactions(connection, GOCARDLESS)
        assert [text for _, text, _ in booked(connection)] == ["OTHER", "SHOP", "TRAM"]
        assert connection.execute("select count(*) from raw.gc_rejects").fetchall() == [(0,)]


KILLED = """
import os, signal
from gocardless.ledger import main
from gocardless.sync.ledger import rebuilding
rebuilding._without_entry = lambda connection: os.kill(os.getpid(), signal.SIGKILL)
main(["rebuild"])
"""


def test_a_rebuild_that_is_killed_changes_nothing(warehouse: Path) -> None:
    with write_warehouse(warehouse) as connection:
        connection.execute(ALTERED.replace("% 2 = 0", "> 0").replace("% 3 = 0", "> 0"))
        before = rows(connection, *TABLES)
    ended = subprocess.run([sys.executable, "-c", KILLED], check=False)
    assert ended.returncode < 0
    with read_warehouse(warehouse) as connection:
        assert rows(connection, *TABLES) == before
    assert main(["rebuild"]) == 0
    with read_warehouse(warehouse) as connection:
        assert {day for (day,) in connection.execute(
            "select booking_date from unified.transactions"
        ).fetchall()} == {BEGIN}  # fmt: skip
