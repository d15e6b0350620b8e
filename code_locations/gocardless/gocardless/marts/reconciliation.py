"""The balances that banks report, against what the transactions add up to."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb


@dataclass(frozen=True)
class UnexplainedBalance:
    """The first report of an account that its transactions do not add up to.

    Attributes:
        account_id: the account.
        currency: of all amounts.
        day: the day that the bank means.
        reported: what it says.
        closing: what opening balance and transactions add up to.
        difference: the one less the other.
    """

    account_id: str
    currency: str
    day: date
    reported: Decimal
    closing: Decimal
    difference: Decimal


def unexplained_balances(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[int, list[UnexplainedBalance]]:
    """How many reports were compared, and of each account the first that does not agree.

    What is missing once is missing in every later report too, so the first one shows the day.
    """
    (compared,) = connection.execute(
        "select count(*) from marts.bank_balances_reconciled"
    ).fetchone() or (0,)
    rows = connection.execute(
        "select account_id, currency, reference_date, reported_balance, closing_balance, "
        "difference from marts.bank_balances_reconciled where difference <> 0 "
        "qualify row_number() over (partition by provider, account_id, currency "
        "order by reference_date, reported_at) = 1 order by account_id, currency"
    ).fetchall()
    return compared, [UnexplainedBalance(*row) for row in rows]
