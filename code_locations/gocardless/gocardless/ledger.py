"""``python -m gocardless.ledger``: look at what the sync has decided, and put it right.

``show ID`` prints the states of a transaction, each with what was decided and by what evidence.
``merge ID ID`` lets two rows be one purchase, ``split ID`` undoes the last decision about a row. An
ID is a ``transaction_key`` of ``unified.transactions``.

``rebuild`` reads all stored payloads again, as after an update that reads entries in another way.
It prints which columns have changed in how many rows, and takes refused entries that can be read
now. No key changes.
"""

import argparse
import getpass
import sys
from collections.abc import Sequence

import duckdb

from gocardless.extraction.fetch_scope import utc_now
from gocardless.extraction.reading.rejected_entries import retry_rejects
from gocardless.extraction.tables import create_raw_tables
from gocardless.opening import bank_tables
from gocardless.sync.ledger.corrections import DecisionError, merge_rows, split_row, states_of
from gocardless.sync.ledger.rebuilding import Rebuilt, rebuild_ledger
from gocardless.sync.tables import create_unified_tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 1 where the decision cannot be made."""
    parser = argparse.ArgumentParser(prog="python -m gocardless.ledger", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("show", help="print its states").add_argument("id")
    merge = commands.add_parser("merge", help="let the second count for both")
    merge.add_argument("id")
    merge.add_argument("into")
    split = commands.add_parser("split", help="undo the last decision about it")
    split.add_argument("id")
    commands.add_parser("rebuild", help="read all payloads again")
    for command in (merge, split):
        command.add_argument("--by", default=getpass.getuser(), help="who decides")
        command.add_argument("--because", default="seen by a person", help="what by")
    asked = parser.parse_args(arguments)
    try:
        with bank_tables("a correction of the ledger") as connection:
            create_unified_tables(connection)
            if asked.command == "rebuild":
                _rebuild(connection)
                return 0
            key = asked.id
            if asked.command == "merge":
                merge_rows(
                    connection,
                    key,
                    asked.into,
                    by=asked.by,
                    at=utc_now(),
                    evidence=f"{asked.because} ({asked.by})",
                )
            elif asked.command == "split":
                key = split_row(
                    connection,
                    key,
                    by=asked.by,
                    at=utc_now(),
                    evidence=f"{asked.because} ({asked.by})",
                )
            print(key)
            print("\n".join(states_of(connection, key)))
    except DecisionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _rebuild(connection: duckdb.DuckDBPyConnection) -> None:
    create_raw_tables(connection)
    rebuilt = rebuild_ledger(connection, at=utc_now())
    taken = retry_rejects(connection, at=utc_now(), run_id="rebuild", every=True)
    print("\n".join(described(rebuilt)))
    print(f"refused entries that can be read now: {taken}" + ("; run a sync" if taken else ""))


def described(rebuilt: Rebuilt) -> list[str]:
    """What has changed, in words."""
    lines = [f"{rebuilt.entries.entries} entries were read again"]
    for table, changed in (
        ("raw.gc_transactions", rebuilt.entries.changed),
        ("raw.gc_balances", rebuilt.balances),
        ("unified.transactions", rebuilt.changed),
    ):
        columns = ", ".join(f"{name} in {count} rows" for name, count in changed.items())
        lines.append(f"{table}: {columns or 'no column has changed'}")
    lines += [f"cannot be read any more, stays as it is: {one}" for one in rebuilt.entries.refused]
    if rebuilt.without_entry:
        lines.append(
            f"{rebuilt.without_entry} rows stay as they are: which entry they are of is not known"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main())
