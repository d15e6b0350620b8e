"""Bookings from a CSV file, by the mapping of its bank."""

import itertools
import re
from collections.abc import Mapping as Values
from datetime import date
from decimal import Decimal

from gocardless.extraction.reading.currencies import CURRENCIES
from gocardless.statement_files.formats.csv.balances import (
    Surroundings,
    has_value,
    line_kind,
    take_line,
)
from gocardless.statement_files.formats.csv.columns import (
    CREDIT_WORDS,
    DEBIT_WORDS,
    indicator_word,
    normalised,
)
from gocardless.statement_files.formats.csv.lines import Row, rows_of
from gocardless.statement_files.formats.csv.mapping import Mapping
from gocardless.statement_files.formats.csv.table import named_uniquely
from gocardless.statement_files.statement import (
    Account,
    Balance,
    Entry,
    Note,
    Reject,
    Statement,
    StatementFile,
    UnreadableValueError,
)
from gocardless.statement_files.values.amounts import read_amount
from gocardless.statement_files.values.dates import read_date
from gocardless.statement_files.values.iban import find_iban

_PENDING = re.compile(
    r".*(vorgemerkt|pending|ausstehend|offen|en attente|en cours|pendiente|in sospeso|oczekuj"
    r"|reserv).*"
)
_NO_MONEY = re.compile(
    r".*(declined|reverted|failed|abgelehnt|fehlgeschlagen|storniert|cancel|refuse|annule|rechaz).*"
)


def header_of(text: str, mapping: Mapping) -> int | None:
    """The line of the header that the mapping is for; none if the file has no such header."""
    if not mapping.has_header:
        rows = rows_of(text, mapping.separator)
        return 0 if any(len(row.cells) == len(mapping.header) for row in rows) else None
    for row in rows_of(text, mapping.separator):
        if list(named_uniquely(row.cells)) == mapping.header:
            return row.line
    return None


class Unused:
    """Columns that the mapping does not name although bookings have values in them."""

    def __init__(self, mapping: Mapping) -> None:
        """Watch the columns that ``mapping`` does not name."""
        columns = mapping.columns
        used = {*columns.named().values(), *columns.description}
        self._names = {place: name for place, name in enumerate(mapping.header) if name not in used}
        self.examples: dict[str, str] = {}

    def take(self, row: Row) -> None:
        """Remember the first value of each column."""
        for place, name in self._names.items():
            if place < len(row.cells) and (value := row.cells[place].strip()):
                self.examples.setdefault(name, value[:60])

    def __str__(self) -> str:
        """The columns, each with its first value."""
        named = ", ".join(f"{name} (such as {value!r})" for name, value in self.examples.items())
        return f"columns that are not read: {named}"


def read_csv(text: str, mapping: Mapping, header_line: int) -> StatementFile:
    """The statements of a CSV file; rows that are not bookings are among its rejects or notes."""
    found = StatementFile(file_format="CSV")
    around = Surroundings()
    by_account: dict[tuple[str | None, str], Statement] = {}
    width = len(mapping.header)
    unused = Unused(mapping)
    for row in rows_of(text, mapping.separator, width=width):
        if row.line == header_line:
            continue
        if row.line < header_line:
            take_line(around, row, mapping)
            continue
        if row.is_quoted_well and line_kind(row.cells):
            found.notes.append(Note(line=row.line, text=take_line(around, row, mapping)))
            continue
        try:
            own_iban, entry = _entry(row, mapping)
        except UnreadableValueError as error:
            if row.is_quoted_well and len(row.cells) <= width and not has_value(row.cells):
                found.notes.append(Note(line=row.line, text=take_line(around, row, mapping)))
            else:
                found.rejects.append(Reject.of(error, row.line))
            continue
        if entry is None:
            found.notes.append(Note(line=row.line, text="its status means that no money moved"))
            continue
        unused.take(row)
        key = own_iban, entry.currency
        if key not in by_account:
            account = Account(
                iban=find_iban(own_iban or ""), number=own_iban, currency=entry.currency
            )
            by_account[key] = Statement(account=account)
        by_account[key].entries.append(entry)
    if unused.examples:
        found.notes.append(Note(line=header_line, text=str(unused)))
    found.statements = list(by_account.values())
    _take_surroundings(found, around, mapping)
    return found


def _take_surroundings(found: StatementFile, around: Surroundings, mapping: Mapping) -> None:
    for statement in found.statements:
        account = statement.account
        if account.number is None and (around.iban or around.number):
            statement.account = Account(
                iban=around.iban, number=around.iban or around.number, currency=account.currency
            )
        _take_running_balance(statement)
    if len(found.statements) != 1:
        return
    [statement] = found.statements
    days = [entry.booking_date for entry in statement.entries if entry.booking_date]
    if around.days:
        statement.first_day, statement.last_day = around.days
    for kind, day, amount in around.balances:
        # without a day a balance is that of when the file was made
        known = day or (max(days) if kind == "closing" else min(days))
        statement.balances.append(
            Balance(
                kind="interim" if kind == "closing" and (day is None or day > max(days)) else kind,
                day=known,
                amount=amount,
                currency=statement.account.currency or mapping.currency or "",
            )
        )


