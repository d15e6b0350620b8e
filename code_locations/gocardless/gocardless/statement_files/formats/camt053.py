"""camt.053, the statement of ISO 20022, in all its versions.

A booking is an ``Ntry``; a batch is one booking, as it is on the account. ISO's schema of the
file's version judges it. What it objects to is noted with its line, and what can be read is taken,
because banks hand out files that break the schema in a field that concerns no money.
"""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.metadata import distribution

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue] - it has no types

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
from gocardless.statement_files.values.amounts import read_amount
from gocardless.statement_files.values.iban import is_iban

_NAMESPACE = re.compile(r"urn:iso:std:iso:20022:tech:xsd:(?P<message>camt\.053\.001\.\d\d)")
_BALANCES = {
    "OPBD": "opening", "PRCD": "opening", "CLBD": "closing", "ITBD": "interim", "CLAV": "available",
    "ITAV": "available",
}  # fmt: skip
_STATUS = {"BOOK": "booked", "PDNG": "pending", "FUTR": "pending"}
_NO_REFERENCE = frozenset({"NOTPROVIDED", "NONREF"})
# beyond these a file is of another schema altogether
_NOTED_VIOLATIONS = 20


def read_camt053(content: bytes, file_name: str) -> StatementFile:
    """The statements of a camt.053 file; what cannot be read is among its rejects.

    Raises:
        StatementFileError: it is not well-formed XML, or another message.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise StatementFileError(
            f"{file_name}:{error.lineno}: not well-formed XML, is the file cut? {error.msg}"
        ) from error
    namespace = etree.QName(root).namespace or ""
    found = _NAMESPACE.fullmatch(namespace)
    statements = root.findall("{*}BkToCstmrStmt/{*}Stmt")
    if not statements:
        raise StatementFileError(
            f"{file_name}: {namespace or root.tag} holds no BkToCstmrStmt: allowed are statements, "
            "camt.053; reports (camt.052) and notices (camt.054) are not read"
        )
    message = found["message"] if found else "camt.053"
    result = StatementFile(file_format=message)
    result.notes.extend(_violations(root, message))
    for element in statements:
        result.statements.append(_statement(element, result))
    return result


def _violations(root: etree._Element, message: str) -> list[Note]:
    schema = _schema(message)
    if schema is None:
        return [Note(line=1, text=f"no schema of {message} is at hand: read without one")]
    if schema.validate(root):
        return []
    objections = list(schema.error_log)
    notes = [
        Note(line=error.line, text=f"against ISO's schema: {re.sub('{[^}]*}', '', error.message)}")
        for error in objections[:_NOTED_VIOLATIONS]
    ]
    if len(objections) > _NOTED_VIOLATIONS:
        left = len(objections) - _NOTED_VIOLATIONS
        notes.append(Note(line=objections[-1].line, text=f"and {left} more against ISO's schema"))
    return notes


@cache
def _schema(message: str) -> etree.XMLSchema | None:
    """ISO's schema of a version, from the package that carries them all."""
    path = distribution("camt053").locate_file(f"camt053/xsd/{message}.xsd")
    try:
        return etree.XMLSchema(etree.parse(str(path)))
    except OSError:
        return None


def _statement(element: etree._Element, result: StatementFile) -> Statement:
    statement = Statement(account=_account(element))
    for balance in element.findall("{*}Bal"):
        try:
            _take_balance(statement, balance)
        except UnreadableValueError as error:
            result.rejects.append(Reject.of(error, _line(balance)))
    if any(balance.kind == "opening" for balance in statement.balances):
        _keep_one_opening(statement)
    period = element.find("{*}FrToDt")
    if period is not None:
        statement.first_day = _noted_day(period, "FrDt", "FrDtTm", result)
        statement.last_day = _noted_day(period, "ToDt", "ToDtTm", result)
    for entry in element.findall("{*}Ntry"):
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts") or "BOOK"
        if status == "INFO":
            result.notes.append(
                Note(
                    line=_line(entry),
                    text="an entry for information (INFO), not a booking",
                )
            )
            continue
        try:
            statement.entries.append(_entry(entry, status, result))
        except UnreadableValueError as error:
            result.rejects.append(Reject.of(error, _line(entry)))
    return statement


