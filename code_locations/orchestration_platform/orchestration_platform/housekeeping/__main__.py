"""``python -m orchestration_platform.housekeeping``: delete what is old.

Exit status: 0 if OK; 1 if the settings are wrong; 2 if it was called incorrectly, which includes
``DAGSTER_HOME``.
"""

import argparse
import json
import sys
from collections.abc import Sequence

from orchestration_platform.dagster_home import DagsterHomeError, find_dagster_home
from shared_lib.configuration.validated_yaml import ConfigurationError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        return asked.command(asked)
    except DagsterHomeError as error:
        print(error, file=sys.stderr)
        return 2
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.housekeeping", description=__doc__
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    retention = commands.add_parser(
        "retention", help="delete runs and ticks that are older than platform.yaml allows"
    )
    retention.add_argument("--dry-run", action="store_true", help="only show what would be deleted")
    retention.add_argument("--json", action="store_true", help="print the report as JSON")
    retention.set_defaults(command=_retention)
    schema = commands.add_parser("schema", help="print the JSON Schema of platform.yaml")
    schema.add_argument(
        "--write", action="store_true", help="write it into schemas/, for editors, and into docs/"
    )
    schema.set_defaults(command=_schema)
    return parser


def _retention(asked: argparse.Namespace) -> int:
    import dagster as dg

    from orchestration_platform.housekeeping.retention import apply_retention
    from orchestration_platform.housekeeping.settings import load_settings

    find_dagster_home()
    retention = load_settings().retention
    with dg.DagsterInstance.get() as instance:
        report = apply_retention(instance, retention, is_dry=asked.dry_run)
    if asked.json:
        print(json.dumps(report.as_json(), indent=2))
        return 0
    for row in report.by_job():
        print(f"{row['runs']:8} {row['job']} {row['status']}")
    print(f"platform: {report}")
    return 0


def _schema(asked: argparse.Namespace) -> int:
    from orchestration_platform.housekeeping.settings import SCHEMA_FILE, reference, schema_text

    if asked.write:
        SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
        reference().write()
    else:
        print(schema_text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
