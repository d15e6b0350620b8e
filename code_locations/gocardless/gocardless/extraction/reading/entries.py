"""From an entry of an answer to typed columns, or to the reason why it is refused.

What money it is has to be there: an amount, a currency, and for booked entries a date. Any other
field that cannot be read becomes null, with a note that says why.
"""

import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from gocardless.extraction.reading.currencies import CURRENCIES

LONGEST_ENTRY = 100_000
"""Characters; a longer one is refused."""

READER = 2
"""Grows when entries are read in another way: what was refused before is tried again."""

_AMOUNT = re.compile(r"[+-]?(?P<whole>\d*)(\.(?P<fraction>\d*))?")
_WHOLE_DIGITS, _FRACTION_DIGITS = 14, 8
_RATE_DIGITS = 10
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"[T ]\d{2}:?\d{2}.*")
_EARLIEST, _LATEST = date(1970, 1, 1), date(2200, 1, 1)


class UnreadableEntryError(ValueError):
    """An entry that no row can be made of; the text is the reason."""


@dataclass
class ReadEntries:
    """Rows of an answer's entries, in their order, and rows for what was refused."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)


def read_transactions(
    account_id: str, lists: Mapping[str, Sequence[Any]], *, currency: str | None = None
) -> ReadEntries:
    """The rows of the lists ``booked`` and ``pending``.

    Args:
        account_id: the account.
        lists: the entries, by status.
        currency: that of the account, for entries that name none.
    """
    found = ReadEntries()
    for status, entries in lists.items():
        for entry in entries:
            _read(found, account_id, "transactions", entry, _transaction, currency, status=status)
    return found


def read_balances(
    account_id: str, entries: Sequence[Any], *, currency: str | None = None
) -> ReadEntries:
    """The rows of an account's balances; ``currency`` is that of those that name none."""
    found = ReadEntries()
    for entry in entries:
        _read(found, account_id, "balances", entry, _balance, currency)
    return found


def _read(
    found: ReadEntries,
    account_id: str,
    scope: str,
    entry: Any,
    read: Any,
    currency: str | None,
    **columns: str,
) -> None:
    # as the database writes JSON, so that an entry has the same digest in Python and SQL
    payload = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    common = {
        "account_id": account_id,
        "payload": payload,
        "payload_digest": _digest(payload),
        **columns,
    }
    try:
        _check(entry, payload)
        found.rows.append({**common, **read(entry, currency, **columns)})
    except UnreadableEntryError as error:
        # what cannot be stored as text is stored escaped
        escaped = payload if _is_storable(payload) else json.dumps(entry)
        found.rejects.append(
            {
                "status": None,
                **common,
                "scope": scope,
                "reason": str(error),
                "payload": escaped,
                "reader": READER,
            }
        )


def _digest(payload: str) -> str:
    content = payload.encode("utf-8", "surrogatepass")
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _check(entry: Any, payload: str) -> None:
    if not isinstance(entry, dict):
        raise UnreadableEntryError("not an object")
    if len(payload) > LONGEST_ENTRY:
        raise UnreadableEntryError(f"{len(payload):,} characters, allowed are {LONGEST_ENTRY:,}")
    if "\\u0000" in payload:
        raise UnreadableEntryError("a NUL character")
    if not _is_storable(payload):
        raise UnreadableEntryError("half of a surrogate pair")


def _is_storable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


class _Notes(list[str]):
    """Why optional fields are null."""

    def read(self, name: str, read: Any, *values: Any) -> Any:
        """What ``read`` makes of the values; null with a note, where it cannot."""
        try:
            return read(*values)
        except UnreadableEntryError as error:
            self.append(f"{name}: {error}")
            return None

    def text(self) -> str | None:
        """All of them."""
        return "; ".join(self) or None


def _transaction(
    entry: Mapping[str, Any], account_currency: str | None, *, status: str
) -> dict[str, Any]:
    amount, currency = _money(entry, "transactionAmount", account_currency)
    notes = _Notes()
    booking = _first_date(entry, notes, "bookingDate", "bookingDateTime")
    value = _first_date(entry, notes, "valueDate", "valueDateTime")
    if status == "booked" and booking is None and value is None:
        raise UnreadableEntryError("; ".join(["neither bookingDate nor valueDate", *notes]))
    return {
        "transaction_id": _text(entry, "transactionId"),
        "internal_transaction_id": _text(entry, "internalTransactionId"),
        "entry_reference": _text(entry, "entryReference"),
        "booking_date": booking or value,
        "value_date": value,
        "amount": amount,
        "currency": currency,
        "description": _description(entry),
        **parties(entry, amount),
        "balance_after": notes.read("balanceAfterTransaction", _balance_after, entry, currency),
        **_exchange(entry, amount, currency, notes),
        "merchant_category": _text(entry, "merchantCategoryCode"),
        "end_to_end_id": _text(entry, "endToEndId"),
        "mandate_id": _text(entry, "mandateId"),
        "notes": notes.text(),
    }


def _balance(entry: Mapping[str, Any], account_currency: str | None) -> dict[str, Any]:
    amount, currency = _money(entry, "balanceAmount", account_currency)
    includes = entry.get("creditLimitIncluded")
    return {
        "balance_type": _text(entry, "balanceType"),
        "reference_date": _first_date(entry, _Notes(), "referenceDate"),
        "amount": amount,
        "currency": currency,
        "credit_limit_included": includes if isinstance(includes, bool) else None,
    }