def _take_running_balance(statement: Statement) -> None:
    """The first and the last balance of a column that is right from row to row."""
    known = [
        (entry.booking_date, entry.amount, entry.balance_after)
        for entry in statement.entries
        if entry.status == "booked" and entry.booking_date
    ]
    steps = [(day, amount, after) for day, amount, after in known if after is not None]
    if not steps or len(steps) < len(known):
        return
    for ordered in (steps, steps[::-1]):
        is_right = all(
            later[2] == earlier[2] + later[1] for earlier, later in itertools.pairwise(ordered)
        )
        first, last = ordered[0], ordered[-1]
        if is_right and first[0] <= last[0]:
            currency = statement.entries[0].currency
            for kind, day, amount in (
                ("opening", first[0], first[2] - first[1]),
                ("interim", last[0], last[2]),
            ):
                statement.balances.append(
                    Balance(kind=kind, day=day, amount=amount, currency=currency)
                )
            return


def _entry(row: Row, mapping: Mapping) -> tuple[str | None, Entry | None]:
    width = len(mapping.header)
    if not row.is_quoted_well:
        raise UnreadableValueError("row", row.text, "a quotation mark without its counterpart")
    if len(row.cells) < width or any(row.cells[width:]):
        raise UnreadableValueError(
            "row",
            row.text,
            f"{len(row.cells)} cells, the header has {width}: quote a text that has the separator",
        )
    cells = dict(zip(mapping.header, row.cells, strict=False))
    columns = mapping.columns
    values = {role: cells[name] for role, name in columns.named().items()}
    status = normalised(values.get("status", ""))
    if _NO_MONEY.fullmatch(status):
        return None, None
    currency = (values.get("currency") or mapping.currency or "").upper()
    if currency not in CURRENCIES:
        raise UnreadableValueError(
            columns.currency or "currency", currency, "not a currency of ISO 4217"
        )
    amount = _amount(values, mapping)
    is_pending = _PENDING.fullmatch(status) is not None
    texts = [cells[name] for name in columns.description]
    original = _optional_amount(values.get("original_amount"), mapping.decimal)
    original_currency = (values.get("original_currency") or "").upper() or None
    is_foreign = original_currency not in (None, currency)
    parties = ("payee", "payer") if amount < 0 else ("payer", "payee")
    named = [values.get(role) for role in ("counterparty", *parties)]
    counterparty = next((_line(name) for name in named if name), None)
    return values.get("account_iban") or None, Entry(
        line=row.line,
        amount=amount,
        currency=currency,
        status="pending" if is_pending else "booked",
        booking_date=None
        if is_pending and not values["booking_date"]
        else read_date(values["booking_date"], columns.booking_date, order=mapping.date_order),
        value_date=_optional_day(values.get("value_date"), mapping),
        description=_line(" ".join(text for text in texts if text)),
        counterparty=counterparty,
        transaction_id=values.get("transaction_id") or None,
        balance_after=_optional_amount(values.get("balance_after"), mapping.decimal),
        counterparty_iban=find_iban(values.get("counterparty_iban") or ""),
        end_to_end_id=_reference(values.get("end_to_end_id")),
        mandate_id=values.get("mandate_id") or None,
        original_amount=original if is_foreign else None,
        original_currency=original_currency if is_foreign else None,
        exchange_rate=_optional_amount(values.get("exchange_rate"), mapping.decimal)
        if is_foreign
        else None,
        merchant_category=values.get("merchant_category") or None,
    )


def _amount(values: Values[str, str], mapping: Mapping) -> Decimal:
    columns = mapping.columns
    if columns.amount is not None:
        amount = read_amount(values["amount"], columns.amount, decimal=mapping.decimal)
        if columns.indicator is None:
            return amount - _fee(values, mapping)
        word = indicator_word(values["indicator"])
        if word not in DEBIT_WORDS | CREDIT_WORDS:
            raise UnreadableValueError(
                columns.indicator,
                values["indicator"],
                "it is neither debit nor credit: allowed are such as S and H, D and C",
            )
        return (-amount if word in DEBIT_WORDS else amount) - _fee(values, mapping)
    sides = {
        side: read_amount(text, name, decimal=mapping.decimal)
        for side, name in (("debit", columns.debit), ("credit", columns.credit))
        if name is not None and (text := values.get(side, ""))
    }
    moved = {side: amount for side, amount in sides.items() if amount}
    if not sides:
        raise UnreadableValueError(str(columns.debit), "", f"no amount, nor in {columns.credit}")
    if len(moved) > 1:
        raise UnreadableValueError(
            str(columns.debit), values["debit"], f"an amount, and one in {columns.credit} too"
        )
    if "debit" in moved:
        return moved["debit"] if mapping.debit_is_signed else -moved["debit"]
    return moved.get("credit", Decimal(0))


def _fee(values: Values[str, str], mapping: Mapping) -> Decimal:
    """What the bank takes beside the amount; whatever its sign, it leaves the account."""
    name = mapping.columns.fee
    if name is None or not values["fee"]:
        return Decimal(0)
    return abs(read_amount(values["fee"], name, decimal=mapping.decimal))


def _optional_amount(text: str | None, decimal: str) -> Decimal | None:
    """An amount that no money depends on: none if it cannot be read."""
    if not text:
        return None
    try:
        return read_amount(text, "", decimal=decimal)
    except UnreadableValueError:
        return None


def _optional_day(text: str | None, mapping: Mapping) -> date | None:
    if not text:
        return None
    try:
        return read_date(text, "", order=mapping.date_order)
    except UnreadableValueError:
        return None


def _reference(text: str | None) -> str | None:
    return None if normalised(text or "") in ("", "notprovided", "nonref") else text


def _line(text: str) -> str:
    return " ".join(text.split())
