"""``python -m orchestration_platform.alerts``: what is in the outbox, and what alerts look like."""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the exit status is 0 when all is in order."""
    asked = _parser().parse_args(arguments)
    try:
        return asked.command(asked)
    except (LookupError, ValueError) as error:
        print(error.args[0], file=sys.stderr)  # noqa: T201 - the command's output
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.alerts", description=__doc__
    )
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", help="messages of the outbox and what became of them")
    listing.add_argument("--limit", type=int, default=50, help="how many, newest first")
    listing.set_defaults(command=_list)
    preview = commands.add_parser("preview", help="the message of a failed run, sent nowhere")
    preview.add_argument("run", help="the run's id")
    preview.set_defaults(command=_preview)
    schema = commands.add_parser("schema", help="the JSON Schema of alert_policies.yaml")
    schema.set_defaults(command=_schema)
    return parser


def _list(asked: argparse.Namespace) -> int:
    import dagster as dg

    from orchestration_platform.alerts.database import database_url
    from orchestration_platform.alerts.outbox import listed_messages
    from orchestration_platform.alerts.watch import open_database

    with dg.DagsterInstance.get() as instance:
        url = database_url(instance)
    with open_database(url).transaction() as connection:
        rows = listed_messages(connection, limit=asked.limit)
    for row in rows:
        moment = datetime.fromtimestamp(row["created_at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        recovered = ", recovered" if row["recovered_at"] else ""
        error = f": {row['error']}" if row["error"] else ""
        print(  # noqa: T201 - the command's output
            f"{moment} {row['state']:9} {row['kind']:5} {row['channel']} {row['location']}:"
            f"{row['subject']} x{row['occurrences']}{recovered}, {row['attempts']} attempts{error}"
        )
    return 0


def _preview(asked: argparse.Namespace) -> int:
    import dagster as dg

    from orchestration_platform.alerts.message import Incident, head
    from orchestration_platform.alerts.run_failures import read_failure
    from shared_lib.environment import current_settings

    settings = current_settings()
    with dg.DagsterInstance.get() as instance:
        records = instance.get_records_for_run(
            asked.run, of_type=dg.DagsterEventType.RUN_FAILURE
        ).records
        if not records:
            raise LookupError(f"run {asked.run} has not failed, or is not in this instance")
        found = instance.get_run_records(dg.RunsFilter(run_ids=[asked.run]))
        failure = read_failure(instance, records[-1].event_log_entry, found[0] if found else None)
    incident = Incident(
        first=failure,
        latest=failure,
        occurrences=1,
        partitions=(failure.partition,) if failure.partition else (),
        partition_count=1 if failure.partition else 0,
    )
    content = head(incident, environment=settings.environment.value, ui_url=settings.ui_url)
    print(json.dumps(content, indent=2, ensure_ascii=False))  # noqa: T201
    return 0


def _schema(_asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.policies import schema_text

    print(schema_text(), end="")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
