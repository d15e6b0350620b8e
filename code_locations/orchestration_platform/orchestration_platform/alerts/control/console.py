"""What the commands share: arguments, the outbox they act on, and their output."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestration_platform.dagster_home import find_dagster_home
from shared_lib.configuration.validated_yaml import ConfigurationError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration_platform.alerts.control.person import Hand
    from orchestration_platform.alerts.outbox.database import Database
    from orchestration_platform.alerts.policies.policy import AlertPolicies

Subparsers = Any  # argparse's class is private


def positive_number(text: str) -> int:
    """Parse a positive whole number.

    Raises:
        ArgumentTypeError: it is not a number above 0.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return int(text)


def added(
    commands: Subparsers, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    """Add the command ``name``, which calls ``run``; return its parser."""
    parser = commands.add_parser(name, help=summary, description=f"{summary}.".capitalize())
    parser.add_argument("--json", action="store_true", help="print JSON; times are in ISO 8601")
    parser.set_defaults(command=run)
    return parser


def add_hand(parser: argparse.ArgumentParser, *, needs_reason: bool) -> None:
    """Add who acts, and why."""
    parser.add_argument("--reason", required=needs_reason, help="why; it is recorded and shown")
    parser.add_argument("--by", metavar="PERSON", help="who you are; default: your login name")


def database() -> "Database":
    """Return the database of the outbox of the instance."""
    import dagster as dg

    from orchestration_platform.alerts.outbox.database import Database, database_url

    find_dagster_home()
    with dg.DagsterInstance.get() as instance:
        return Database(database_url(instance))


@contextmanager
def outbox() -> Iterator["sa.Connection"]:
    """Open one transaction in the outbox of the instance."""
    with database().transaction() as connection:
        yield connection


def policies_in_force() -> "AlertPolicies":
    """Return the policies in force; a mistake in their file is printed and stops no command.

    Stores nothing: the file beside a command may be another than that of the sensor.

    Raises:
        ConfigurationError: the file is invalid, and no valid policies have ever been stored.
    """
    from orchestration_platform.alerts.outbox import policies_in_force as stored

    found = stored.read_policies(report=lambda text: print(text, file=sys.stderr))
    if isinstance(found, ConfigurationError):
        return stored.policies_in_force(database(), found)
    return found


def hand_of(asked: argparse.Namespace) -> "Hand":
    """Return who acts, and why.

    Raises:
        ValueError: the reason is empty, or the name cannot be stored.
    """
    from orchestration_platform.alerts.control.person import Hand

    if asked.reason is not None and not asked.reason.strip():
        raise ValueError("--reason is empty: enter why")
    return Hand.of(asked.by, asked.reason)


def done(
    asked: argparse.Namespace, hand: "Hand", text: str, *, has_changed: bool, **facts: Any
) -> int:
    """Print what was done, as ``text`` or as JSON with ``facts``; return the exit status."""
    if asked.json:
        common = {"by": hand.person, "reason": hand.reason, "changed": has_changed}
        print_json({**facts, **common, "message": text})
    else:
        print(text)
    return 0


def moment(seconds: float) -> str:
    """Return a time in UTC as the listings show it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment_of(text: str) -> float:
    """Parse a time in ISO 8601, in UTC unless it has an offset, as seconds since 1970.

    Raises:
        ArgumentTypeError: it is not a time.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text} is not a time: enter it in ISO 8601, such as 2026-05-04T18:00"
        ) from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def print_json(value: Any) -> None:
    """Print ``value``, with its times in ISO 8601."""
    print(json.dumps(_with_times(value), indent=2, ensure_ascii=False))


def _with_times(value: Any) -> Any:
    """Return ``value`` with its times, which are seconds since 1970, in ISO 8601."""
    if isinstance(value, list):
        return [_with_times(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: datetime.fromtimestamp(one, UTC).isoformat()
        if isinstance(one, float) and (name == "at" or name.endswith(("_at", "_until")))
        else _with_times(one)
        for name, one in value.items()
    }