def _money(
    entry: Mapping[str, Any], name: str, account_currency: str | None = None
) -> tuple[Decimal, str]:
    money = entry.get(name)
    if not isinstance(money, Mapping):
        raise UnreadableEntryError(f"no {name}")
    amount = money.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, str | int) or amount == "":
        raise UnreadableEntryError(f"no amount in {name}")
    currency = money.get("currency")
    return exact_amount(str(amount)), known_currency(currency or account_currency)


def known_currency(value: Any) -> str:
    """The code that ``value`` is, in capital letters.

    Raises:
        UnreadableEntryError: neither ISO 4217 nor the trade in crypto currencies has it.
    """
    code = value.strip().upper() if isinstance(value, str) else None
    if code not in CURRENCIES:
        raise UnreadableEntryError(f"{_shown(value)} is not a currency of ISO 4217")
    return code


def exact_amount(text: str) -> Decimal:
    """The amount that ``text`` writes with a decimal point.

    Raises:
        UnreadableEntryError: it is not such a number, or has more digits than a column has.
    """
    return _exact_number(text, _FRACTION_DIGITS)


def _exact_number(text: str, fraction_digits: int) -> Decimal:
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or not text.isascii() or not (found["whole"] or found["fraction"]):
        raise UnreadableEntryError(f"{_shown(text)} is not an amount such as -1234.56")
    whole, fraction = found["whole"].lstrip("0"), (found["fraction"] or "").rstrip("0")
    if len(whole) > _WHOLE_DIGITS or len(fraction) > fraction_digits:
        raise UnreadableEntryError(
            f"{_shown(text)} has more than {_WHOLE_DIGITS} digits before the decimal point, or "
            f"more than {fraction_digits} behind it"
        )
    return Decimal(text.strip())


def exact_date(text: str) -> date:
    """The day that ``text`` writes as YYYY-MM-DD.

    Raises:
        UnreadableEntryError: there is no such day, or none that a bank could mean.
    """
    try:
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None or not _EARLIEST <= found <= _LATEST:
        raise UnreadableEntryError(f"{_shown(text)} is not a date such as 2026-01-31")
    return found


def _first_date(entry: Mapping[str, Any], notes: _Notes, *names: str) -> date | None:
    """The first of the fields that is a date, or a time, whose first ten characters are one."""
    for name in names:
        value = entry.get(name)
        if value is None or value == "":
            continue
        text = str(value).strip()
        day = text[:10] if _TIME.fullmatch(text[10:]) else text
        found = notes.read(name, exact_date, day)
        if found is not None:
            return found
    return None


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    cleaned = _cleaned(str(value)) if isinstance(value, str | int) else ""
    return cleaned or None


def _cleaned(text: str) -> str:
    """On one line; banks that send HTML mean its characters."""
    return " ".join(html.unescape(text).split()) if "&" in text else " ".join(text.split())


_REMITTANCE = (
    "remittanceInformationUnstructured",
    "remittanceInformationUnstructuredArray",
    "remittanceInformationStructured",
    "remittanceInformationStructuredArray",
    "additionalInformation",
)


def _description(entry: Mapping[str, Any]) -> str:
    """The first remittance field that says something, on one line."""
    for name in _REMITTANCE:
        value = entry.get(name)
        parts = value if isinstance(value, list) else [value]
        text = " ".join(_cleaned(part) for part in parts if isinstance(part, str))
        if text.strip():
            return text.strip()
    return ""


def parties(entry: Mapping[str, Any], amount: Decimal) -> dict[str, Any]:
    """Name and IBAN of the other party of an entry, which pays where ``amount`` is positive."""
    return {
        "counterparty": _counterparty(entry, amount),
        "counterparty_iban": _counterparty_iban(entry, amount),
    }


def _counterparty(entry: Mapping[str, Any], amount: Decimal) -> str | None:
    # the other name is the holder's
    return _text(entry, "debtorName" if amount > 0 else "creditorName")


def _counterparty_iban(entry: Mapping[str, Any], amount: Decimal) -> str | None:
    account = entry.get("debtorAccount" if amount > 0 else "creditorAccount")
    iban = _text(account, "iban") if isinstance(account, Mapping) else None
    return iban and iban.replace(" ", "").upper()


def _balance_after(entry: Mapping[str, Any], currency: str) -> Decimal | None:
    after = entry.get("balanceAfterTransaction")
    if not isinstance(after, Mapping):
        return None
    flat = {"balanceAmount": after} if "amount" in after else after
    return _money(flat, "balanceAmount", currency)[0]


def _exchange(
    entry: Mapping[str, Any], amount: Decimal, currency: str, notes: _Notes
) -> dict[str, Any]:
    """What was paid in another currency, signed as the amount, and the rate."""
    exchange = entry.get("currencyExchange")
    if isinstance(exchange, list):
        exchange = exchange[0] if exchange else None
    if not isinstance(exchange, Mapping):
        return {"original_amount": None, "original_currency": None, "exchange_rate": None}
    rate = exchange.get("exchangeRate")
    paid, paid_in = None, None
    if exchange.get("instructedAmount") is not None:
        money = notes.read("instructedAmount", _money, exchange, "instructedAmount")
        if money is not None and money[1] != currency:
            paid, paid_in = abs(money[0]) * (-1 if amount < 0 else 1), money[1]
    return {
        "original_amount": paid,
        "original_currency": paid_in,
        "exchange_rate": None
        if rate is None
        else notes.read("exchangeRate", _exact_number, str(rate), _RATE_DIGITS),
    }


def _shown(value: Any) -> str:
    return repr(value if not isinstance(value, str) else value[:40])
