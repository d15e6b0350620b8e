"""Statement files into the raw tables and the unified ones, each booking once.

An equal file, or one that says the same, is known and changes nothing. Of overlapping files the
sync recognises what is known. A line that cannot be read is in ``raw.file_rejects``.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from gocardless.extraction.reading.duplicates import counted
from gocardless.extraction.writing import stage
from gocardless.statement_files.detection import ReadFile, read_statement_file
from gocardless.statement_files.formats.csv.inspection import NO_CHOICES, Choices
from gocardless.statement_files.formats.csv.mapping import Mapping
from gocardless.statement_files.periods import Period, periods_of
from gocardless.statement_files.provider import STATEMENT_FILES
from gocardless.statement_files.statement import (
    Account,
    Note,
    Reject,
    Statement,
    StatementFileError,
)
from gocardless.statement_files.tables import ENTRY_COLUMNS, create_file_tables
from gocardless.statement_files.values.iban import is_iban
from gocardless.sync.balances import create_balance_tables, sync_balances
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts
from gocardless.sync.tables import create_unified_tables
from shared_lib.warehouse import transaction
from shared_lib.warehouse.rows import replace_rows


@dataclass(kw_only=True)
class ImportedFile:
    """The result of importing a file.

    Attributes:
        entries: the number that was read.
        created: the number of new transactions.
        accounts: the accounts of the entries.
        is_known: whether an equal file was imported before.
        differences: for each account whose balances its entries do not explain, by how much.
    """

    path: Path
    entries: int = 0
    created: int = 0
    accounts: list[str] = field(default_factory=list)
    is_known: bool = True
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    differences: dict[str, Decimal] = field(default_factory=dict)


def import_file(
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    *,
    at: datetime,
    account: str | None = None,
    mappings: Sequence[Mapping] = (),
    choices: Choices = NO_CHOICES,
) -> ImportedFile:
    """Take a file into the raw tables and the unified ones.

    Args:
        connection: a warehouse, outside a transaction.
        path: the file.
        at: when, UTC.
        account: what the account is called, for files that name none.
        mappings: the saved ones of CSV files.
        choices: what a person states about the file.

    Raises:
        StatementFileError: nothing of it was taken; says why and what to do.
    """
    read = read_statement_file(path, mappings=list(mappings), choices=choices)
    if read.proposal and read.proposal.questions:
        raise StatementFileError(f"{path}: {'; '.join(read.proposal.questions)}")
    result = ImportedFile(path=path, rejects=read.content.rejects, notes=list(read.content.notes))
    create_file_tables(connection)
    by_account = _by_account(connection, read, path, account, result)
    result.accounts = list(by_account)
    create_unified_tables(connection)
    create_balance_tables(connection)
    first_days = _first_days(connection)
    with transaction(connection):
        _write_rejects(connection, path, result.rejects, at)
        new = [
            number
            for account_id, statements in by_account.items()
            for number in _write_account(connection, read, path, account_id, statements, at, result)
        ]
    if not new:
        return result
    result.is_known = False
    sync_accounts(connection, STATEMENT_FILES, now=at)
    result.created = sync_transactions(connection, STATEMENT_FILES).created
    with transaction(connection):
        _move_opening_balances(connection, first_days)
        sync_balances(connection, STATEMENT_FILES)
    return result


def _account(connection: duckdb.DuckDBPyConnection, account: Account, name: str | None) -> Account:
    """The account, and what is known of it by what people call it: its IBAN, or its name."""
    iban = (name or "").replace(" ", "").upper()
    if account.iban is None and is_iban(iban):
        return replace(account, iban=iban)
    if name and not (account.iban or account.number):
        known = connection.execute(
            "select iban, number from raw.file_accounts where name = ? and currency = ?",
            [name, account.currency],
        ).fetchall()
        if len(known) == 1:
            account = replace(account, iban=known[0][0], number=known[0][1])
    return account if is_iban(iban) else replace(account, name=name or account.name)


def _account_id(account: Account) -> str | None:
    """What it is called in the tables: the IBAN or number with the currency, else its name."""
    number = account.iban or account.number
    return f"{number} {account.currency}" if number else account.name


def _by_account(
    connection: duckdb.DuckDBPyConnection,
    read: ReadFile,
    path: Path,
    name: str | None,
    result: ImportedFile,
) -> dict[str, list[Statement]]:
    by_account: dict[str, list[Statement]] = {}
    for statement in read.content.statements:
        statement.account = _account(connection, statement.account, name)
        account_id = _account_id(statement.account)
        if account_id is None:
            raise StatementFileError(
                f"{path} names no account: add --account, with its IBAN or a name of your own"
            )
        result.entries += len(statement.entries)
        known = by_account.setdefault(account_id, [])
        if _without_lines(statement) in map(_without_lines, known):
            line = statement.entries[0].line if statement.entries else 1
            result.notes.append(
                Note(line=line, text="the same statement a second time: taken once")
            )
        else:
            known.append(statement)
    return by_account


def _without_lines(statement: Statement) -> dict[str, Any]:
    return {
        **asdict(statement),
        "entries": [{**asdict(entry), "line": 0} for entry in statement.entries],
    }


def _write_account(
    connection: duckdb.DuckDBPyConnection,
    read: ReadFile,
    path: Path,
    account_id: str,
    statements: list[Statement],
    at: datetime,
    result: ImportedFile,
) -> list[int]:
    """Write the account's periods that are not known; returns their numbers."""
    numbers = []
    for period in periods_of(statements):
        if period.difference:
            result.differences[account_id] = period.difference
        if period.first_day is None:
            continue
        rows = _rows(period, account_id)
        balances = period.balances()
        content = json.dumps([account_id, rows, balances], default=str, sort_keys=True)
        digest = hashlib.sha256(content.encode()).hexdigest()
        is_known = connection.execute(
            "select 1 from raw.file_imports where account_id = ? and content_digest = ?",
            [account_id, digest],
        ).fetchone()
        if is_known:
            continue
        is_stated = read.content.file_format.startswith("OFX")
        covered = None if result.rejects else period.covered(is_period_stated=is_stated)
        (number,) = connection.execute(
            "select coalesce(max(file_number), 0) + 1 from raw.file_imports"
        ).fetchone() or (0,)
        connection.execute(
            "insert into raw.file_imports by name select ? as file_number, "
            "? as account_id, ? as date_from, ? as imported_at, ? as file_name, ? as date_to, "
            "? as covered_from, ? as covered_until, ? as content_digest",
            [
                number, account_id, period.first_day, at.replace(tzinfo=None), path.name,
                period.last_day, *(covered or (None, None)), digest,
            ],
        )  # fmt: skip
        stage(connection, "staged_entries", ENTRY_COLUMNS, rows)
        connection.execute(
            "insert into raw.file_entries by name select ? as file_number, * from staged_entries",
            [number],
        )
        for kind, day, amount, currency in balances:
            connection.execute(
                "insert into raw.file_balances by name select ? as file_number, ? as account_id, "
                "? as balance_type, ? as reference_date, ? as amount, ? as currency",
                [number, account_id, kind, day, amount, currency],
            )
        numbers.append(number)
    if numbers:
        account = statements[-1].account
        replace_rows(
            connection,
            "raw.file_accounts",
            "select ? as account_id, ? as iban, "
            "? as number, ? as currency, ? as bic, ? as owner_name, ? as name",
            key=["account_id"],
            values=[account_id, account.iban, account.number, account.currency, account.bic,
             account.owner_name, account.name],
        )  # fmt: skip
    return numbers


