"""The commands about incidents: arguments in, text or JSON out."""

import argparse
import time
from collections.abc import Sequence
from typing import Any

from orchestration_platform.alerts.control.console import (
    Subparsers,
    add_hand,
    added,
    done,
    hand_of,
    moment,
    outbox,
    policies_in_force,
    positive_number,
    print_json,
)
from orchestration_platform.alerts.control.destination_commands import add_destination_commands
from orchestration_platform.alerts.control.listen_command import add_listen_command
from orchestration_platform.alerts.control.mute_commands import add_mute_commands
from orchestration_platform.alerts.control.trial_command import add_test_command
from shared_lib.discovery.modules import did_you_mean


def add_commands(commands: Subparsers) -> None:
    """Add the commands to the parser of ``python -m orchestration_platform.alerts``."""
    listing = added(commands, "incidents", _incidents, "list the open incidents, newest first")
    listing.add_argument("--location", help="only of this code location")
    listing.add_argument("--policy", help="only of this policy")
    listing.add_argument(
        "--all", action="store_true", help="also those that are over, and good news"
    )
    listing.add_argument(
        "--limit", type=positive_number, default=50, help="number of incidents; default: 50"
    )
    show = added(commands, "show", _show, "show one incident: messages, deliveries, who did what")
    show.add_argument("number", type=positive_number, help="the number that incidents lists")
    ack = added(
        commands, "ack", _ack, "acknowledge an incident: ends its escalation and its reminders"
    )
    ack.add_argument("number", type=positive_number, help="the number that incidents lists")
    add_hand(ack, needs_reason=False)
    resolve = added(commands, "resolve", _resolve, "end an incident and report that")
    resolve.add_argument("number", type=positive_number, help="the number that incidents lists")
    add_hand(resolve, needs_reason=True)
    add_destination_commands(commands)
    add_mute_commands(commands)
    add_test_command(commands)
    add_listen_command(commands)


def _incidents(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.incidents import known_policies, listed_incidents

    with outbox() as connection:
        found = listed_incidents(
            connection,
            location=asked.location,
            policy=asked.policy,
            with_ended=asked.all,
            limit=asked.limit,
            now=time.time(),
        )
        recorded = known_policies(connection)
    if asked.policy is not None and asked.policy not in recorded:
        names = [policy.name for policy in policies_in_force().alert_policies]
        if asked.policy not in names:
            near = did_you_mean(asked.policy, [*names, *recorded])
            raise LookupError(f"there is no policy {asked.policy}{near}")
    if asked.json:
        print_json(found)
        return 0
    if not found:
        print("no incidents" if asked.all else "no open incidents")
    for incident in found:
        print(_line(incident))
    return 0


def _show(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.incidents import shown_incident

    with outbox() as connection:
        found = shown_incident(connection, asked.number, now=time.time())
    if asked.json:
        print_json(found)
        return 0
    print(_line(found))
    print(f"  {found['event_type']} ({found['severity']}), policy {', '.join(found['policies'])}")
    if found["runbook"]:
        print(f"  runbook: {found['runbook']}")
    for error in found["errors"]:
        print(f"  {' '.join(error.split())}")
    if found["outstanding_partitions"]:
        print(f"  not repaired: {', '.join(found['outstanding_partitions'])}")
    if found["escalates_at"]:
        print(f"  escalates or reminds at {moment(found['escalates_at'])}")
    print("occurrences")
    for one in found["occurrences_by_key"]:
        print(f"  {moment(one['at'])} {one['key']} ({one['state']})")
    _print_messages(found["messages"])
    _print_inhibition(found)
    print("actions")
    for one in found["actions"]:
        reason = f": {one['reason']}" if one["reason"] else ""
        print(f"  {moment(one['at'])} {one['action']} by {one['person']}{reason}")
    return 0


def _print_messages(messages: Sequence[dict[str, Any]]) -> None:
    print("messages")
    for one in messages:
        at = f", delivered {moment(one['delivered_at'])}" if one["delivered_at"] else ""
        error = f": {one['error']}" if one["error"] else ""
        print(
            f"  #{one['id']} {moment(one['created_at'])} {one['state']:10} {one['kind']:8} "
            f"{one['destination']}, {one['attempts']} attempts{at}{error}"
        )
        for recipient in one["recipients"]:
            notes = "; ".join(filter(None, (recipient["note"], recipient["error"])))
            print(f"    {recipient['state']:10} {recipient['recipient']}{notes and f': {notes}'}")


def _print_inhibition(found: dict[str, Any]) -> None:
    if found["suppresses"]:
        print("suppresses")
    for one in found["suppresses"]:
        print(
            f"  {moment(one['at'])} #{one['incident']} {one['event_type']} {one['location']}:"
            f"{one['subject']} ({one['state']})"
        )


def _ack(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.incidents import acknowledge

    hand = hand_of(asked)
    with outbox() as connection:
        earlier = acknowledge(connection, asked.number, hand, now=time.time())
    text = (
        f"incident {asked.number} was acknowledged by {earlier} before: nothing has changed"
        if earlier
        else f"incident {asked.number} is acknowledged by {hand.person}"
    )
    return done(asked, hand, text, has_changed=not earlier, incident=asked.number)


def _resolve(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.incidents import resolve

    hand = hand_of(asked)
    policies = {policy.name: policy for policy in policies_in_force().in_force}
    with outbox() as connection:
        was_open = resolve(connection, asked.number, hand, policies=policies, now=time.time())
    text = (
        f"incident {asked.number} is resolved by {hand}"
        if was_open
        else f"incident {asked.number} was over before: nothing has changed"
    )
    return done(asked, hand, text, has_changed=was_open, incident=asked.number)


def _line(incident: dict[str, Any]) -> str:
    state = ""
    if incident["acknowledged_at"]:
        state = f", acknowledged by {', '.join(incident['acknowledged_by']) or 'someone in Slack'}"
    if incident["recovered_at"]:
        state += f", over since {moment(incident['recovered_at'])}"
        state += f": {incident['ended']}" if incident["ended"] else ""
    if incident["muted"]:
        state += f", {incident['muted']}"
    if incident["suppressed_by"]:
        state += f", suppressed by incident {incident['suppressed_by']}"
    return (
        f"#{incident['number']} {moment(incident['first_at'])} {incident['location']}:"
        f"{incident['subject']} x{incident['occurrences']} to {incident['destination']}{state}"
    )
