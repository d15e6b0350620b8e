"""``python -m simulation.warehouse``: keep the lake small, and move tables into it and back.

Exit status: 0 if OK; 2 if it cannot be done, with the reason.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    asked = _parser().parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from shared_lib.warehouse import WarehouseMissingError
    from shared_lib.warehouse.lake.migration import MigrationRefusedError
    from simulation.command_line import run_command

    def work(progress: Callable[[str], None]) -> int:
        return asked.command(asked, progress)

    return run_command(work, MigrationRefusedError, WarehouseMissingError)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulation.warehouse", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    maintain = commands.add_parser(
        "maintain", help="merge small files of the lake, and delete what nothing needs"
    )
    maintain.add_argument("--dry-run", action="store_true", help="only show what would go")
    maintain.add_argument("--json", action="store_true", help="print the report as JSON")
    maintain.set_defaults(command=_maintain)
    migrate = commands.add_parser(
        "migrate",
        help="copy all tables and views from the file into the lake, or back, and compare the rows",
    )
    migrate.add_argument("--to", required=True, choices=["file", "lake"], help="where they go")
    migrate.add_argument(
        "--replace", action="store_true",
        help="replace the tables that are there; a lake keeps them in older snapshots, a file is "
        "renamed",
    )  # fmt: skip
    migrate.set_defaults(command=_migrate)
    return parser


def _maintain(asked: argparse.Namespace, progress: Callable[[str], None]) -> int:
    from shared_lib.configuration.kept_data import kept_data
    from simulation.housekeeping.maintenance import maintain

    report = maintain(kept_data(), is_dry=asked.dry_run, on_wait=progress)
    if asked.json:
        print(json.dumps({"dry_run": report.is_dry, "rows": report.rows()}, indent=2))
        return 0
    for row in report.rows():
        print(f"{row['number']:8} {row['what']:16} {row['where']}")
    print(f"lake: {report}")
    return 0


def _migrate(asked: argparse.Namespace, progress: Callable[[str], None]) -> int:
    from shared_lib.warehouse.lake.migration import migrate
    from shared_lib.warehouse.setting import VARIABLE, Backend
    from simulation.state.layout import LAYOUT

    progress(f"copying the tables of simulation to the {asked.to}")
    moved = migrate("simulation", LAYOUT, to=Backend(asked.to), may_replace=asked.replace)
    for relation, (rows, digest) in moved.digests.items():
        print(f"{rows:10,} {digest} {relation}")
    number = len(moved.digests)
    print(f"{number} tables and views are in {moved.target}, the same as in {moved.source}")
    if moved.kept is not None:
        print(f"the replaced file is {moved.kept}")
    print(f"next: {VARIABLE}={asked.to} make manifest, and {VARIABLE}={asked.to} for every process")
    return 0


if __name__ == "__main__":
    sys.exit(main())
