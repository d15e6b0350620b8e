"""``python -m gocardless.connections``: see which bank connections have ended, and accept it.

``ended`` prints the connections that were active, are over, and have not been replaced.
``dismiss ID`` accepts the end of one, so that the check ``connections_not_ended`` passes again.
"""

import argparse
import getpass
import sys
from collections.abc import Sequence

from gocardless.extraction.fetch_scope import utc_now
from gocardless.opening import bank_tables
from gocardless.sync.connection_ends import (
    UnknownEndError,
    dismiss_connection,
    ended_connections,
)
from gocardless.sync.tables import create_unified_tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 1 where no such connection has ended."""
    parser = argparse.ArgumentParser(prog="python -m gocardless.connections", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("ended", help="print those that have ended and not been replaced")
    dismiss = commands.add_parser("dismiss", help="accept that one has ended")
    dismiss.add_argument("id", help="UUID of the connection")
    dismiss.add_argument("--by", default=getpass.getuser(), help="who decides")
    dismiss.add_argument("--because", default="not needed any more", help="why")
    asked = parser.parse_args(arguments)
    with bank_tables("the command connections") as connection:
        create_unified_tables(connection)
        if asked.command == "ended":
            for one in ended_connections(connection):
                print(one)
            return 0
        try:
            dismiss_connection(
                connection, asked.id, by=asked.by, because=asked.because, at=utc_now()
            )
        except UnknownEndError as error:
            print(error, file=sys.stderr)
            return 1
    print(f"{asked.id} is dismissed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
