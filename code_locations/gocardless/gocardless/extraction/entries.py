"""From an entry of an answer to typed columns, or to the reason why it is refused."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from gocardless.extraction.currencies import CURRENCIES

LONGEST_ENTRY = 100_000
"""Characters; a longer one is refused."""

_AMOUNT = re.compile(r"[+-]?(?P<whole>\d+)(\.(?P<fraction>\d+))?")
_WHOLE_DIGITS, _FRACTION_DIGITS = 14, 4
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EARLIEST, _LATEST = date(1970, 1, 1), date(2200, 1, 1)


class UnreadableEntryError(ValueError):
    """An entry that no row can be made of; the text is the reason."""


@dataclass
class ReadEntries:
    """Rows of an answer's entries, in their order, and rows for what was refused."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)


def read_transactions(account_id: str, lists: Mapping[str, Sequence[Any]]) -> ReadEntries:
    """The rows of the lists ``booked`` and ``pending``."""
    found = ReadEntries()
    for status, entries in lists.items():
        for entry in entries:
            _read(found, account_id, "transactions", entry, _transaction, status=status)
    return found


def read_balances(account_id: str, entries: Sequence[Any]) -> ReadEntries:
    """The rows of an account's balances."""
    found = ReadEntries()
    for entry in entries:
        _read(found, account_id, "balances", entry, _balance)
    return found


def _read(
    found: ReadEntries, account_id: str, scope: str, entry: Any, read: Any, **columns: str
) -> None:
    # as the database writes JSON, so that an entry has one digest whoever has read it
    payload = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
    common = {
        "account_id": account_id,
        "payload": payload,
        "payload_digest": _digest(payload),
        **columns,
    }
    try:
        _check(entry, payload)
        found.rows.append({**common, **read(entry, **columns)})
    except UnreadableEntryError as error:
        common.pop("status", None)
        # what cannot be stored as text is stored escaped
        escaped = payload if _is_storable(payload) else json.dumps(entry)
        found.rejects.append({**common, "scope": scope, "reason": str(error), "payload": escaped})


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


def _transaction(entry: Mapping[str, Any], *, status: str) -> dict[str, Any]:
    amount, currency = _money(entry, "transactionAmount")
    booking = _date(entry, "bookingDate") or _date(entry, "bookingDateTime")
    value = _date(entry, "valueDate") or _date(entry, "valueDateTime")
    if status == "booked" and booking is None and value is None:
        raise UnreadableEntryError("neither bookingDate nor valueDate")
    return {
        "transaction_id": _text(entry, "transactionId"),
        "internal_transaction_id": _text(entry, "internalTransactionId"),
        "booking_date": booking or value,
        "value_date": value,
        "amount": amount,
        "currency": currency,
        "description": _description(entry),
        "counterparty": _counterparty(entry, amount),
        "balance_after": _balance_after(entry),
    }


def _balance(entry: Mapping[str, Any]) -> dict[str, Any]:
    amount, currency = _money(entry, "balanceAmount")
    return {
        "balance_type": _text(entry, "balanceType"),
        "reference_date": _date(entry, "referenceDate"),
        "amount": amount,
        "currency": currency,
    }


def _money(entry: Mapping[str, Any], name: str) -> tuple[Decimal, str]:
    money = entry.get(name)
    if not isinstance(money, Mapping):
        raise UnreadableEntryError(f"no {name}")
    amount = money.get("amount")
    if isinstance(amount, bool) or not isinstance(amount, str | int) or amount == "":
        raise UnreadableEntryError(f"no amount in {name}")
    return exact_amount(str(amount)), known_currency(money.get("currency"))


def known_currency(value: Any) -> str:
    """``value``, if it is a currency of ISO 4217.

    Raises:
        UnreadableEntryError: it is none.
    """
    if not isinstance(value, str) or value not in CURRENCIES:
        raise UnreadableEntryError(f"{_shown(value)} is not a currency of ISO 4217")
    return value


def exact_amount(text: str) -> Decimal:
    """The amount that ``text`` writes with a decimal point.

    Raises:
        UnreadableEntryError: it is no such number, or has more digits than a column has.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None or not text.isascii():
        raise UnreadableEntryError(f"{_shown(text)} is not an amount such as -1234.56")
    whole, fraction = found["whole"].lstrip("0"), (found["fraction"] or "").rstrip("0")
    if len(whole) > _WHOLE_DIGITS or len(fraction) > _FRACTION_DIGITS:
        raise UnreadableEntryError(
            f"{_shown(text)} has more than {_WHOLE_DIGITS} digits before the decimal point, or "
            f"more than {_FRACTION_DIGITS} behind it"
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


def _date(entry: Mapping[str, Any], name: str) -> date | None:
    value = entry.get(name)
    if value is None or value == "":
        return None
    # of a time the first ten characters are the date
    return exact_date(str(value)[:10] if name.endswith("Time") else str(value))


def _text(entry: Mapping[str, Any], name: str) -> str | None:
    value = entry.get(name)
    cleaned = " ".join(str(value).split()) if isinstance(value, str | int) else ""
    return cleaned or None


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
        text = " ".join(" ".join(part.split()) for part in parts if isinstance(part, str))
        if text.strip():
            return text.strip()
    return ""


def _counterparty(entry: Mapping[str, Any], amount: Decimal) -> str | None:
    names = ("debtorName", "creditorName") if amount > 0 else ("creditorName", "debtorName")
    return _text(entry, names[0]) or _text(entry, names[1])


def _balance_after(entry: Mapping[str, Any]) -> Decimal | None:
    after = entry.get("balanceAfterTransaction")
    if not isinstance(after, Mapping):
        return None
    return _money(after, "balanceAmount")[0]


def _shown(value: Any) -> str:
    return repr(value if not isinstance(value, str) else value[:40])
