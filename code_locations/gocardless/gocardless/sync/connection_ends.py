"""Connections that have ended while an account still needs them, and those that end soon.

A connection ends in many ways (expired, suspended, rejected, deleted), and then nothing is fetched
any more, which no other check notices. It counts until each of its accounts is in an active
connection again, or a person dismisses it.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime

import duckdb

from shared_lib.warehouse import transaction

_ENDED = """
    with active_accounts as (
        select known.of_provider, known.of_account_id
        from unified.account_identifiers as known
        inner join unified.connections as connected using (provider, connection_id)
        where connected.status = 'active'
    )
    -- an identifier is only known of a connection that was active
    select
        ended.provider, ended.connection_id, ended.institution_id, ended.status,
        ended.provider_status,
        list_sort(
            list(distinct coalesce(account.iban, account.masked_pan, known.account_id))
        ) as accounts
    from unified.connections as ended
    inner join unified.account_identifiers as known using (provider, connection_id)
    left join unified.accounts as account
        on account.provider = known.of_provider and account.account_id = known.of_account_id
    anti join active_accounts
        on active_accounts.of_provider = known.of_provider
            and active_accounts.of_account_id = known.of_account_id
    anti join unified.dismissed_connections as dismissed
        on dismissed.provider = ended.provider and dismissed.connection_id = ended.connection_id
    where ended.status not in ('active', 'pending')
    group by all
    order by ended.provider, ended.connection_id
"""


@dataclass(frozen=True)
class EndedConnection:
    """A connection that was active and is not, and of which an account has no other.

    Attributes:
        provider: whose connection.
        connection_id: its id.
        institution_id: its bank; none where the provider does not name it.
        status: expired, rejected or error.
        provider_status: what the provider calls it.
        accounts: IBAN, masked card number or id of the accounts that get no data any more.
    """

    provider: str
    connection_id: str
    institution_id: str | None
    status: str
    provider_status: str | None
    accounts: list[str]

    def __str__(self) -> str:
        """What happened, and what to do."""
        state = f"{self.status} ({self.provider_status or 'no further status'})"
        return (
            f"{self.connection_id} of {self.institution_id or 'an unknown bank'} is {state}: "
            f"no new data for {', '.join(self.accounts)}; "
            f"{renewal(self.provider, self.institution_id)}, or run "
            f"`python -m gocardless.connections dismiss {self.connection_id}`"
        )


class UnknownEndError(ValueError):
    """A connection cannot be dismissed; the text says why."""


def renewal(provider: str, institution_id: str | None) -> str:
    """What the owner of an account has to do so that its data keeps coming."""
    if institution_id is None:
        return "its owner has to connect the bank again"
    # Enable Banking has names that are unique in a country, and the id is both
    country, has_country, name = institution_id.partition(":")
    bank = f"--bank {shlex.quote(name if has_country else institution_id)}"
    if has_country:
        bank += f" --country {country}"
    command = f"python -m gocardless.connect --provider {provider} {bank}"
    return f"its owner has to connect {institution_id} again with the link that `{command}` prints"


def ended_connections(connection: duckdb.DuckDBPyConnection) -> list[EndedConnection]:
    """The connections that have ended and were neither replaced nor dismissed."""
    return [EndedConnection(*row) for row in connection.execute(_ENDED).fetchall()]


def dismiss_connection(
    connection: duckdb.DuckDBPyConnection,
    connection_id: str,
    *,
    by: str,
    because: str,
    at: datetime,
) -> None:
    """Accept that a connection has ended; if it becomes active and ends again, it counts again.

    Args:
        connection: a warehouse with the unified tables.
        connection_id: one of :func:`ended_connections`.
        by: who decides.
        because: why.
        at: when, UTC.

    Raises:
        UnknownEndError: no such connection has ended.
    """
    ended = ended_connections(connection)
    found = [one for one in ended if one.connection_id == connection_id]
    if not found:
        known = ", ".join(one.connection_id for one in ended) or "none"
        message = (
            f"no connection {connection_id} has ended without being replaced or dismissed; "
            f"these have: {known}"
        )
        raise UnknownEndError(message)
    with transaction(connection):
        connection.execute(
            "insert into unified.dismissed_connections "
            "(provider, connection_id, dismissed_at, dismissed_by, because) values (?, ?, ?, ?, ?)",
            [found[0].provider, connection_id, at.replace(tzinfo=None), by, because],
        )


def forget_dismissals_of_active(connection: duckdb.DuckDBPyConnection) -> None:
    """Let a dismissed connection count again after it has come back."""
    connection.execute(
        "delete from unified.dismissed_connections where (provider, connection_id) in "
        "(select (provider, connection_id) from unified.connections where status = 'active')"
    )
