"""Columns that a name leaves open and the values settle: whose account, and where a fee is."""

import itertools
from collections.abc import Sequence
from decimal import Decimal

from gocardless.statement_files.statement import UnreadableValueError
from gocardless.statement_files.values.amounts import read_amount
from gocardless.statement_files.values.iban import find_iban


def is_own_account(
    accounts: Sequence[str], *, own_iban: str | None, other_sides: Sequence[str]
) -> bool:
    """Whether a column such as Kontonummer has the account of the file, not of the other side.

    Args:
        accounts: a value for each row, empty ones too.
        own_iban: the account that the lines above the header name.
        other_sides: the names beside the accounts, if the column before has the other side's.
    """
    named = {find_iban(account) or account for account in accounts if account}
    if own_iban is not None:
        return named == {own_iban}
    if not named or not all(accounts):
        # the own account is in every row, that of a shop in none
        return False
    if other_sides and len(set(other_sides)) <= len(named):
        return False
    # a file of several accounts has several rows of each
    return len(named) == 1 or 2 * len(named) <= len(accounts)


def is_fee_beside_amount(rows: Sequence[tuple[str, str, str]], *, decimal: str) -> bool:
    """Whether the balances show that a fee leaves the account beside the amount.

    Args:
        rows: amount, fee and balance after it, in the order of the file.
        decimal: the mark before the decimals.
    """
    read = [[_amount(cell, decimal) for cell in row] for row in rows]
    # what is pending has no balance
    known = [row for row in read if row[2] is not None]
    beside = within = False
    # the rows of a file run forward or backward in time
    for ordered in (known, known[::-1]):
        for (_, _, before), (amount, fee, after) in itertools.pairwise(ordered):
            if fee and amount is not None and before is not None and after is not None:
                beside |= after - before == amount - abs(fee)
                within |= after - before == amount
    return beside and not within


def _amount(text: str, decimal: str) -> Decimal | None:
    """The amount of a cell, none if it has none: a judgement, no money depends on it."""
    try:
        return read_amount(text, "", decimal=decimal) if text else None
    except UnreadableValueError:
        return None