def _take_balance(statement: Statement, element: etree._Element) -> None:
    code = _text(element, "Tp/CdOrPrtry/Cd")
    amount, currency = _money(element)
    day = _day(element, "Dt")
    if day is None:
        raise UnreadableValueError("Bal/Dt", "", "the balance has no date")
    if statement.account.currency is None:
        statement.account = replace(statement.account, currency=currency)
    # a page's interim opening or closing balance is not a balance of a day
    kind = None if _text(element, "Tp/SubTp/Cd") == "INTM" else _BALANCES.get(code or "")
    if kind:
        statement.balances.append(Balance(kind=kind, day=day, amount=amount, currency=currency))


def _keep_one_opening(statement: Statement) -> None:
    """Of OPBD and PRCD, which are one amount, the first alone."""
    first = next(balance for balance in statement.balances if balance.kind == "opening")
    statement.balances = [
        balance
        for balance in statement.balances
        if balance.kind != "opening" or balance is first or balance.amount != first.amount
    ]


def _account(element: etree._Element) -> Account:
    iban = _text(element, "Acct/Id/IBAN")
    bank = element.find("{*}Acct/{*}Svcr/{*}FinInstnId")
    return Account(
        iban=iban,
        number=iban or _text(element, "Acct/Id/Othr/Id"),
        currency=_text(element, "Acct/Ccy"),
        bic=(_text(bank, "BICFI") or _text(bank, "BIC")) if bank is not None else None,
        owner_name=_text(element, "Acct/Ownr/Nm"),
        name=_text(element, "Acct/Nm"),
    )


def _entry(element: etree._Element, status: str, result: StatementFile) -> Entry:
    if status not in _STATUS:
        raise UnreadableValueError(
            "Sts", status, f"not a status, allowed is one of: {', '.join([*_STATUS, 'INFO'])}"
        )
    # RvslInd says why the entry is there; the side is that of the entry itself
    amount, currency = _money(element)
    booked, value_date = (
        _day(element, "BookgDt"),
        _noted_day(element, "ValDt/Dt", "ValDt/DtTm", result),
    )
    if booked is None and _STATUS[status] == "booked":
        booked = value_date
        if booked is None:
            raise UnreadableValueError("BookgDt", "", "neither BookgDt nor ValDt")
    entry = Entry(
        line=_line(element),
        amount=amount,
        currency=currency,
        status=_STATUS[status],
        booking_date=booked,
        value_date=value_date,
        transaction_id=_text(element, "AcctSvcrRef"),
        description=_text(element, "AddtlNtryInf") or "",
    )
    details = element.findall("{*}NtryDtls/{*}TxDtls")
    texts = [text for detail in details if (text := _remittance(detail))]
    if texts:
        entry.description = " ".join(texts)
    if len(details) == 1:
        _take_details(entry, details[0], result)
    if entry.original_currency is None:
        _take_foreign(entry, element, result)
    return entry


def _remittance(detail: etree._Element) -> str:
    parts = [*_texts(detail, "RmtInf/Ustrd"), *_texts(detail, "RmtInf/Strd/CdtrRefInf/Ref")]
    return " ".join(parts) or _text(detail, "AddtlTxInf") or ""


def _take_details(entry: Entry, detail: etree._Element, result: StatementFile) -> None:
    # of the other side: who was paid, or who paid
    side = "Dbtr" if entry.amount > 0 else "Cdtr"
    other = "Cdtr" if side == "Dbtr" else "Dbtr"
    is_reversal = detail.getparent() is not None and _is_reversal(detail)
    if is_reversal:
        side, other = other, side
    entry.counterparty = (
        _text(detail, f"RltdPties/{side}/Nm")
        or _text(detail, f"RltdPties/{side}/Pty/Nm")
        or _text(detail, f"RltdPties/Ultmt{side}/Nm")
    )
    iban = _text(detail, f"RltdPties/{side}Acct/Id/IBAN")
    entry.counterparty_iban = iban if iban and is_iban(iban) else None
    end_to_end = _text(detail, "Refs/EndToEndId")
    entry.end_to_end_id = None if end_to_end in _NO_REFERENCE else end_to_end
    entry.mandate_id = _text(detail, "Refs/MndtId")
    entry.transaction_id = entry.transaction_id or _text(detail, "Refs/AcctSvcrRef")
    entry.merchant_category = _text(detail, "CardTx/POI/Id/MrchntCtgyCd") or _text(
        detail, "RltdPties/Cdtr/Pty/MrchntCtgyCd"
    )
    _take_foreign(entry, detail, result)


