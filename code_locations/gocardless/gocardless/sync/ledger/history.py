"""The states of transactions that have changed, each with what was decided and by what evidence."""

import duckdb

from gocardless.sync.ledger.likeness import content_of

_INSERT = (
    "insert into unified.transaction_history (transaction_key, fetch_number, seen_at, status, "
    "booking_date, description, provider_transaction_id, amount, decision, evidence) "
)
_DECISION = f"""
    case
        when f.status <> s.status and s.status = 'pending' then 'booked'
        when f.status <> s.status then 'reappeared'
        when f.amount <> s.amount then 'corrected'
        when f.booking_date is distinct from s.booking_date then 'redated'
        when {content_of("f")} <> {content_of("s")} then 'reworded'
    end
"""


def write_changes(connection: duckdb.DuckDBPyConnection) -> None:
    """Write the new states of what is in ``matches`` and is not as it was."""
    connection.execute(
        f"""
        create or replace temp table changed as
        select
            m.transaction_key, f.fetch_number, f.fetched_at, f.status, f.booking_date,
            f.description, f.transaction_id, f.amount, {_DECISION} as decision,
            coalesce(m.evidence, 'the same text and date') as evidence
        from matches as m
        inner join fetched as f using (number)
        inner join stored as s on m.transaction_key = s.transaction_key
        where s.status <> 'merged' and decision is not null
        """  # noqa: S608 - constants
    )
    write_first_states(connection, "changed")
    connection.execute(f"{_INSERT} from changed")


def write_ends(connection: duckdb.DuckDBPyConnection, status: str, evidence: str) -> None:
    """Write that what is in ``gone`` has ended with a status."""
    write_first_states(connection, "gone")
    connection.execute(
        f"{_INSERT} select transaction_key, fetch_number, fetched_at, $status, booking_date, "  # noqa: S608 - a constant
        "description, provider_transaction_id, amount, $status, $evidence from gone",
        {"status": status, "evidence": evidence},
    )


def write_first_states(connection: duckdb.DuckDBPyConnection, changed: str) -> None:
    """Write how transactions have been so far, of which that is known from themselves alone.

    Most never change: a state of each, written when it is created, took a fifth of a first sync.

    Args:
        connection: a warehouse with the unified tables, before the change is made.
        changed: a table with their keys.
    """
    connection.execute(
        f"{_INSERT} select t.transaction_key, t.first_fetch_number, "  # noqa: S608 - own names
        "t.first_seen_at, t.status, t.booking_date, t.description, t.provider_transaction_id, "
        f"t.amount, null, null from unified.transactions as t semi join {changed} "
        "using (transaction_key) anti join unified.transaction_history using (transaction_key)"
    )