def _rows(period: Period, account_id: str) -> list[dict[str, Any]]:
    """The rows of the entries; equal ones have one digest, and are counted."""
    rows = []
    for entry in period.entries:
        values = {**asdict(entry), "account_id": account_id}
        values.pop("line")
        # an identity, which the balance that follows does not change
        text = json.dumps({**values, "balance_after": None}, default=str, sort_keys=True)
        digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
        rows.append({**values, "entry_id": digest, "payload_digest": digest})
    return [
        {name: row[name] for name in ENTRY_COLUMNS}
        for row in counted(rows, may_be_sent_twice=False)
    ]


def _write_rejects(
    connection: duckdb.DuckDBPyConnection, path: Path, rejects: Sequence[Reject], at: datetime
) -> None:
    """Replace what was rejected of the file, or of one at its place, before."""
    place = str(path.resolve())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    connection.execute(
        "delete from raw.file_rejects where file_path = ? or file_digest = ?", [place, digest]
    )
    for reject in rejects:
        connection.execute(
            "insert into raw.file_rejects by name select ? as file_path, ? as file_digest, "
            "? as line, ? as field, ? as value, ? as reason, ? as rejected_at",
            [place, digest, reject.line, reject.field, reject.value, reject.reason,
             at.replace(tzinfo=None)],
        )  # fmt: skip


def _first_days(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], Any]:
    rows = connection.execute(
        "select account_id, currency, min(booking_date) from unified.transactions "
        "where provider = ? and status = 'booked' group by all",
        [STATEMENT_FILES.name],
    ).fetchall()
    return {(account_id, currency): day for account_id, currency, day in rows}


def _move_opening_balances(
    connection: duckdb.DuckDBPyConnection, first_days: dict[tuple[str, str], Any]
) -> None:
    """An opening balance is that before the first transaction, which an older file precedes."""
    for (account_id, currency), day in first_days.items():
        connection.execute(
            "update unified.opening_balances set opening_balance = opening_balance - coalesce(("
            "select sum(amount) from unified.transactions where provider = $provider "
            "and account_id = $account and currency = $currency and status = 'booked' "
            "and booking_date < $day), 0) "
            "where provider = $provider and account_id = $account and currency = $currency",
            {
                "provider": STATEMENT_FILES.name,
                "account": account_id,
                "currency": currency,
                "day": day,
            },
        )
