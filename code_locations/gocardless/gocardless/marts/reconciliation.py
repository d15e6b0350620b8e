"""Compare the balances that banks report with the sums of the transactions."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import duckdb

from gocardless.sync.ledger.referee import Doubt, suspects


@dataclass(frozen=True)
class UnexplainedBalance:
    """The first reported balance of an account that its transactions do not add up to.

    Attributes:
        account_id: the account.
        currency: the currency of all amounts.
        day: the day of the balance.
        reported: the balance that the bank reported.
        closing: the opening balance plus the transactions.
        difference: reported minus closing.
        suspects: pairs of rows that look like one purchase and would explain it.
    """

    account_id: str
    currency: str
    day: date
    reported: Decimal
    closing: Decimal
    difference: Decimal
    suspects: tuple[str, ...] = ()


def unexplained_balances(
    connection: duckdb.DuckDBPyConnection,
) -> tuple[int, list[UnexplainedBalance]]:
    """Return how many balances were compared, and the first mismatch of each account.

    A missing transaction affects every later balance, so only the first mismatch shows its day.
    """
    (compared,) = connection.execute(
        "select count(*) from marts.bank_balances_reconciled"
    ).fetchone() or (0,)
    rows = connection.execute(
        "select account_id, currency, reference_date, reported_balance, closing_balance, "
        "difference, provider, anchored_on, reported_at from marts.bank_balances_reconciled "
        "inner join unified.opening_balances using (provider, account_id, currency) "
        "where difference <> 0 "
        "qualify row_number() over (partition by provider, account_id, currency "
        "order by reference_date, reported_at) = 1 order by account_id, currency"
    ).fetchall()
    found = []
    for *fields, provider, since, reported_at in rows:
        account_id, currency, *_, difference = fields
        doubt = Doubt(provider, account_id, currency, difference, since, reported_at)
        found.append(UnexplainedBalance(*fields, suspects=tuple(suspects(connection, doubt))))
    return compared, found
