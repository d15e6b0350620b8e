"""What a provider of bank data has to say so that the unified tables can be filled.

A provider is five queries over its own raw tables, or six where it reports balances. It never
writes a unified table, and the sync knows no provider but by these. All columns are required; times
are UTC.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Provider:
    """A source of connections, accounts and transactions.

    Attributes:
        name: what the column ``provider`` says.
        institutions: ``institution_id``, ``name``, ``bic``.
        connections: ``connection_id``, ``institution_id``, ``reference``, ``status`` (active,
            pending, expired, rejected or error), ``provider_status``, ``expires_at``.
        accounts: ``account_id``, ``connection_id``, ``institution_id``, ``iban``, ``currency``,
            ``owner_name``, ``name``; those alone that an active connection has now.
        fetches: ``fetch_number`` (ascending), ``account_id``, ``date_from``, ``create_from``,
            ``fetched_at``. One row for each answer: it has every booked entry dated
            ``date_from`` or later, and every pending one. An entry that is dated before
            ``create_from`` and is not recognised is not taken for a new transaction.
        entries: ``fetch_number``, ``account_id``, ``status`` (booked or pending), ``entry_id``
            (equal for entries that are equal), ``copies``, ``transaction_id``, ``booking_date``,
            ``value_date``, ``amount``, ``currency``, ``description``, ``counterparty``,
            ``balance_after``; and those of
            :data:`~gocardless.sync.transaction_details.DETAIL_COLUMNS`, or none of them.
        balances: ``account_id``, ``balance_type``, ``reference_date``, ``amount``, ``currency``,
            ``reported_at``; none where nobody reports any.
    """

    name: str
    institutions: str
    connections: str
    accounts: str
    fetches: str
    entries: str
    balances: str | None = None
