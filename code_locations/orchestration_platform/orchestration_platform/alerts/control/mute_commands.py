"""The commands about mutes: ``mute``, ``unmute`` and ``mutes``."""

import argparse
import re
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from orchestration_platform.alerts.control.console import (
    Subparsers,
    add_hand,
    added,
    done,
    hand_of,
    moment,
    moment_of,
    outbox,
    policies_in_force,
    positive_number,
    print_json,
)
from orchestration_platform.dagster_home import find_dagster_home

if TYPE_CHECKING:
    from orchestration_platform.alerts.outbox.suppression.mutes import Mute

_SUBJECTS = ("policy", "location", "job", "asset")


def add_mute_commands(commands: Subparsers) -> None:
    """Add ``mute``, ``unmute`` and ``mutes`` to the parser."""
    mute = added(
        commands, "mute", _mute, "notify nobody of a job, asset, policy or location for a while"
    )
    mute.add_argument("--job", help="a job; with --location, the one of that code location")
    mute.add_argument("--asset", help="the key of an asset, such as sync/gocardless/accounts")
    mute.add_argument("--policy", help="a policy of alert_policies.yaml")
    mute.add_argument("--location", help="a code location")
    end = mute.add_mutually_exclusive_group(required=True)
    end.add_argument(
        "--for",
        dest="duration",
        type=_seconds,
        metavar="DURATION",
        help="how long: a number and s, min, h or d, such as 2h",
    )
    end.add_argument(
        "--until",
        type=moment_of,
        metavar="TIME",
        help="until when, in ISO 8601, in UTC unless it has an offset, such as 2026-05-04T18:00",
    )
    add_hand(mute, needs_reason=True)
    unmute = added(commands, "unmute", _unmute, "end a mute; what is open then is reported")
    unmute.add_argument("number", type=positive_number, help="the number that mutes lists")
    add_hand(unmute, needs_reason=True)
    listing = added(commands, "mutes", _mutes, "list the mutes in force")
    listing.add_argument("--all", action="store_true", help="also those that have ended")


def _seconds(text: str) -> float:
    from orchestration_platform.alerts.policies.quiet_hours import DURATION, seconds_of

    if not re.fullmatch(DURATION, text):
        raise argparse.ArgumentTypeError(
            f"{text} is not a duration: enter a number and s, min, h or d, such as 2h"
        )
    return seconds_of(text)


def _mute(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.muting import check_names, mute

    hand, now = hand_of(asked), time.time()
    subject = {kind: getattr(asked, kind) or "" for kind in _SUBJECTS}
    names, problem = _known(asked)
    check_names(subject, names, problem=problem)
    until = asked.until or now + asked.duration
    in_force = [policy.name for policy in policies_in_force().in_force]
    with outbox() as connection:
        begun = mute(connection, subject, hand, until=until, now=now, in_force=in_force)
    text = f"mute {begun.id}: {begun.subject} is {begun.why}"
    return done(asked, hand, text, has_changed=True, **_facts(begun))


def _unmute(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.muting import unmute

    hand = hand_of(asked)
    with outbox() as connection:
        ended, was_in_force = unmute(connection, asked.number, hand, now=time.time())
    text = (
        f"mute {ended.id} of {ended.subject} is ended by {hand}"
        if was_in_force
        else f"mute {ended.id} had ended before: nothing has changed"
    )
    return done(asked, hand, text, has_changed=was_in_force, number=ended.id)


def _mutes(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.outbox.suppression.mutes import all_mutes, mutes_in_force

    now = time.time()
    with outbox() as connection:
        found = all_mutes(connection) if asked.all else mutes_in_force(connection, now=now)
    if asked.json:
        print_json([_facts(one) for one in found])
        return 0
    if not found:
        print("no mutes" if asked.all else "no mutes in force")
    for one in found:
        ended = f", ended {moment(one.ended_at)} by {one.ended_by}" if one.ended_at else ""
        over = ", over" if not ended and one.muted_until <= now else ""
        print(f"#{one.id} {moment(one.muted_at)} {one.subject}: {one.why}{ended}{over}")
    return 0


def _facts(mute: "Mute") -> dict[str, Any]:
    facts = asdict(mute)
    return {"number": facts.pop("id"), **facts}


def _known(asked: argparse.Namespace) -> tuple[dict[str, list[str]], str]:
    """Return the names that exist, by kind, and why some may be missing."""
    import dagster as dg

    from orchestration_platform.alerts.control.incidents import known_locations
    from orchestration_platform.alerts.control.known_names import known_names

    find_dagster_home()
    with dg.DagsterInstance.get() as instance:
        names, problem = known_names(instance, job=asked.job or "")
    with outbox() as connection:
        names["location"] += known_locations(connection)
    names["policy"] = [policy.name for policy in policies_in_force().alert_policies]
    return names, problem
