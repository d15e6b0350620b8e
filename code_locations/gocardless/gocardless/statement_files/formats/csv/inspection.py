"""A mapping for a CSV file, proposed from its names and values, with what it leaves open."""

import re
from dataclasses import dataclass, field
from pathlib import PurePath

from gocardless.extraction.reading.currencies import CURRENCIES
from gocardless.statement_files.formats.csv.columns import (
    CREDIT_WORDS,
    DEBIT_WORDS,
    candidates,
    has_values_of,
    indicator_word,
    normalised,
)
from gocardless.statement_files.formats.csv.doubtful_columns import (
    is_fee_beside_amount,
    is_own_account,
)
from gocardless.statement_files.formats.csv.mapping import Columns, Mapping
from gocardless.statement_files.formats.csv.table import Table, find_table, is_money
from gocardless.statement_files.statement import StatementFileError
from gocardless.statement_files.values.amounts import currency_in, decimal_mark, is_amount
from gocardless.statement_files.values.dates import is_date, orders_of
from gocardless.statement_files.values.iban import find_iban

# what one column may be, in the order in which it is decided
_ROLES = (
    "booking_date", "value_date", "indicator", "debit", "credit", "amount", "fee", "balance_after",
    "currency", "original_amount", "original_currency", "exchange_rate", "counterparty_iban",
    "account_iban", "end_to_end_id", "mandate_id", "transaction_id", "merchant_category", "status",
    "payee", "payer", "counterparty",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What a person states about a file; it takes precedence over what is proposed."""

    bank: str | None = None
    currency: str | None = None
    date_order: str | None = None
    decimal: str | None = None


NO_CHOICES = Choices()


@dataclass(kw_only=True)
class Proposal:
    """A mapping, and the questions that the file itself does not answer.

    Attributes:
        mapping: complete but for the questions.
        header_line: of the names; the rows begin below it.
        questions: each says what is open and how to answer it.
    """

    mapping: Mapping
    header_line: int
    questions: list[str] = field(default_factory=list)


def propose(text: str, file_name: str, *, encoding: str, choices: Choices) -> Proposal:
    """The mapping that names and values of a file propose.

    Raises:
        StatementFileError: no row of it has a date and an amount.
    """
    table = find_table(text, file_name)
    roles = _roles(table)
    roles = _by_values(table, roles)
    _settle_account(text, table, roles)
    if "booking_date" not in roles or not roles.keys() & {"amount", "debit", "credit"}:
        lacking = "a date" if "booking_date" not in roles else "an amount"
        raise StatementFileError(
            f"{file_name}:{table.header_line}: no column is known for {lacking} among "
            f"{', '.join(table.header)}: write a mapping by hand, see "
            "docs/gocardless/statement_files.md"
        )
    questions: list[str] = []
    decimal = _decimal(table, roles, choices, questions)
    _settle_fee(table, roles, decimal)
    names = {role: table.header[number] for role, number in roles.items()}
    columns = Columns(**names, description=_descriptions(table, roles))
    if not columns.description and not roles.keys() & {"counterparty", "payee", "payer"}:
        columns.description = _other_texts(table, roles)
    signed = [
        value
        for value in _debits(table, roles)
        if "-" in value or "\u2212" in value or "(" in value
    ]
    if signed and len(signed) < len(_debits(table, roles)):
        questions.append(
            f"column {names['debit']} has amounts with and without minus: write a mapping by hand"
        )
    mapping = Mapping(
        bank=choices.bank or PurePath(file_name).stem,
        header=list(table.header),
        has_header=table.has_header,
        encoding=encoding,
        separator=table.separator,
        decimal=decimal,
        date_order=_date_order(table, roles, decimal, choices, questions),
        currency=_currency(text, table, roles, choices, questions),
        debit_is_signed=bool(signed),
        columns=columns,
    )
    return Proposal(mapping=mapping, header_line=table.header_line, questions=questions)


def _roles(table: Table) -> dict[str, int]:
    """Which column is what, by name where the values agree."""
    fitting: dict[str, list[tuple[int, int]]] = {}
    if table.has_header:
        for number, name in enumerate(table.header):
            written = "" if name == f"column {number + 1}" else name
            values = table.values(number)
            for role, rank in candidates(written):
                if has_values_of(role, values):
                    fitting.setdefault(role, []).append((rank, number))
    roles: dict[str, int] = {}
    for role in _ROLES:
        free = [place for place in fitting.get(role, []) if place[1] not in roles.values()]
        if free:
            # a column that is empty throughout only where no other could be it
            roles[role] = min(free, key=lambda place: (not table.values(place[1]), place))[1]
    _settle_amounts(table, roles)
    return roles


def _settle_amounts(table: Table, roles: dict[str, int]) -> None:
    """Two columns of amounts or one; and a sign only beside amounts without."""
    if "debit" in roles and "credit" in roles:
        roles.pop("amount", None)
        roles.pop("indicator", None)
    elif "amount" in roles:
        # a single column that is called Credit beside Amount is something else
        roles.pop("debit", None)
        roles.pop("credit", None)
        if "indicator" in roles and any(
            value.startswith(("-", "\u2212", "(")) or value.endswith("-")
            for value in table.values(roles["amount"])
        ):
            roles.pop("indicator")


def _settle_account(text: str, table: Table, roles: dict[str, int]) -> None:
    """Whose account a column such as Kontonummer has."""
    number = roles.get("account_iban")
    is_other = number is None
    if number is None:
        number = roles.get("counterparty_iban")
    # a name that can only be one of the two
    if number is None or dict(candidates(table.header[number])).get("account_iban") != 1:
        return
    above = "\n".join(text.split("\n")[: max(table.header_line - 1, 0)])
    before = {role for role, _ in candidates(table.header[number - 1])} if number else set()
    names_other_side = bool(before & {"counterparty", "payee", "payer"})
    is_own = is_own_account(
        [row.cells[number] for row in table.rows],
        own_iban=find_iban(above),
        other_sides=[row.cells[number - 1] for row in table.rows] if names_other_side else [],
    )
    if is_own and is_other:
        roles["account_iban"] = roles.pop("counterparty_iban")
    elif not is_own and not is_other:
        del roles["account_iban"]
        if "counterparty_iban" not in roles and has_values_of(
            "counterparty_iban", table.values(number)
        ):
            roles["counterparty_iban"] = number


def _settle_fee(table: Table, roles: dict[str, int], decimal: str) -> None:
    """Keep a column of fees only if the balances show that they are not in the amounts."""
    if "fee" not in roles:
        return
    places = [roles.get(role) for role in ("amount", "fee", "balance_after")]
    columns = [place for place in places if place is not None]
    if len(columns) < len(places) or not is_fee_beside_amount(
        [
            (row.cells[columns[0]], row.cells[columns[1]], row.cells[columns[2]])
            for row in table.rows
        ],
        decimal=decimal,
    ):
        del roles["fee"]


def _by_values(table: Table, roles: dict[str, int]) -> dict[str, int]:
    """Find what no name shows by the values, where only one column has such values."""
    roles = dict(roles)
    free = [number for number in range(len(table.header)) if number not in roles.values()]
    if "booking_date" not in roles:
        dates = [
            n for n in free if has_values_of("booking_date", table.values(n)) and table.values(n)
        ]
        if dates:
            roles["booking_date"] = dates[0]
            free.remove(dates[0])
    if not roles.keys() & {"amount", "debit", "credit"}:
        money = [n for n in free if (v := table.values(n)) and sum(map(is_money, v)) > len(v) / 2]
        if money:
            roles["amount"] = money[0]
            free.remove(money[0])
    amount = roles.get("amount")
    if amount is not None and "indicator" not in roles:
        values = table.values(amount)
        is_signed = any("-" in value or "\u2212" in value or "(" in value for value in values)
        for number in free:
            words = {indicator_word(value) for value in table.values(number)}
            if not is_signed and words and words <= DEBIT_WORDS | CREDIT_WORDS:
                roles["indicator"] = number
                break
    return roles


def _descriptions(table: Table, roles: dict[str, int]) -> list[str]:
    """The columns of text, the purpose first."""
    if not table.has_header:
        return []
    found = []
    for number, name in enumerate(table.header):
        if number in roles.values() or not has_values_of("description", table.values(number)):
            continue
        found += [(rank, number, name) for role, rank in candidates(name) if role == "description"]
    # a kind of booking beside a purpose says nothing of its own
    kinds = ("buchungstext", "vorgang", "transaktion", "transaction")
    purposes = [name for _, _, name in sorted(found) if normalised(name) not in kinds]
    return purposes or [name for _, _, name in sorted(found)]


def _other_texts(table: Table, roles: dict[str, int]) -> list[str]:
    """Where no column is known for a text, those that hold words."""
    return [
        name
        for number, name in enumerate(table.header)
        if number not in roles.values()
        and (values := table.values(number))
        and not any(is_date(value) or is_amount(value) for value in values[:20])
    ]


def _debits(table: Table, roles: dict[str, int]) -> list[str]:
    values = table.values(roles["debit"]) if "debit" in roles else []
    return [value for value in values if is_amount(value) and any(c in "123456789" for c in value)]


def _decimal(table: Table, roles: dict[str, int], choices: Choices, questions: list[str]) -> str:
    if choices.decimal:
        return choices.decimal
    values = [
        value
        for role in ("amount", "debit", "credit", "balance_after")
        if role in roles
        for value in table.values(roles[role])
        if is_amount(value)
    ]
    mark = decimal_mark(values)
    if mark is None:
        questions.append(
            f"amounts such as {values[0]} may be thousands or fractions: add --decimal, "
            "allowed is one of: , ."
        )
    return mark or "."


def _date_order(
    table: Table, roles: dict[str, int], decimal: str, choices: Choices, questions: list[str]
) -> str:
    if choices.date_order:
        return choices.date_order
    values = [
        value
        for role in ("booking_date", "value_date")
        if role in roles
        for value in table.values(roles[role])
    ]
    orders = orders_of([value for value in values if is_date(value)]) or ["ymd"]
    # where a comma is the decimal mark, the day comes first
    if len(orders) > 1 and decimal == ",":
        return "dmy"
    if len(orders) > 1:
        questions.append(
            f"dates such as {values[0]} may have day or month first: add --date-order, "
            f"allowed is one of: {', '.join(orders)}"
        )
    return orders[0]


def _currency(
    text: str, table: Table, roles: dict[str, int], choices: Choices, questions: list[str]
) -> str | None:
    """The currency where no column has it: beside the amount, in a name, or above the header."""
    if choices.currency or "currency" in roles:
        return choices.currency
    places = [roles[role] for role in ("amount", "debit", "credit") if role in roles]
    for number in places:
        words = table.header[number].upper().replace("(", " ").replace(")", " ").split()
        named = [word for word in words if word in CURRENCIES]
        named += ["EUR"] if {"EURO", "EUROS"} & set(words) else []
        if currency := named[0] if named else currency_in(table.header[number]):
            return currency
    shown = {currency_in(value) for number in places for value in table.values(number)} - {None}
    if len(shown) == 1:
        return shown.pop()
    above = text.split("\n")[: max(table.header_line - 1, 0)]
    cells = [cell for line in above for cell in re.split(rf'["{re.escape(table.separator)}]', line)]
    found = {
        cell.strip() if cell.strip() in CURRENCIES else currency_in(cell)
        for cell in cells
        if cell.strip() in CURRENCIES or is_amount(cell)
    } - {None}
    if len(found) == 1:
        return found.pop()
    questions.append("no column has the currency: add --currency, such as --currency EUR")
    return None
