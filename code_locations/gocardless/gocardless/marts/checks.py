"""Check that the bank marts agree with the balances that banks report."""

from decimal import Decimal

import dagster as dg

from gocardless.marts.reconciliation import UnexplainedBalance, unexplained_balances
from shared_lib.warehouse import Warehouse

_SHOWN = 10


@dg.asset_check(asset="bank_balances_daily", pool="gocardless_warehouse")
def closing_balances_match_the_bank(warehouse: Warehouse) -> dg.AssetCheckResult:
    """The transactions of each account add up to every balance that its bank reported."""
    with warehouse.reading() as connection:
        compared, unexplained = unexplained_balances(connection)
    return reconciliation_result(compared, unexplained)


def reconciliation_result(
    compared: int, unexplained: list[UnexplainedBalance]
) -> dg.AssetCheckResult:
    """Return the result: passed, or the unexplained balances and the differences."""
    described = "; ".join(
        f"{entry.account_id}: its bank reports {_money(entry.reported, 2)} {entry.currency} for "
        f"{entry.day}, the transactions add up to {_money(entry.closing, 2)}, {_what(entry)}"
        for entry in unexplained[:_SHOWN]
    )
    more = len(unexplained) - _SHOWN
    return dg.AssetCheckResult(
        passed=not unexplained,
        description=(described + (f"; and {more} more accounts" if more > 0 else ""))
        or f"{compared} reported balances agree with the transactions",
        metadata={"reported_balances": compared, "accounts_unexplained": len(unexplained)},
    )


def _what(entry: UnexplainedBalance) -> str:
    if not entry.suspects:
        return f"{_money(entry.difference, 4)} is missing"
    pairs = " or ".join(f"{pair} look like one purchase" for pair in entry.suspects[:_SHOWN])
    return f"{_money(abs(entry.difference), 2)} too much: {pairs}"


def _money(amount: Decimal, digits: int) -> str:
    """Format an amount with all of its decimals, and at least this number of them."""
    _, _, exponent = amount.normalize().as_tuple()
    return f"{amount:.{max(digits, -int(exponent))}f}"
