"""``python -m orchestration_platform.backup``: copy all that the platform has stored, and restore.

Exit status: 0 if OK; 1 if it cannot be done, with the reason; 2 if it was called incorrectly, which
includes ``DAGSTER_HOME``.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration_platform.backup.errors import BackupError
from orchestration_platform.dagster_home import DagsterHomeError, find_dagster_home
from shared_lib.configuration.validated_yaml import ConfigurationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        find_dagster_home()
        return asked.command(asked)
    except DagsterHomeError as error:
        print(error, file=sys.stderr)
        return 2
    except (BackupError, ConfigurationError) as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.backup", description=__doc__
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    create = commands.add_parser("create", help="make a backup")
    create.add_argument(
        "--wait", type=float, default=600.0, metavar="SECONDS",
        help="how long to wait for a run that writes a warehouse (default 600)",
    )  # fmt: skip
    create.set_defaults(command=_create)
    listing = commands.add_parser("list", help="list the complete backups")
    listing.set_defaults(command=_list)
    verify = commands.add_parser("verify", help="read a backup and compare its digests")
    verify.set_defaults(command=_verify)
    restore = commands.add_parser(
        "restore", help="put a backup into an empty DAGSTER_HOME and data directory"
    )
    restore.set_defaults(command=_restore)
    for command in (create, listing, verify, restore):
        command.add_argument(
            "--place", metavar="URL",
            help="a directory or bucket; default: backup.place of platform.yaml",
        )  # fmt: skip
        command.add_argument("--json", action="store_true", help="print JSON")
    for command in (verify, restore):
        command.add_argument("--name", help="of the backup; default: the newest")
    for command in (create, restore):
        command.add_argument(
            "--dry-run", action="store_true", help="only check and show what would be done"
        )
    return parser


def _create(asked: argparse.Namespace) -> int:
    import dagster as dg
    from upath import UPath

    from orchestration_platform.backup.create import create
    from orchestration_platform.housekeeping.settings import load_settings
    from shared_lib.configuration.environment import current_settings

    data = current_settings().data_directory
    place = UPath(_place(asked))
    if asked.dry_run:
        _print(asked, f"would copy {os.environ['DAGSTER_HOME']} and {data} to {place}")
        return 0
    with dg.DagsterInstance.get() as instance:
        made = create(
            instance,
            data,
            place,
            keep=load_settings().backup.keep,
            wait_seconds=asked.wait,
            on_wait=lambda text: print(text, file=sys.stderr),
        )
    _print(asked, str(made))
    return 0


def _list(asked: argparse.Namespace) -> int:
    from upath import UPath

    from orchestration_platform.backup.manifest import backups_at, read_manifest

    found = [(backup, read_manifest(backup)) for backup in backups_at(UPath(_place(asked)))]
    if asked.json:
        contents = [
            {"backup": str(backup)} | manifest.model_dump(mode="json") for backup, manifest in found
        ]
        print(json.dumps(contents, indent=2))
        return 0
    for backup, made in found:
        size = sum(archive.bytes for archive in made.archives) / 1e6
        print(f"{made.made_at:%Y-%m-%d %H:%M:%S} {size:10.1f} MB {backup}")
    return 0


def _verify(asked: argparse.Namespace) -> int:
    from orchestration_platform.backup.restore import verify_backup

    backup = _backup(asked)
    verify_backup(backup)
    _print(asked, f"{backup}: OK")
    return 0


def _restore(asked: argparse.Namespace) -> int:
    from orchestration_platform.backup.restore import check_target, restore, verify_backup
    from shared_lib.configuration.environment import current_settings
    from shared_lib.warehouse.setting import locations_in_lake

    backup = _backup(asked)
    home, data = Path(os.environ["DAGSTER_HOME"]), current_settings().data_directory
    if asked.dry_run:
        check_target(backup, verify_backup(backup), home, data)
        _print(asked, f"would restore {backup} into {home} and {data}")
        return 0
    restore(backup, home, data)
    for location in locations_in_lake():
        print(
            f"the tables of {location} are in its file {location}.duckdb: put them into the lake "
            f"with `python -m {location}.warehouse migrate --to lake`",
            file=sys.stderr,
        )
    _print(asked, f"restored {backup} into {home} and {data}")
    return 0


def _backup(asked: argparse.Namespace):  # noqa: ANN202 - a UPath, which is imported late
    from upath import UPath

    from orchestration_platform.backup.manifest import latest_at

    place = UPath(_place(asked))
    return place / asked.name if asked.name else latest_at(place)


def _place(asked: argparse.Namespace) -> str:
    from orchestration_platform.housekeeping.settings import load_settings
    from shared_lib.configuration.kept_data import VARIABLE

    place = asked.place or load_settings().backup.place
    if place is None:
        raise BackupError(
            f"no place for backups: set backup.place in the file of {VARIABLE}, or --place"
        )
    return place


def _print(asked: argparse.Namespace, text: str) -> None:
    print(json.dumps({"result": text}) if asked.json else text)


if __name__ == "__main__":
    sys.exit(main())
