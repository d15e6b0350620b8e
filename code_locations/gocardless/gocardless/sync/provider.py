"""What a provider of bank data has to say so that the unified tables can be filled.

A provider is five queries over its own raw tables, or six where it reports balances. It never
writes a unified table, and the sync knows no provider but by these. Times are UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

OPTIONAL_OF_FETCHES: Mapping[str, str] = {"covers_until": "date"}
OPTIONAL_OF_ENTRIES: Mapping[str, str] = {
    "internal_transaction_id": "varchar",
    "entry_reference": "varchar",
    "original_amount": "decimal(22, 8)",
    "original_currency": "varchar",
    "exchange_rate": "decimal(24, 10)",
    "merchant_category": "varchar",
    "counterparty_iban": "varchar",
    "end_to_end_id": "varchar",
    "mandate_id": "varchar",
    "notes": "varchar",
}
OPTIONAL_OF_BALANCES: Mapping[str, str] = {"credit_limit_included": "boolean"}
OPTIONAL_OF_ACCOUNTS: Mapping[str, str] = {"masked_pan": "varchar"}


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A source of connections, accounts and transactions.

    Columns in brackets may be left out, which is the same as null in every row.

    Attributes:
        name: what the column ``provider`` says.
        institutions: ``institution_id``, ``name``, ``bic``.
        connections: ``connection_id``, ``institution_id``, ``reference``, ``status`` (active,
            pending, expired, rejected or error), ``provider_status``, ``expires_at``.
        accounts: ``account_id``, ``connection_id``, ``institution_id``, ``iban``, ``currency``,
            ``owner_name``, ``name``, [``masked_pan``]; those alone that an active connection has
            now.
        fetches: ``fetch_number`` (ascending), ``account_id``, ``date_from``, ``create_from``,
            ``fetched_at``, [``covers_until``]. One row for each answer: it has every booked entry
            dated from ``date_from`` to ``covers_until``, and every pending one; what it lacks of
            these days the bank has withdrawn. With null it proves nothing of what it lacks. An
            entry that is dated before ``create_from`` and is not recognised is not taken for a
            new transaction.
        entries: ``fetch_number``, ``account_id``, ``status`` (booked or pending), ``entry_id``
            (equal for entries that are equal), ``copies``, ``transaction_id``, ``booking_date``,
            ``value_date``, ``amount``, ``currency``, ``description``, ``counterparty``,
            ``balance_after``, [those of :data:`OPTIONAL_OF_ENTRIES`].
        sightings: ``account_id``, ``status``, ``entry_id`` (a UUID), ``copies``,
            ``first_fetch_number``, ``last_fetch_number`` (null: none later): the entry is in the
            first answer and in each with a ``covers_until`` from there to the last. ``entries`` has
            each entry once then, without ``fetch_number`` and ``copies``. None where ``entries``
            has those of each answer.
        memberships: ``account_id``, ``connection_id``: all active connections of each account; none
            where an account has only the one that ``accounts`` names.
        is_signed_by_setting: whether the setting ``sign`` of an account applies; not where each
            entry says by itself which way its money went.
        balances: ``account_id``, ``balance_type``, ``reference_date``, ``amount``, ``currency``,
            ``reported_at``, [``credit_limit_included``]; none where nobody reports any.
    """

    name: str
    institutions: str
    connections: str
    accounts: str
    fetches: str
    entries: str
    balances: str | None = None
    memberships: str | None = None
    is_signed_by_setting: bool = True
    sightings: str | None = None


def with_optional(
    connection: duckdb.DuckDBPyConnection, query: str, optional: Mapping[str, str]
) -> str:
    """The query with the optional columns that it leaves out, as nulls."""
    found = {row[0] for row in connection.execute(f"describe {query}").fetchall()}
    added = "".join(
        f", null::{kind} as {name}" for name, kind in optional.items() if name not in found
    )
    return f"select *{added} from ({query})"  # noqa: S608 - the provider's own query
