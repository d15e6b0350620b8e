"""QIF, which has neither currency nor the order of day and month: both are learned or stated."""

from dataclasses import dataclass, field
from decimal import Decimal

from gocardless.statement_files.statement import (
    Account,
    Balance,
    Entry,
    Note,
    Reject,
    Statement,
    StatementFile,
    StatementFileError,
    UnreadableValueError,
)
from gocardless.statement_files.values.amounts import decimal_mark, read_amount
from gocardless.statement_files.values.dates import orders_of, read_date

_MONEY_TYPES = frozenset({"bank", "ccard", "cash", "oth a", "oth l"})


@dataclass
class _Record:
    line: int
    kind: str
    values: dict[str, str] = field(default_factory=dict)
    is_closed: bool = False


def read_qif(
    text: str, file_name: str, *, currency: str | None, date_order: str | None = None
) -> StatementFile:
    """The statements of a QIF file; what cannot be read is among its rejects.

    Args:
        text: of the file.
        file_name: for messages.
        currency: of all its accounts, ISO 4217.
        date_order: one of :data:`~gocardless.statement_files.values.dates.ORDERS`; learned if none.

    Raises:
        StatementFileError: the currency is missing, or the dates allow two orders.
    """
    if currency is None:
        raise StatementFileError(
            f"{file_name}: QIF states no currency: add --currency, such as EUR"
        )
    found = StatementFile(file_format="QIF")
    records = _records(text, found)
    dates = [record.values["D"] for record in records if record.values.get("D")]
    orders = [date_order] if date_order else orders_of([_plain(value) for value in dates])
    if len(orders) > 1:
        raise StatementFileError(
            f"{file_name}: {dates[0]} may be day or month first: add --date-order, "
            f"allowed is one of: {', '.join(orders)}"
        )
    amounts = [value for record in records if (value := _amount_of(record))]
    decimal = decimal_mark(amounts) or "."
    by_account: dict[str | None, Statement] = {}
    account: str | None = None
    for record in records:
        if record.kind == "account":
            account = record.values.get("N")
            continue
        statement = by_account.setdefault(
            account, Statement(account=Account(number=account, currency=currency, name=account))
        )
        try:
            _take(statement, record, (orders or ["ymd"])[0], decimal, currency)
        except UnreadableValueError as error:
            found.rejects.append(Reject.of(error, record.line))
    found.statements = list(by_account.values())
    return found


def _records(text: str, found: StatementFile) -> list[_Record]:
    records: list[_Record] = []
    kind, current = "", None
    lines = text.splitlines(keepends=True)
    for number, raw in enumerate(lines, start=1):
        line = raw.strip("\r\n").lstrip()
        if line.startswith("!"):
            kind = _kind(line, kind)
            if kind not in {*_MONEY_TYPES, "account", ""}:
                found.notes.append(Note(line=number, text=f"the list {line} holds no bookings"))
        elif line.startswith("^"):
            if current:
                current.is_closed = True
            current = None
        elif line and kind in {*_MONEY_TYPES, "account"}:
            if current is None:
                current = _Record(number, kind)
                records.append(current)
            if line[0] not in current.values:
                current.values[line[0]] = line[1:].strip()
    if current and lines and lines[-1].endswith(("\n", "\r")):
        found.notes.append(Note(line=len(lines), text="the last entry has no ^: is the file cut?"))
        current.is_closed = True
    return records


def _kind(line: str, before: str) -> str:
    """The list that a line with ! begins; options change none."""
    word = line[1:].strip().lower()
    return before if word.startswith(("option", "clear")) else word.removeprefix("type:").strip()


def _amount_of(record: _Record) -> str | None:
    return record.values.get("T") or record.values.get("U")


def _plain(text: str) -> str:
    # Quicken writes 11/27'26 and 1/ 5'26
    return text.replace("'", "/").replace("/ ", "/")


def _take(statement: Statement, record: _Record, order: str, decimal: str, currency: str) -> None:
    if not record.is_closed:
        raise UnreadableValueError("^", "", "the file ends within the entry")
    amount_text = _amount_of(record)
    if not amount_text:
        raise UnreadableValueError("T", "", "the entry has no amount")
    amount: Decimal = read_amount(amount_text, "T", decimal=decimal)
    day = read_date(_plain(record.values.get("D", "")), "D", order=order)
    payee = " ".join(record.values.get("P", "").split())
    if payee.lower() == "opening balance":
        statement.balances.append(
            Balance(kind="opening", day=day, amount=amount, currency=currency)
        )
        return
    memo = " ".join(record.values.get("M", "").split())
    statement.entries.append(
        Entry(
            line=record.line,
            amount=amount,
            currency=currency,
            booking_date=day,
            description=memo or payee or record.values.get("L", ""),
            counterparty=payee or None,
        )
    )
