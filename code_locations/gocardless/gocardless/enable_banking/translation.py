"""Enable Banking's entries as the entries that all providers share.

Each is kept whole under ``enable_banking``, but for ``transaction_id``, which is another one in
each answer. What cannot be translated is left out, so that the reader refuses it with its reason.
"""

from collections.abc import Iterable, Mapping
from typing import Any

_BOOKED = "BOOK"
# announced, refused or cancelled: no money has moved or will certainly move
_NO_MONEY = frozenset({"CNCL", "RJCT", "SCHD"})
_SIGNS = {"CRDT": "", "DBIT": "-"}


def transaction_lists(entries: Iterable[Any]) -> dict[str, list[Any]]:
    """The entries of an answer, by whether they are booked or pending."""
    lists: dict[str, list[Any]] = {"booked": [], "pending": []}
    for entry in entries:
        status = _text(entry, "status") if isinstance(entry, dict) else _BOOKED
        if status not in _NO_MONEY:
            lists["booked" if status == _BOOKED else "pending"].append(_transaction(entry))
    return lists


def balance(entry: Any) -> Any:
    """A balance."""
    if not isinstance(entry, dict):
        return entry
    return _without_nulls(
        {
            "balanceAmount": entry.get("balance_amount"),
            "balanceType": entry.get("balance_type"),
            "referenceDate": entry.get("reference_date"),
            "enable_banking": entry,
        }
    )


def account(document: Mapping[str, Any]) -> dict[str, Any]:
    """An account's details."""
    return _without_nulls(
        {
            "iban": iban_of(document.get("account_id")),
            "currency": document.get("currency"),
            "ownerName": document.get("name"),
            "name": document.get("details") or document.get("product"),
            "product": document.get("product"),
            "cashAccountType": document.get("cash_account_type"),
            "enable_banking": document,
        }
    )


def iban_of(identification: Any) -> str | None:
    """The IBAN of an identification of an account."""
    return _inside(identification, "iban")


def number_of(identification: Any) -> str | None:
    """The number of an account without an IBAN, such as a card's."""
    if iban_of(identification):
        return None
    return _inside(_inside(identification, "other"), "identification")


def _transaction(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    booked, value = entry.get("booking_date"), entry.get("value_date")
    return _without_nulls(
        {
            "transactionId": entry.get("entry_reference"),
            "entryReference": entry.get("entry_reference"),
            "bookingDate": booked or (None if value else entry.get("transaction_date")),
            "valueDate": value,
            "transactionAmount": _signed(entry),
            "creditorName": _inside(entry.get("creditor"), "name"),
            "creditorAccount": _iban_alone(entry.get("creditor_account")),
            "debtorName": _inside(entry.get("debtor"), "name"),
            "debtorAccount": _iban_alone(entry.get("debtor_account")),
            "remittanceInformationUnstructuredArray": entry.get("remittance_information"),
            "remittanceInformationStructured": entry.get("reference_number"),
            "additionalInformation": entry.get("note")
            or _inside(entry.get("bank_transaction_code"), "description"),
            "merchantCategoryCode": entry.get("merchant_category_code"),
            "balanceAfterTransaction": entry.get("balance_after_transaction"),
            "currencyExchange": _exchange(entry.get("exchange_rate")),
            "enable_banking": {
                name: value for name, value in entry.items() if name != "transaction_id"
            },
        }
    )


def _signed(entry: Mapping[str, Any]) -> Any:
    """The amount, negative where it leaves the account; the indicator alone says which."""
    money, sign = (
        entry.get("transaction_amount"),
        _SIGNS.get(_text(entry, "credit_debit_indicator")),
    )
    if not isinstance(money, dict) or not isinstance(money.get("amount"), str) or sign is None:
        return None
    return {**money, "amount": sign + money["amount"].strip().lstrip("+-")}


def _exchange(exchange: Any) -> Any:
    if not isinstance(exchange, dict):
        return None
    return _without_nulls(
        {
            "exchangeRate": exchange.get("exchange_rate"),
            "unitCurrency": exchange.get("unit_currency"),
            "instructedAmount": exchange.get("instructed_amount"),
        }
    )


def _iban_alone(identification: Any) -> dict[str, str] | None:
    iban = iban_of(identification)
    return {"iban": iban} if iban else None


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name)
    return value if isinstance(value, str) else ""


def _inside(document: Any, name: str) -> Any:
    return document.get(name) if isinstance(document, dict) else None


def _without_nulls(document: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}
