"""``python -m orchestration_platform.metadata.contracts``: what published models promise.

Exit status: 0 if OK; 1 if a promise is broken or a contract is not up to date; 2 if it was called
incorrectly or the dbt project has not been parsed.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration_platform.metadata.contracts.files import DIRECTORY, ContractsError
from shared_lib.configuration.environment import UnknownEnvironmentError
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.dbt.project import ManifestMissingError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        return asked.command(asked)
    except (
        ConfigurationError, ContractsError, ManifestMissingError, UnknownEnvironmentError,
    ) as error:  # fmt: skip
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.metadata.contracts", description=__doc__
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    write = commands.add_parser("write", help="write the contracts of all published models")
    write.add_argument(
        "--breaking",
        action="store_true",
        help="write also what breaks a promise, as the next major version",
    )
    write.set_defaults(command=_write)
    check = commands.add_parser("check", help="compare the contracts with the models")
    check.add_argument(
        "--base", metavar="REF", help="a commit or branch whose promises are to be kept as well"
    )
    check.set_defaults(command=_check)
    for command in (write, check):
        command.add_argument(
            "--directory", type=Path, default=DIRECTORY, help="of the contracts (default contracts)"
        )
    return parser


def _write(asked: argparse.Namespace) -> int:
    from orchestration_platform.metadata.contracts import check
    from orchestration_platform.metadata.contracts.files import read_contracts
    from orchestration_platform.metadata.reading import read_tables

    tables, kept = list(read_tables()), read_contracts(asked.directory)
    contracts = check.next_contracts(tables, kept)
    now = {name: contract for name, (contract, _) in contracts.items()}
    problems = list(check.without_contract(tables))
    broken = check.breaks(tables, kept, now)
    if problems or (broken and not asked.breaking):
        _show([*problems, *map(str, broken)])
        if broken:
            print("keep these promises, or announce the change: make contracts BREAKING=1")
        return 1
    _show(check.write(asked.directory, contracts))
    return 0


def _check(asked: argparse.Namespace) -> int:
    from orchestration_platform.metadata.contracts import check
    from orchestration_platform.metadata.contracts.changes import Weight
    from orchestration_platform.metadata.contracts.files import read_base, read_contracts
    from orchestration_platform.metadata.reading import read_tables

    tables, kept = list(read_tables()), read_contracts(asked.directory)
    contracts = check.next_contracts(tables, kept)
    now = {name: contract for name, (contract, _) in contracts.items()}
    problems = list(check.without_contract(tables))
    problems += [f"breaks a promise: {found}" for found in check.breaks(tables, kept, now)]
    problems += [
        f"{name}: the contract is not up to date: run `make contracts`"
        for name, (_, change) in sorted(contracts.items())
        if Weight.NOTHING < change < Weight.MAJOR
    ]
    if asked.base:
        for found in check.breaks(tables, read_base(asked.directory, asked.base), kept):
            if found.is_announced:
                print(f"announced since {asked.base}: {found}")
            else:
                problems.append(f"breaks a promise of {asked.base}: {found}")
    _show(problems)
    return 1 if problems else 0


def _show(lines: Sequence[str]) -> None:
    for line in lines:
        print(line)


if __name__ == "__main__":
    sys.exit(main())