def _is_reversal(detail: etree._Element) -> bool:
    entry = next(detail.iterancestors("{*}Ntry"))
    return (_text(entry, "RvslInd") or "").lower() in ("true", "1")


def _take_foreign(entry: Entry, element: etree._Element, result: StatementFile) -> None:
    for kind in ("InstdAmt", "TxAmt", "CntrValAmt"):
        amount = element.find("/".join(f"{{*}}{name}" for name in ("AmtDtls", kind, "Amt")))
        if amount is None or amount.get("Ccy") in (None, entry.currency):
            continue
        try:
            value = read_amount((amount.text or "").strip(), kind, decimal=".")
        except UnreadableValueError as error:
            result.notes.append(Note(line=_line(amount), text=f"left empty: {error}"))
            continue
        entry.original_amount = value if entry.amount >= 0 else -value
        entry.original_currency = amount.get("Ccy")
        break
    if entry.original_currency:
        for kind in ("InstdAmt", "TxAmt", "CntrValAmt", "AnncdPstngAmt"):
            if rate := _text(element, f"AmtDtls/{kind}/CcyXchg/XchgRate"):
                try:
                    entry.exchange_rate = Decimal(rate)
                except ArithmeticError:
                    result.notes.append(
                        Note(line=_line(element), text=f"left empty: XchgRate {rate!r}")
                    )
                return


def _money(element: etree._Element) -> tuple[Decimal, str]:
    amount = element.find("{*}Amt")
    text = "" if amount is None else (amount.text or "").strip()
    currency = None if amount is None else amount.get("Ccy")
    if amount is None or not text:
        raise UnreadableValueError("Amt", "", "there is not an amount")
    if not currency or not re.fullmatch("[A-Z]{3}", currency):
        raise UnreadableValueError("Amt/@Ccy", currency or "", "not a currency of ISO 4217")
    if not re.fullmatch(r"\d+(\.\d*)?|\.\d+", text):
        raise UnreadableValueError("Amt", text, "not an amount such as 1234.56", _line(amount))
    side = _text(element, "CdtDbtInd")
    if side not in ("CRDT", "DBIT"):
        raise UnreadableValueError("CdtDbtInd", side or "", "allowed is one of: CRDT, DBIT")
    value = read_amount(text, "Amt", decimal=".")
    return (value if side == "CRDT" else -value), currency


def _day(element: etree._Element, path: str) -> date | None:
    text = _text(element, f"{path}/Dt") or _text(element, f"{path}/DtTm")
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise UnreadableValueError(path, text, "not a date such as 2026-01-31") from None


def _noted_day(
    element: etree._Element, path: str, path_of_time: str, result: StatementFile
) -> date | None:
    """The day of a field that no money depends on: left empty with a note if it cannot be read."""
    text = _text(element, path) or _text(element, path_of_time)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        result.notes.append(Note(line=_line(element), text=f"left empty: {path} {text!r}"))
        return None


def _text(element: etree._Element, path: str) -> str | None:
    found = element.find("/".join(f"{{*}}{name}" for name in path.split("/")))
    return " ".join((found.text or "").split()) or None if found is not None else None


def _texts(element: etree._Element, path: str) -> list[str]:
    found = element.findall("/".join(f"{{*}}{name}" for name in path.split("/")))
    return [text for one in found if (text := " ".join((one.text or "").split()))]


def _line(element: etree._Element) -> int:
    return int(element.sourceline or 1)
