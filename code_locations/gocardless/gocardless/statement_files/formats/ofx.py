"""OFX 1 (SGML, whose values have no closing tags) and OFX 2 (XML), for accounts and credit cards.

Both are read as a row of tags: what a value belongs to is the aggregate that was opened last.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
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
from gocardless.statement_files.values.iban import find_iban

# what follows a tag, up to the next one: a < that begins no tag is a sign of the text
_TAG = re.compile(
    r"<(?P<closing>/?)(?P<name>[A-Z][A-Z0-9._]*)\s*>"
    r"(?P<value>(?:[^<]|<(?!/?[A-Z][A-Z0-9._]*\s*>))*)"
)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DATA = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
_STATEMENTS = frozenset({"STMTRS", "CCSTMTRS"})
_ENTRIES = frozenset({"STMTTRN", "STMTTRNP"})
_WITHIN = _ENTRIES | {
    "BANKACCTFROM", "CCACCTFROM", "BANKACCTTO", "CCACCTTO", "LEDGERBAL", "AVAILBAL", "CURRENCY",
    "ORIGCURRENCY", "PAYEE", "BANKTRANLIST", "BANKTRANLISTP", "BAL",
}  # fmt: skip
# where aggregates themselves are not closed, the end of these closes them
_CLOSING = _STATEMENTS | {"BANKTRANLIST", "BANKTRANLISTP", "OFX"}


@dataclass
class _Aggregate:
    """The values of an entry, an account or a balance, by ``aggregate.tag`` or ``tag`` alone."""

    name: str
    line: int
    values: dict[str, str] = field(default_factory=dict)


def read_ofx(text: str, file_name: str) -> StatementFile:
    """The statements of an OFX file; what cannot be read is among its rejects.

    Raises:
        StatementFileError: it has no statement of an account or card.
    """
    found = StatementFile(file_format=f"OFX {_version(text)}")
    statement: Statement | None = None
    for aggregate in _aggregates(text):
        if aggregate.name in _STATEMENTS:
            statement = Statement(account=Account())
            found.statements.append(statement)
        elif statement is not None:
            try:
                _take(statement, aggregate)
            except UnreadableValueError as error:
                found.rejects.append(Reject.of(error, aggregate.line))
    if not found.statements:
        raise StatementFileError(
            f"{file_name} has no statement of an account or card (STMTRS, CCSTMTRS); statements of "
            "investments are not read"
        )
    if not re.search(r"</OFX\s*>", text):
        last = text.count("\n") + 1
        found.notes.append(Note(line=last, text="</OFX> is missing: is the file cut?"))
    return found


def _version(text: str) -> int:
    return 2 if re.search(r"<\?OFX|OFXHEADER=\"200\"", text[:2000]) else 1


@dataclass
class _Tag:
    line: int
    name: str
    value: str
    is_closing: bool


def _tags(text: str) -> Iterator[_Tag]:
    # of the same number of lines
    text = _COMMENT.sub(lambda found: re.sub(r"[^\n]", " ", found.group()), text)
    text = _DATA.sub(lambda found: html.escape(found[1], quote=False), text)
    line, place = 1, 0
    for found in _TAG.finditer(text):
        line += text.count("\n", place, found.start())
        place = found.start()
        value = html.unescape(" ".join(found["value"].split()))
        yield _Tag(line, found["name"], value, is_closing=bool(found["closing"]))


def _ends(tag: _Tag, current: _Aggregate | None) -> bool:
    """Whether the aggregate ends with a tag: its own, or that of another but for one within."""
    if current is None:
        return False
    if tag.is_closing:
        return tag.name in {current.name, *_CLOSING}
    within = _ENTRIES if current.name in _ENTRIES else _WITHIN
    return tag.name in _STATEMENTS | within


def _aggregates(text: str) -> Iterator[_Aggregate]:
    """The statements, and behind each its accounts, balances and entries."""
    current: _Aggregate | None = None
    inner: str | None = None
    for tag in _tags(text):
        if _ends(tag, current) and current:
            yield current
            current = None
        if tag.is_closing:
            inner = None if tag.name == inner else inner
        elif tag.name in _STATEMENTS or tag.name == "CURDEF":
            yield _Aggregate(tag.name, tag.line, {tag.name: tag.value})
        elif tag.name in _WITHIN and current:
            inner = tag.name
        elif tag.name in _WITHIN:
            current, inner = _Aggregate(tag.name, tag.line), None
        elif current:
            current.values.setdefault(f"{inner}.{tag.name}" if inner else tag.name, tag.value)
    if current:
        if current.name in _ENTRIES:
            current.values["cut"] = "yes"
        yield current


def _take(statement: Statement, aggregate: _Aggregate) -> None:
    values = aggregate.values
    match aggregate.name:
        case "CURDEF":
            statement.account = replace(statement.account, currency=values["CURDEF"].upper())
        case "BANKACCTFROM" | "CCACCTFROM":
            number = values.get("ACCTID") or None
            bank = values.get("BANKID")
            statement.account = replace(
                statement.account,
                iban=find_iban(number or ""),
                number=f"{bank}/{number}" if bank and number else number,
            )
        case "BANKTRANLIST":
            statement.first_day = _day(values, "DTSTART")
            statement.last_day = _day(values, "DTEND")
        case "LEDGERBAL" | "AVAILBAL":
            day = _day(values, "DTASOF")
            if day and values.get("BALAMT"):
                statement.balances.append(
                    Balance(
                        kind="interim" if aggregate.name == "LEDGERBAL" else "available",
                        day=day,
                        amount=_amount(values["BALAMT"], "BALAMT"),
                        currency=_currency(statement),
                    )
                )
        case "STMTTRN" | "STMTTRNP":
            statement.entries.append(_entry(statement, aggregate))


def _entry(statement: Statement, aggregate: _Aggregate) -> Entry:
    values = aggregate.values
    if "cut" in values:
        raise UnreadableValueError(
            aggregate.name, values.get("FITID", ""), "the file ends within it"
        )
    if "CORRECTACTION" in values:
        raise UnreadableValueError(
            "CORRECTACTION",
            values["CORRECTACTION"],
            f"it changes entry {values.get('CORRECTFITID', '')} of an earlier file: do it by hand",
        )
    if not values.get("TRNAMT"):
        raise UnreadableValueError("TRNAMT", "", "the entry has no amount")
    is_pending = aggregate.name == "STMTTRNP"
    booked = _day(values, "DTPOSTED")
    if booked is None and not is_pending:
        raise UnreadableValueError("DTPOSTED", "", "the entry has no date")
    counterparty = values.get("NAME") or values.get("PAYEE.NAME")
    currency = _currency(statement)
    original, rate = None, None
    if symbol := values.get("ORIGCURRENCY.CURSYM"):
        original, rate = symbol, _rate(values.get("ORIGCURRENCY.CURRATE"))
    return Entry(
        line=aggregate.line,
        amount=_amount(values["TRNAMT"], "TRNAMT"),
        currency=values.get("CURRENCY.CURSYM") or currency,
        status="pending" if is_pending else "booked",
        booking_date=booked or _day(values, "DTTRAN"),
        value_date=_day(values, "DTAVAIL"),
        description=values.get("MEMO") or values.get("NAME") or values.get("TRNTYPE", ""),
        counterparty=counterparty or None,
        transaction_id=values.get("FITID") or None,
        counterparty_iban=find_iban(values.get("BANKACCTTO.ACCTID", "")),
        original_currency=original,
        exchange_rate=rate,
        merchant_category=values.get("SIC") or None,
    )


def _currency(statement: Statement) -> str:
    if statement.account.currency is None:
        raise UnreadableValueError("CURDEF", "", "the statement has no currency")
    return statement.account.currency


def _amount(text: str, name: str) -> Decimal:
    return read_amount(text, name, decimal=decimal_mark([text]) or ".")


def _rate(text: str | None) -> Decimal | None:
    try:
        return _amount(text, "CURRATE") if text else None
    except UnreadableValueError:
        return None


def _day(values: dict[str, str], name: str) -> date | None:
    """The day as the bank's clock has it; time and time zone, which may follow, are left out."""
    text = values.get(name)
    if not text:
        return None
    try:
        return date.fromisoformat(text[:8])
    except ValueError:
        raise UnreadableValueError(name, text, "not a date such as 20261127") from None
