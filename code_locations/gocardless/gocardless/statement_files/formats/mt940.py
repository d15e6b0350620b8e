"""MT940, the statement of SWIFT, with the dialects of banks.

``:61:`` is a booking and the ``:86:`` below it says what it was for: in the German fields ``?20``
to ``?63``, in SWIFT's words ``/REMI/`` and ``/NAME/``, or as plain text.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from gocardless.extraction.reading.currencies import CURRENCIES
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
from gocardless.statement_files.values.iban import find_iban, german_iban

_FIELD = re.compile(r":(?P<tag>\d{2}[A-Z]?):(?P<value>.*)")
_BALANCE = re.compile(r"(?P<mark>[CD])(?P<day>\d{6})(?P<currency>[A-Z]{3})(?P<amount>[\d.,]+)\s*")
_ENTRY = re.compile(
    r"(?P<value>\d{6})(?P<entry>\d{4}|\s{4})?(?P<mark>[RE]?[CD])(?P<funds>[A-Z])?\s?"
    r"(?P<amount>\d[\d.,]*)\s?(?:[A-Z][A-Z0-9]{3}(?P<reference>[^\n]*?))?"
    r"(?://(?P<bank_reference>[^\n]*))?(?:\n(?P<supplement>.*))?",
    re.DOTALL,
)  # fmt: skip
_SUBFIELDS = re.compile(r"\d{3}(?P<mark>[^\w\s/])\d\d")
_SEPA = re.compile(r"(?<![A-Z])(EREF|KREF|MREF|CRED|DEBT|SVWZ|ABWA|ABWE|IBAN|BIC|COAM|OAMT)\+")
_SWIFT = re.compile(
    r"/(TRTP|IBAN|BIC|NAME|REMI|EREF|MARF|CSID|ORDP|BENM|CNTP|PREF|RTRN|TRCD|SVCL|ID|ADDR|ISDT"
    r"|ULTC|ULTD|PURP|CREF|OCMT|CHGS|EXCH)/"
)
_FULL_SEGMENT, _FULL_LINE = 27, 65
_KINDS = {"60F": "opening", "62F": "closing", "64": "available"}
_NO_REFERENCE = frozenset({"", "NONREF", "KEINE", "NOTPROVIDED"})


@dataclass(frozen=True)
class _Field:
    line: int
    tag: str
    value: str


def read_mt940(text: str) -> StatementFile:
    """The statements of an MT940 file; what cannot be read is among its rejects."""
    found = StatementFile(file_format="MT940")
    statement, fields = None, list(_fields(text))
    is_closed = True
    for number, field in enumerate(fields):
        following = fields[number + 1] if number + 1 < len(fields) else None
        try:
            if field.tag in ("20", "25", "25P") and is_closed:
                statement, is_closed = Statement(account=Account()), False
                found.statements.append(statement)
            if statement is None:
                found.rejects.append(
                    Reject(line=field.line, field=f":{field.tag}:", value=field.value,
                           reason="before the first :20:")
                )  # fmt: skip
            elif field.tag in ("25", "25P"):
                statement.account = _account(field.value)
            elif field.tag[:2] in ("60", "62", "64", "65"):
                is_closed = is_closed or field.tag[:2] == "62"
                _take_balance(statement, field)
            elif field.tag == "61":
                statement.entries.append(_entry(statement, field, following))
        except UnreadableValueError as error:
            found.rejects.append(Reject.of(error, field.line))
    if not is_closed:
        found.notes.append(
            Note(line=fields[-1].line, text="no closing balance :62F: follows: is the file cut?")
        )
    return found


def _fields(text: str) -> Iterator[_Field]:
    """The fields, each with the lines that continue it."""
    current: _Field | None = None
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.rstrip("\r")
        # the blocks of an envelope {1:...}{4: come before the first field, -} behind the last
        found = _FIELD.match(line)
        if found or line.strip() in ("-", "-}", "") or line.startswith("{"):
            if current:
                yield current
            current = _Field(number, found["tag"], found["value"]) if found else None
        elif current:
            current = _Field(current.line, current.tag, f"{current.value}\n{line}")
    if current:
        yield current


def _account(value: str) -> Account:
    text = value.strip().replace("\n", "")
    currency = text[-3:] if text[-3:] in CURRENCIES else None
    number = text[:-3].strip() if currency and not text[-4:-3].isalpha() else text
    return Account(iban=find_iban(text) or german_iban(number), number=number, currency=currency)


def _take_balance(statement: Statement, field: _Field) -> None:
    found = _BALANCE.fullmatch(field.value)
    if found is None:
        raise UnreadableValueError(
            f":{field.tag}:", field.value, "not a balance such as C261127EUR96,20"
        )
    # the currency of the entries is that of the balance before them
    statement.account = _with_currency(statement.account, found["currency"])
    kind = _KINDS.get(field.tag)
    if kind is not None:
        statement.balances.append(
            Balance(
                kind=kind,
                day=_day(found["day"], f":{field.tag}:"),
                amount=_money(found["amount"], f":{field.tag}:", found["mark"]),
                currency=found["currency"],
            )
        )


def _with_currency(account: Account, currency: str) -> Account:
    return Account(iban=account.iban, number=account.number, currency=currency)


def _entry(statement: Statement, field: _Field, following: _Field | None) -> Entry:
    found = _ENTRY.fullmatch(field.value)
    if found is None:
        raise UnreadableValueError(
            ":61:", field.value, "not a booking such as 2611271127D3,80NMSCNONREF"
        )
    if statement.account.currency is None:
        raise UnreadableValueError(":61:", field.value, "no balance :60F: before it has a currency")
    value_date = _day(found["value"], ":61:")
    # RD is a debit taken back, RC a credit taken back
    mark = {"RD": "C", "RC": "D"}.get(found["mark"], found["mark"][-1])
    entry = Entry(
        line=field.line,
        amount=_money(found["amount"], ":61:", mark),
        currency=statement.account.currency,
        status="pending" if found["mark"].startswith("E") else "booked",
        booking_date=_booking_date(value_date, found["entry"]),
        value_date=value_date,
        transaction_id=_reference(found["bank_reference"]),
    )
    reference = _reference(found["reference"])
    if following and following.tag == "86":
        _take_details(entry, following.value)
    elif reference:
        entry.description = reference
    _take_original_amount(entry, found["supplement"] or "")
    return entry


def _money(text: str, field: str, mark: str) -> Decimal:
    # SWIFT's comma; a few banks write a point
    amount = read_amount(text, field, decimal="." if "," not in text else ",")
    return -amount if mark == "D" else amount


def _day(text: str, field: str) -> date:
    try:
        # SWIFT's window: from 1980 to 2079
        century = 1900 if int(text[:2]) >= 80 else 2000  # noqa: PLR2004 - as the comment says
        return date(century + int(text[:2]), int(text[2:4]), int(text[4:6]))
    except ValueError:
        raise UnreadableValueError(field, text, "not a day such as 261127") from None


def _booking_date(value_date: date, entry: str | None) -> date:
    """The day of the entry, which has no year: that nearest to the value date."""
    if entry is None or not entry.strip():
        return value_date
    days = []
    for year in (value_date.year - 1, value_date.year, value_date.year + 1):
        try:
            days.append(date(year, int(entry[:2]), int(entry[2:])))
        except ValueError:
            continue
    if not days:
        raise UnreadableValueError(":61:", entry, "not a day such as 1127")
    return min(days, key=lambda day: abs(day - value_date))


def _reference(text: str | None) -> str | None:
    cleaned = " ".join((text or "").split())
    return None if cleaned.upper() in _NO_REFERENCE else cleaned


def _take_details(entry: Entry, value: str) -> None:
    found = _SUBFIELDS.match(value)
    if found:
        _take_subfields(entry, value.replace("\n", ""), found["mark"])
    elif _SWIFT.match(value):
        _take_swift_words(entry, _joined(value.split("\n"), full=_FULL_LINE))
    else:
        entry.description = _joined(value.split("\n"), full=_FULL_LINE)


def _take_subfields(entry: Entry, value: str, mark: str) -> None:
    parts = re.split(rf"{re.escape(mark)}(\d\d)", value[3:])
    subfields = list(zip(parts[1::2], parts[2::2], strict=True))
    text = _joined(value for number, value in subfields if "20" <= number <= "29" or number >= "60")
    posting_text = next((value for number, value in subfields if number == "00"), "")
    words = _split(_SEPA, text)
    purpose = words.get("SVWZ") or words.get("")
    entry.description = purpose or posting_text.strip()
    names = _joined(value for number, value in subfields if number in ("32", "33"))
    entry.counterparty = names or words.get("ABWA") or words.get("ABWE")
    other = next((value for number, value in subfields if number == "31"), "")
    entry.counterparty_iban = find_iban(words.get("IBAN") or "") or find_iban(other)
    entry.end_to_end_id = _reference(words.get("EREF"))
    entry.mandate_id = words.get("MREF")
    _take_foreign(entry, words.get("OAMT") or "")


def _take_swift_words(entry: Entry, value: str) -> None:
    words = _split(_SWIFT, value)
    # SWIFT's lists of a party: IBAN, BIC, name, town
    party = (words.get("CNTP") or "").split("/")
    name = words.get("NAME") or (party[2] if len(party) > 2 else None)  # noqa: PLR2004 - as above
    entry.counterparty = (name or "").strip("/ ") or None
    entry.counterparty_iban = find_iban(words.get("IBAN") or party[0])
    purpose = words.get("REMI") or words.get("TRTP") or ""
    entry.description = re.sub(r"^(?:USTD|STRD)?//|/$", "", purpose).strip()
    entry.end_to_end_id = _reference((words.get("EREF") or "").strip("/"))
    entry.mandate_id = (words.get("MARF") or "").strip("/ ") or None
    _take_original_amount(entry, value)


def _take_original_amount(entry: Entry, text: str) -> None:
    words = _split(_SWIFT, text.replace("\n", ""))
    _take_foreign(entry, words.get("OCMT") or "")
    if entry.original_currency and (rate := (words.get("EXCH") or "").strip("/ ")):
        try:
            entry.exchange_rate = Decimal(rate.replace(",", "."))
        except InvalidOperation:
            entry.exchange_rate = None


def _take_foreign(entry: Entry, text: str) -> None:
    found = re.search(r"([A-Z]{3})\s*([\d.]*,?\d*)|([\d.]+,\d*)\s*([A-Z]{3})", text)
    if not found:
        return
    currency, amount = found[1] or found[4], found[2] or found[3]
    if amount and currency in CURRENCIES and currency != entry.currency:
        entry.original_currency = currency
        entry.original_amount = _money(amount, ":61:", "D" if entry.amount < 0 else "C")


def _split(words: re.Pattern[str], text: str) -> dict[str, str]:
    """What follows each word, the first time; what is before the first under the empty one."""
    parts = words.split(text)
    found: dict[str, str] = {"": " ".join(parts[0].split())} if parts[0].strip() else {}
    for word, value in zip(parts[1::2], parts[2::2], strict=True):
        if value.strip():
            found.setdefault(word, " ".join(value.split()))
    return found


def _joined(segments: Iterable[str], full: int = _FULL_SEGMENT) -> str:
    """A text of segments: a full one is continued in the next, a shorter one ends with a word."""
    text = ""
    for segment in segments:
        text += segment if len(segment) >= full else f"{segment} "
    return " ".join(text.split())
