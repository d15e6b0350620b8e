"""``python -m gocardless.warehouse``: move the bank's tables into the lake and back.

``migrate --to lake`` copies every table from the file into the lake, and ``--to file`` copies them
back. It compares each copy with its source, which stays unchanged. ``maintain`` merges small files
of the lake and deletes those that nothing needs.

Exit status: 0 if OK; 2 if the command cannot do it, with the reason.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import timedelta

from gocardless.opening import LOCATION
from gocardless.warehouse.layout import LAYOUT
from shared_lib.configuration.environment import current_settings
from shared_lib.configuration.kept_data import kept_data
from shared_lib.warehouse import WarehouseBusyError, WarehouseMissingError, WarehouseSettingError
from shared_lib.warehouse.lake.catalog import Catalog, CatalogUnreachableError, open_catalog
from shared_lib.warehouse.lake.maintenance import maintain_lake
from shared_lib.warehouse.lake.migration import MigrationRefusedError, migrate
from shared_lib.warehouse.setting import VARIABLE, Backend

_REFUSALS = (
    CatalogUnreachableError,
    MigrationRefusedError,
    WarehouseBusyError,
    WarehouseMissingError,
    WarehouseSettingError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gocardless.warehouse", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    moving = commands.add_parser("migrate", help="copy all tables and compare them")
    moving.add_argument("--to", required=True, choices=[*Backend], help="where they go")
    moving.add_argument(
        "--replace", action="store_true", help="replace the tables that are there; a lake keeps "
        "them in older snapshots, a file is renamed",
    )  # fmt: skip
    maintaining = commands.add_parser("maintain", help="keep the lake small")
    maintaining.add_argument("--dry-run", action="store_true", help="only show what would go")
    asked = parser.parse_args(arguments)
    try:
        if asked.command == "migrate":
            _migrate(Backend(asked.to), may_replace=asked.replace)
        else:
            _maintain(is_dry=asked.dry_run)
    except _REFUSALS as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _migrate(to: Backend, *, may_replace: bool) -> None:
    with open_catalog() as catalog:
        [(budgets,)] = catalog.run("select to_regclass('bank.call_budget')")
        if left := _answers_left(to, catalog, is_used=budgets is not None):
            raise MigrationRefusedError(
                f"a run that was killed has left {left} answers that are not in the tables yet: "
                "run a sync where the tables are now, and then migrate"
            )
        moved = migrate(LOCATION, LAYOUT, to=to, may_replace=may_replace)
        if to is Backend.LAKE and budgets is not None:
            # budgets of an earlier time in the lake; the file's tables have what was spent since
            catalog.run("delete from bank.call_budget")
    for table, (rows, digest) in moved.digests.items():
        print(f"{rows:10,} {digest} {table}")
    print(f"{len(moved.digests)} tables are in {moved.target}, the same as in {moved.source}")
    if moved.kept is not None:
        print(f"the replaced file is {moved.kept}")
    print(f"next: {VARIABLE}={to} make manifest, and {VARIABLE}={to} for every process")


def _answers_left(to: Backend, catalog: Catalog, *, is_used: bool) -> int:
    """Count the answers that are not yet in the tables of the current place."""
    if to is Backend.LAKE:
        path = current_settings().warehouse_path(LOCATION)
        return len([*path.with_name(f"{path.name}.answers").rglob("*.answer")])
    if not is_used:
        return 0
    [(left,)] = catalog.run("select count(*) from bank.answers where refused_because is null")
    return left


def _maintain(*, is_dry: bool) -> None:
    report = maintain_lake(
        LOCATION, keep=timedelta(days=kept_data().lake_days), is_dry=is_dry, on_wait=print
    )
    for row in report.rows():
        print(f"{row['number']:8} {row['what']:16} {row['where']}")
    print(f"lake: {report}")


if __name__ == "__main__":
    sys.exit(main())
