"""Accounts whose bank shows what is spent as positive, by their setting ``sign``.

The raw tables have what the bank sends; the unified ones have money that leaves as negative.
"""

import json

import duckdb

from gocardless.extraction.reading.entries import parties
from gocardless.extraction.writing import stage

REVERSED = "reversed"

_AMOUNTS = ("amount", "balance_after", "original_amount")
_REVERSED = ", ".join(f"{name} = -{name}" for name in _AMOUNTS)
_PARTIES = {
    "source_account_id": "varchar",
    "entry_id": "uuid",
    "counterparty": "varchar",
    "counterparty_iban": "varchar",
}


def reverse(connection: duckdb.DuckDBPyConnection, table: str, where: str) -> None:
    """Reverse the amounts of rows that are as their bank has sent them, and name the other party.

    Args:
        connection: a warehouse with the raw tables.
        table: has the columns of entries, ``source_account_id`` and ``entry_id``; our own name.
        where: which rows, in SQL; our own words.
    """
    if not connection.execute(
        "select 1 from unified.account_settings where sign = ? limit 1", [REVERSED]
    ).fetchone():
        return
    sent = connection.execute(
        "select distinct entry.account_id, entry.payload_digest, entry.payload, t.amount "  # noqa: S608 - own names
        f"from {table} as t inner join raw.gc_transactions as entry "
        "on entry.account_id = t.source_account_id and entry.payload_digest = t.entry_id "
        f"where {where}"
    ).fetchall()
    if not sent:
        return
    rows = [
        {
            "source_account_id": account_id,
            "entry_id": digest,
            **parties(json.loads(payload), -amount),
        }
        for account_id, digest, payload, amount in sent
    ]
    stage(connection, "reversed_parties", _PARTIES, rows)
    connection.execute(
        f"update {table} as t set {_REVERSED}, counterparty = r.counterparty, "  # noqa: S608 - own names
        "counterparty_iban = r.counterparty_iban from reversed_parties as r "
        f"where t.source_account_id = r.source_account_id and t.entry_id = r.entry_id and {where}"
    )


def reverse_stored(
    connection: duckdb.DuckDBPyConnection, provider: str, account_id: str, *, files: str
) -> None:
    """Reverse the stored transactions of an account, whose setting has changed; not those of files.

    Args:
        connection: a warehouse with the unified tables, in a transaction.
        provider: where the account was learned.
        account_id: the account.
        files: what statement files are called as a provider.
    """
    account = "provider = $provider and account_id = $account"
    names = {"provider": provider, "account": account_id}
    from_api = f"{account} and coalesce(seen_by, provider) <> $files"
    connection.execute(
        "update unified.transaction_history set amount = -amount where transaction_key in "  # noqa: S608 - own names
        f"(select transaction_key from unified.transactions where {from_api})",
        {**names, "files": files},
    )
    connection.execute(
        f"update unified.transactions set {_REVERSED} where {from_api}",  # noqa: S608 - own names
        {**names, "files": files},
    )
