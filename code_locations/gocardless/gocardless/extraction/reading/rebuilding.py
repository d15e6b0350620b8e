"""The typed columns of stored entries, read anew from what the API sent."""

import json
from dataclasses import dataclass, field

import duckdb

from gocardless.extraction.reading.entries import read_transactions
from gocardless.extraction.tables import TRANSACTIONS
from gocardless.extraction.transactions import account_currencies
from gocardless.extraction.writing import stage

_KEY = ", ".join(TRANSACTIONS.key)
_TYPED = tuple(name for name in TRANSACTIONS.columns if name not in (*TRANSACTIONS.key, "payload"))


@dataclass
class EntriesRead:
    """What came of reading all stored entries again.

    Attributes:
        entries: how many there are.
        changed: in how many of them each column differs; columns without any are left out.
        refused: why entries cannot be read any more, once each; their columns stay as they are.
    """

    entries: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


def rebuild_entries(connection: duckdb.DuckDBPyConnection) -> EntriesRead:
    """Read the payload of each entry again and write the columns that differ.

    The key of an entry is the digest of its payload, so no key changes.

    Args:
        connection: a warehouse with the raw tables, in a transaction.
    """
    found = EntriesRead()
    currencies = account_currencies(connection)
    columns = {name: TRANSACTIONS.columns[name] for name in (*TRANSACTIONS.key, *_TYPED)}
    connection.execute(
        f"create or replace temp table read_anew as select {', '.join(columns)} "  # noqa: S608 - own names
        "from raw.gc_transactions where false"
    )
    for (account_id,) in connection.execute(
        "select distinct account_id from raw.gc_transactions order by all"
    ).fetchall():
        rows = []
        for status, digest, payload in connection.execute(
            "select status, payload_digest, payload from raw.gc_transactions where account_id = ?",
            [account_id],
        ).fetchall():
            lists = {status: [json.loads(payload, parse_float=str)]}
            read = read_transactions(account_id, lists, currency=currencies.get(account_id))
            rows += [{**row, "payload_digest": digest} for row in read.rows]
            found.refused += [
                f"{account_id} {digest}: {reject['reason']}" for reject in read.rejects
            ]
            found.entries += 1
        stage(connection, "read_of_account", columns, rows)
        connection.execute("insert into read_anew by name from read_of_account")
    found.changed = differences(connection, "raw.gc_transactions", using=_KEY, columns=_TYPED)
    if found.changed:
        connection.execute(
            f"update raw.gc_transactions as t set {', '.join(f'{n} = r.{n}' for n in _TYPED)} "  # noqa: S608 - own names
            f"from read_anew as r where {' and '.join(f't.{n} = r.{n}' for n in TRANSACTIONS.key)} "
            f"and ({differs(_TYPED)})"
        )
    return found


def differs(columns: tuple[str, ...]) -> str:
    """In SQL, whether any of the columns of a row ``t`` is not that of the row ``r``."""
    return " or ".join(f"t.{name} is distinct from r.{name}" for name in columns)


def differences(
    connection: duckdb.DuckDBPyConnection, table: str, *, using: str, columns: tuple[str, ...]
) -> dict[str, int]:
    """In how many rows of a table each column differs from that in ``read_anew``, if in any."""
    counted = ", ".join(f"count(*) filter ({differs((name,))})" for name in columns)
    counts = connection.execute(
        f"select {counted} from {table} as t inner join read_anew as r using ({using})"  # noqa: S608 - own names
    ).fetchone() or (0,)
    return {name: count for name, count in zip(columns, counts, strict=True) if count}
