"""``python -m orchestration_platform.alerts``: the outbox, previews, and what people do by hand.

Exit status: 0 if OK; 1 if there is nothing of that name, or the output cannot be written; 2 if it
was called incorrectly, which includes ``DAGSTER_HOME``.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestration_platform.alerts.control.commands import add_commands
from orchestration_platform.alerts.control.console import positive_number
from orchestration_platform.dagster_home import DagsterHomeError, find_dagster_home


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        return asked.command(asked)
    except DagsterHomeError as error:
        print(error, file=sys.stderr)
        return 2
    except (LookupError, ValueError) as error:
        print(error.args[0], file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.alerts", description=__doc__
    )
    commands = parser.add_subparsers(required=True)
    listing = commands.add_parser("list", help="list the messages of the outbox and their state")
    listing.add_argument(
        "--limit",
        type=positive_number,
        default=50,
        help="number of messages, newest first; default: 50",
    )
    states = ("waiting", "delivered", "suppressed", "failed", "dropped", "redirected")
    listing.add_argument("--state", choices=states, help="only messages in this state")
    listing.set_defaults(command=_list)
    preview = commands.add_parser(
        "preview", help="show the message of a failed run without sending it"
    )
    preview.add_argument("run", help="the id of the run, or its beginning")
    preview.add_argument(
        "--json", action="store_true", help="print the JSON that Slack would receive"
    )
    preview.add_argument(
        "--page", type=Path, help="path of the page; default: in the report directory"
    )
    preview.set_defaults(command=_preview)
    add_commands(commands)
    schema = commands.add_parser("schema", help="print the JSON Schema of alert_policies.yaml")
    schema.add_argument(
        "--write", action="store_true", help="write it into schemas/, for editors, and into docs/"
    )
    schema.set_defaults(command=_schema)
    return parser


def _list(asked: argparse.Namespace) -> int:
    import dagster as dg

    from orchestration_platform.alerts.outbox.database import Database, database_url
    from orchestration_platform.alerts.outbox.state import listed_messages

    find_dagster_home()
    with dg.DagsterInstance.get() as instance:
        url = database_url(instance)
    with Database(url).transaction() as connection:
        rows = listed_messages(connection, limit=asked.limit, state=asked.state)
    if not rows:
        print("no messages")
    for row in rows:
        moment = datetime.fromtimestamp(row["created_at"], UTC).strftime("%Y-%m-%d %H:%M:%S")
        recovered = ", recovered" if row["recovered_at"] else ""
        if row["acknowledged_by"]:
            recovered += f", acknowledged by {row['acknowledged_by']}"
        if row["state"] == "waiting" and row["held_until"]:
            until = datetime.fromtimestamp(row["held_until"], UTC)
            recovered += f", held until {until:%Y-%m-%d %H:%M}"
        error = f": {row['error']}" if row["error"] else ""
        print(
            f"{moment} {row['state']:10} {row['kind']:5} {row['destination']} {row['location']}:"
            f"{row['subject']} x{row['occurrences']}{recovered}, {row['attempts']} attempts{error}"
        )
    return 0


def _preview(asked: argparse.Namespace) -> int:
    import dagster as dg

    from orchestration_platform.alerts.messages.formats.slack import head_content
    from orchestration_platform.alerts.preview import preview_of
    from shared_lib.configuration.environment import current_settings

    settings = current_settings()
    find_dagster_home()
    with dg.DagsterInstance.get() as instance:
        preview = preview_of(instance, asked.run, settings=settings)
    if asked.json:
        content = head_content(preview.message, mentions={})
        print(json.dumps(content, indent=2, ensure_ascii=False))
        return 0
    from rich.console import Console

    path = asked.page or settings.report_directory / f"alert_{preview.alert.run_id}.html"
    try:
        preview.write_page(path)
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror}): set --page FILE") from error
    console = Console()
    console.print(preview.for_terminal())
    for problem in preview.problems:
        console.print(problem, style="dim", markup=False)
    # not wrapped, so that it opens with a click
    console.print(f"as Slack shows it: {path}", soft_wrap=True, markup=False)
    return 0


def _schema(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.policies.policy import SCHEMA_FILE, reference, schema_text

    if asked.write:
        SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
        reference().write()
        return 0
    print(schema_text(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
