"""How old the data of each account is: days since its last answer, and since its last entry."""

from dataclasses import dataclass
from datetime import date

import duckdb

from gocardless.sync.provider import Provider


@dataclass(frozen=True)
class AccountFreshness:
    """How old the data of an account is.

    Attributes:
        account_id: the account in the unified tables.
        name: its IBAN or masked card number; its id where it has neither.
        answer_days: days since the provider's last answer about its transactions; none: never.
        entry_days: days since its last booking; none: it has none.
    """

    account_id: str
    name: str
    answer_days: int | None
    entry_days: int | None

    def is_stale(self, stale_days: int) -> bool:
        """Whether the last answer is more than ``stale_days`` days old, or none ever came."""
        return self.answer_days is None or self.answer_days > stale_days

    def __str__(self) -> str:
        """The account, and since when there is nothing new."""
        if self.answer_days is None:
            return f"{self.name} has never been answered"
        return f"{self.name} was last answered {self.answer_days} days ago"


def account_freshness(
    connection: duckdb.DuckDBPyConnection, provider: Provider, *, today: date
) -> list[AccountFreshness]:
    """How old the data of each account in an active connection of the provider is, oldest first.

    Args:
        connection: a warehouse with the provider's and the unified tables.
        provider: whose answers count: a statement file says nothing about a connection.
        today: the day, UTC.
    """
    rows = connection.execute(
        f"""
        with answered as (
            select account_id, max(fetched_at) as answered_at
            from ({provider.fetches}) group by all
        ),
        booked as (
            select provider as of_provider, account_id as of_account_id,
                max(booking_date) as booked_on
            from unified.transactions where status = 'booked' and booking_date <= $today
            group by all
        )
        select
            known.of_account_id,
            coalesce(account.iban, account.masked_pan, known.of_account_id) as shown,
            date_diff('day', cast(max(answered_at) as date), $today) as answer_days,
            date_diff('day', max(booked_on), $today) as entry_days
        from unified.account_identifiers as known
        inner join unified.accounts as account
            on account.provider = known.of_provider and account.account_id = known.of_account_id
        left join answered on answered.account_id = known.account_id
        left join booked using (of_provider, of_account_id)
        where known.provider = $provider and known.is_active
        group by all
        order by answer_days desc nulls first, shown
        """,  # noqa: S608 - the provider's own query
        {"provider": provider.name, "today": today},
    ).fetchall()
    return [AccountFreshness(*row) for row in rows]
