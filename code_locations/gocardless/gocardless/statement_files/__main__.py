"""The command line of statement files: inspect one, and import them."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from gocardless.extraction.fetch_scope import utc_now
from gocardless.extraction.reading.currencies import CURRENCIES
from gocardless.opening import bank_tables
from gocardless.statement_files.detection import read_statement_file
from gocardless.statement_files.formats.csv.inspection import Choices
from gocardless.statement_files.formats.csv.mapping import mapping_directory, save, saved_mappings
from gocardless.statement_files.inspection import described
from gocardless.statement_files.loading import ImportedFile, import_file
from gocardless.statement_files.statement import StatementFileError
from gocardless.statement_files.values.dates import ORDERS

_DESCRIPTION = """\
Statement files of banks: camt.053, MT940, OFX 1 and 2, QIF and CSV.

  inspect FILE       shows what a file holds; nothing is stored
  inspect --write    saves the mapping of a CSV file, for all files with its header
  import FILE...     takes files into the warehouse and the unified tables

A file may be imported again, and files may overlap: each booking counts once. A line that cannot be
read is reported with its number, and kept in raw.file_rejects; the others are taken."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 1 when a file or a line was not taken."""
    asked = _parser().parse_args(arguments)
    try:
        return _inspect(asked) if asked.command == "inspect" else _import(asked)
    except StatementFileError as error:
        print(error, file=sys.stderr)
        return 1


def _inspect(asked: argparse.Namespace) -> int:
    read = read_statement_file(
        asked.file, mappings=saved_mappings(mapping_directory()), choices=_choices(asked)
    )
    print(described(read, asked.file))
    is_open = bool(read.proposal and read.proposal.questions)
    if asked.write:
        if read.proposal is None:
            raise StatementFileError(
                f"{asked.file} is {read.content.file_format}, which needs no mapping: "
                "leave out --write"
            )
        if is_open:
            raise StatementFileError("the mapping is not saved: answer what is open")
        print(f"saved: {save(read.proposal.mapping, mapping_directory())}")
    return 1 if is_open or read.content.rejects else 0


def _import(asked: argparse.Namespace) -> int:
    mappings = saved_mappings(mapping_directory())
    status = 0
    with bank_tables("an import of statement files") as connection:
        for path in asked.files:
            try:
                result = import_file(
                    connection,
                    path,
                    at=utc_now(),
                    account=asked.account,
                    mappings=mappings,
                    choices=_choices(asked),
                )
            except StatementFileError as error:
                print(error, file=sys.stderr)
                status = 1
                continue
            _report(result)
            status = 1 if result.rejects else status
    return status


def _report(result: ImportedFile) -> None:
    accounts = ", ".join(result.accounts) or "no account"
    transactions = "transaction" if result.created == 1 else "transactions"
    entries = "entry" if result.entries == 1 else "entries"
    print(
        f"{result.path}: {accounts}: {result.created} new {transactions} of {result.entries} "
        f"{entries}"
    )
    for account, difference in result.differences.items():
        print(f"{result.path}: {account}: the entries miss the closing balance by {difference}")
    for note in result.notes:
        print(f"{result.path}:{note.line}: {note.text}")
    for reject in result.rejects:
        print(
            f"{result.path}:{reject.line}: rejected: {reject.field} {reject.value[:60]!r}: "
            f"{reject.reason}",
            file=sys.stderr,
        )


def _choices(asked: argparse.Namespace) -> Choices:
    return Choices(
        bank=getattr(asked, "bank", None),
        currency=asked.currency,
        date_order=asked.date_order,
        decimal=asked.decimal,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m gocardless.statement_files",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--currency", type=_currency, help="ISO 4217, for QIF and CSV files that do not say it"
    )
    common.add_argument(
        "--date-order", choices=ORDERS, help="where 01/02/2026 could be either of two days"
    )
    common.add_argument("--decimal", choices=(",", "."), help="where 1,234 could be either number")
    inspect = commands.add_parser(
        "inspect", parents=[common], help="show what a file holds; nothing is stored"
    )
    inspect.add_argument("file", type=Path)
    inspect.add_argument("--write", action="store_true", help="save the mapping of a CSV file")
    inspect.add_argument(
        "--bank", type=_name, help="what the mapping is called; by default as the file"
    )
    load = commands.add_parser(
        "import", parents=[common], help="take files into the warehouse and the unified tables"
    )
    load.add_argument("files", type=Path, nargs="+", metavar="FILE")
    load.add_argument(
        "--account",
        type=_account,
        help="the account's IBAN, or a name of your own, for files that name no account",
    )
    return parser


def _currency(text: str) -> str:
    if text.upper() not in CURRENCIES:
        raise argparse.ArgumentTypeError(f"{text!r} is not a currency of ISO 4217, such as EUR")
    return text.upper()


def _account(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty: write the name of the account")
    return text.strip()


def _name(text: str) -> str:
    if not text.replace("-", "").replace("_", "").isalnum():
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are letters, digits, - and _")
    return text


if __name__ == "__main__":
    sys.exit(main())
