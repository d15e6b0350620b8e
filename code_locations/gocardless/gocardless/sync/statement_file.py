"""Account statements in CSV files as a provider of their own.

``python -m gocardless.sync.statement_file STATEMENT.csv --account "my account"`` takes a file
into the warehouse and the unified tables. The file has a header with ``booking_date`` (ISO),
``amount`` (signed, with a decimal point) and ``currency``, and may have ``value_date``,
``description``, ``counterparty`` and ``transaction_id``. A file has everything that was booked
from its first day to its last, so files may overlap.
"""

import argparse
import csv
import hashlib
import json
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from gocardless.extraction.duplicates import counted
from gocardless.extraction.entries import (
    UnreadableEntryError,
    exact_amount,
    exact_date,
    known_currency,
)
from gocardless.extraction.fetch_scope import utc_now
from gocardless.extraction.tables import AMOUNT, stage
from gocardless.sync.ledger import SyncCounts, sync_transactions
from gocardless.sync.provider import Provider
from gocardless.sync.reference_data import sync_accounts
from gocardless.sync.tables import create_unified_tables
from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse import transaction, write_warehouse
from shared_lib.warehouse.tables import create_or_migrate

STATEMENT_FILE = Provider(
    name="file",
    institutions="select null as institution_id, null as name, null as bic where false",
    connections="select null as connection_id, null as institution_id, null as reference, "
    "null as status, null as provider_status, null as expires_at where false",
    accounts="""
        select account_id, null as connection_id, null as institution_id, null as iban,
            any_value(currency) as currency, null as owner_name, account_id as name
        from raw.file_entries group by account_id
    """,
    fetches="select file_number as fetch_number, account_id, date_from, date_from as create_from, "
    "imported_at as fetched_at from raw.file_imports",
    entries="""
        select file_number as fetch_number, account_id, 'booked' as status, entry_id, copies,
            transaction_id, booking_date, value_date, amount, currency, description, counterparty,
            null::decimal(18, 4) as balance_after
        from raw.file_entries
    """,
)

_COLUMNS = {
    "account_id": "varchar",
    "entry_id": "varchar",
    "copies": "integer",
    "transaction_id": "varchar",
    "booking_date": "date",
    "value_date": "date",
    "amount": AMOUNT,
    "currency": "varchar",
    "description": "varchar",
    "counterparty": "varchar",
}
_REQUIRED = frozenset({"booking_date", "amount", "currency"})


class StatementFileError(ValueError):
    """A file that is no statement; nothing of it was taken."""


def import_statement(
    connection: duckdb.DuckDBPyConnection, path: Path, *, account_id: str, at: datetime
) -> SyncCounts:
    """Take a CSV file into the raw tables and the unified ones.

    Args:
        connection: a warehouse, outside a transaction.
        path: the file, UTF-8.
        account_id: what the account is called; the same for all files of it.
        at: when, UTC.

    Raises:
        StatementFileError: the file or a line cannot be read; says which and why.
    """
    rows = counted(_rows(path, account_id), may_be_sent_twice=False)
    if not rows:
        raise StatementFileError(f"{path} has no entry below its header")
    _create_tables(connection)
    create_unified_tables(connection)
    with transaction(connection):
        (number,) = connection.execute(
            "insert into raw.file_imports "
            "(file_number, account_id, date_from, imported_at, file_name) "
            "select coalesce(max(file_number), 0) + 1, ?, ?, ?, ? from raw.file_imports "
            "returning file_number",
            [
                account_id,
                min(row["booking_date"] for row in rows),
                at.replace(tzinfo=None),
                path.name,
            ],
        ).fetchone() or (0,)
        stage(
            connection,
            "staged_entries",
            _COLUMNS,
            [{name: row[name] for name in _COLUMNS} for row in rows],
        )
        connection.execute(
            "insert into raw.file_entries by name select ? as file_number, * from staged_entries",
            [number],
        )
    sync_accounts(connection, STATEMENT_FILE, now=at)
    return sync_transactions(connection, STATEMENT_FILE)


def _create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
    create_or_migrate(
        connection,
        "create schema if not exists raw;"
        "create table if not exists raw.file_imports (file_number bigint primary key, "
        "account_id varchar, date_from date, imported_at timestamp, file_name varchar);"
        f"create table if not exists raw.file_entries (file_number bigint, {columns})",
        first_table="raw.file_imports",
    )


def _rows(path: Path, account_id: str) -> list[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = _REQUIRED - set(reader.fieldnames or ())
            if missing:
                raise StatementFileError(f"{path}: the header lacks {', '.join(sorted(missing))}")
            return [_row(path, reader.line_num, line, account_id) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise StatementFileError(f"{path} is not CSV in UTF-8: {error}") from error
    except OSError as error:
        raise StatementFileError(f"{path} cannot be read: {error.strerror}") from error


def _row(path: Path, number: int, line: dict[str, Any], account_id: str) -> dict[str, Any]:
    texts = {name: " ".join(str(value or "").split()) for name, value in line.items()}
    try:
        value_date = texts.get("value_date")
        row = {
            "account_id": account_id,
            "status": "booked",
            "transaction_id": texts.get("transaction_id") or None,
            "booking_date": exact_date(texts["booking_date"]),
            "value_date": exact_date(value_date) if value_date else None,
            "amount": exact_amount(texts["amount"]),
            "currency": known_currency(texts["currency"]),
            "description": texts.get("description", ""),
            "counterparty": texts.get("counterparty") or None,
        }
    except UnreadableEntryError as error:
        raise StatementFileError(
            f"{path}:{number}: {error}; correct the line and import the file again"
        ) from error
    digest = hashlib.md5(json.dumps(row, default=str).encode()).hexdigest()  # noqa: S324 - an identity
    return {**row, "entry_id": digest, "payload_digest": digest}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 1 when the file is no statement, or not there."""
    parser = argparse.ArgumentParser(prog="python -m gocardless.sync.statement_file")
    parser.description = __doc__
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--account", type=_account, required=True, help="what the account is called"
    )
    asked = parser.parse_args(arguments)
    try:
        with write_warehouse(current_settings().warehouse_path("gocardless")) as connection:
            counts = import_statement(
                connection, asked.file, account_id=asked.account, at=utc_now()
            )
    except StatementFileError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{counts.created} new transactions")
    return 0


def _account(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: say what the account is called")
    return text


if __name__ == "__main__":
    sys.exit(main())
