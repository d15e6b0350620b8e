"""Whether the bank marts end where the banks say."""

import dagster as dg

from gocardless.marts.reconciliation import UnexplainedBalance, unexplained_balances
from shared_lib.warehouse import Warehouse

_SHOWN = 10


@dg.asset_check(asset="bank_balances_daily", pool="gocardless_warehouse")
def closing_balances_match_the_bank(warehouse: Warehouse) -> dg.AssetCheckResult:
    """The transactions of each account add up to every balance that its bank has reported."""
    with warehouse.reading() as connection:
        compared, unexplained = unexplained_balances(connection)
    return reconciliation_result(compared, unexplained)


def reconciliation_result(
    compared: int, unexplained: list[UnexplainedBalance]
) -> dg.AssetCheckResult:
    """Passed when every reported balance is explained; else which ones are not, and by how much."""
    described = "; ".join(
        f"{entry.account_id}: its bank says {entry.reported} {entry.currency} for {entry.day}, "
        f"the transactions add up to {entry.closing}, {entry.difference} "
        "is missing"
        for entry in unexplained[:_SHOWN]
    )
    more = len(unexplained) - _SHOWN
    return dg.AssetCheckResult(
        passed=not unexplained,
        description=(described + (f"; and {more} more accounts" if more > 0 else ""))
        or f"{compared} reported balances are what the transactions add up to",
        metadata={"reported_balances": compared, "accounts_unexplained": len(unexplained)},
    )
