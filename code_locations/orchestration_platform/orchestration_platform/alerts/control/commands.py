"""The commands by which people act on alerts: arguments in, text or JSON out."""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from orchestration_platform.dagster_home import check_dagster_home
from shared_lib.discovery.modules import did_you_mean

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration_platform.alerts.control.person import Hand

Subparsers = Any  # argparse's class is private


def positive_number(text: str) -> int:
    """Parse a positive whole number.

    Raises:
        ArgumentTypeError: it is not a number above 0.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return int(text)


def add_commands(commands: Subparsers) -> None:
    """Add the commands to the parser of ``python -m orchestration_platform.alerts``."""
    listing = _added(commands, "incidents", _incidents, "list the open incidents, newest first")
    listing.add_argument("--location", help="only of this code location")
    listing.add_argument("--policy", help="only of this policy")
    listing.add_argument(
        "--all", action="store_true", help="also those that are over, and good news"
    )
    listing.add_argument(
        "--limit", type=positive_number, default=50, help="number of incidents; default: 50"
    )
    show = _added(commands, "show", _show, "show one incident: messages, deliveries, who did what")
    show.add_argument("number", type=positive_number, help="the number that incidents lists")
    ack = _added(
        commands, "ack", _ack, "acknowledge an incident: ends its escalation and its reminders"
    )
    ack.add_argument("number", type=positive_number, help="the number that incidents lists")
    _add_hand(ack, needs_reason=False)
    resolve = _added(commands, "resolve", _resolve, "end an incident and report that")
    resolve.add_argument("number", type=positive_number, help="the number that incidents lists")
    _add_hand(resolve, needs_reason=True)


def _added(
    commands: Subparsers, name: str, run: Callable[[argparse.Namespace], int], summary: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=summary, description=f"{summary}.".capitalize())
    parser.add_argument("--json", action="store_true", help="print JSON; times are in ISO 8601")
    parser.set_defaults(command=run)
    return parser


def _add_hand(parser: argparse.ArgumentParser, *, needs_reason: bool) -> None:
    parser.add_argument("--reason", required=needs_reason, help="why; it is recorded and shown")
    parser.add_argument("--by", metavar="PERSON", help="who you are; default: your login name")


@contextmanager
def _outbox() -> Iterator["sa.Connection"]:
    """Open one transaction in the outbox of the instance."""
    import dagster as dg

    from orchestration_platform.alerts.outbox.database import Database, database_url

    check_dagster_home()
    with dg.DagsterInstance.get() as instance:
        url = database_url(instance)
    with Database(url).transaction() as connection:
        yield connection


def _hand(asked: argparse.Namespace) -> "Hand":
    from orchestration_platform.alerts.control.person import Hand

    if asked.reason is not None and not asked.reason.strip():
        raise ValueError("--reason is empty: enter why")
    return Hand.of(asked.by, asked.reason)


def _incidents(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.incidents import known_policies, listed_incidents
    from orchestration_platform.alerts.policies.policy import load_file

    with _outbox() as connection:
        found = listed_incidents(
            connection,
            location=asked.location,
            policy=asked.policy,
            with_ended=asked.all,
            limit=asked.limit,
        )
        recorded = known_policies(connection)
    if asked.policy is not None and asked.policy not in recorded:
        names = [policy.name for policy in load_file().alert_policies]
        if asked.policy not in names:
            near = did_you_mean(asked.policy, [*names, *recorded])
            raise LookupError(f"there is no policy {asked.policy}{near}")
    if asked.json:
        _print_json(found)
        return 0
    if not found:
        print("no incidents" if asked.all else "no open incidents")
    for incident in found:
        print(_line(incident))
    return 0


def _show(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.incidents import shown_incident

    with _outbox() as connection:
        found = shown_incident(connection, asked.number)
    if asked.json:
        _print_json(found)
        return 0
    print(_line(found))
    print(f"  {found['event_type']} ({found['severity']}), policy {found['policy']}")
    for error in found["errors"]:
        print(f"  {' '.join(error.split())}")
    if found["outstanding_partitions"]:
        print(f"  not repaired: {', '.join(found['outstanding_partitions'])}")
    if found["escalates_at"]:
        print(f"  escalates or reminds at {_moment(found['escalates_at'])}")
    print("occurrences")
    for one in found["occurrences_by_key"]:
        print(f"  {_moment(one['at'])} {one['key']} ({one['state']})")
    print("messages")
    for one in found["messages"]:
        at = f", delivered {_moment(one['delivered_at'])}" if one["delivered_at"] else ""
        error = f": {one['error']}" if one["error"] else ""
        print(
            f"  {_moment(one['created_at'])} {one['state']:10} {one['kind']:8} "
            f"{one['destination']}, {one['attempts']} attempts{at}{error}"
        )
        for recipient in one["recipients"]:
            notes = "; ".join(filter(None, (recipient["note"], recipient["error"])))
            print(f"    {recipient['state']:10} {recipient['recipient']}{notes and f': {notes}'}")
    print("actions")
    for one in found["actions"]:
        reason = f": {one['reason']}" if one["reason"] else ""
        print(f"  {_moment(one['at'])} {one['action']} by {one['person']}{reason}")
    return 0


def _ack(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.incidents import acknowledge

    hand = _hand(asked)
    with _outbox() as connection:
        earlier = acknowledge(connection, asked.number, hand, now=time.time())
    text = (
        f"incident {asked.number} was acknowledged by {earlier} before: nothing has changed"
        if earlier
        else f"incident {asked.number} is acknowledged by {hand.person}"
    )
    return _done(asked, hand, text, has_changed=not earlier, incident=asked.number)


def _resolve(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.incidents import resolve
    from orchestration_platform.alerts.policies.policy import load_policies

    hand = _hand(asked)
    policies = {policy.name: policy for policy in load_policies()}
    with _outbox() as connection:
        was_open = resolve(connection, asked.number, hand, policies=policies, now=time.time())
    text = (
        f"incident {asked.number} is resolved by {hand}"
        if was_open
        else f"incident {asked.number} was over before: nothing has changed"
    )
    return _done(asked, hand, text, has_changed=was_open, incident=asked.number)


def _done(
    asked: argparse.Namespace, hand: "Hand", text: str, *, has_changed: bool, **facts: Any
) -> int:
    if asked.json:
        common = {"by": hand.person, "reason": hand.reason, "changed": has_changed}
        _print_json({**facts, **common, "message": text})
    else:
        print(text)
    return 0


def _line(incident: dict[str, Any]) -> str:
    state = ""
    if incident["acknowledged_at"]:
        state = f", acknowledged by {', '.join(incident['acknowledged_by']) or 'someone in Slack'}"
    if incident["recovered_at"]:
        state += f", over since {_moment(incident['recovered_at'])}"
        state += f": {incident['ended']}" if incident["ended"] else ""
    return (
        f"#{incident['number']} {_moment(incident['first_at'])} {incident['location']}:"
        f"{incident['subject']} x{incident['occurrences']} to {incident['destination']}{state}"
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _print_json(value: Any) -> None:
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
