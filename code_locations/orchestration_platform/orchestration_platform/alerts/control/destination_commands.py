"""The commands about what waits for a destination: ``drop`` and ``redirect``."""

import argparse
import time
from typing import TYPE_CHECKING

from orchestration_platform.alerts.control.console import (
    Subparsers,
    add_hand,
    added,
    done,
    hand_of,
    outbox,
    policies_in_force,
    positive_number,
)

if TYPE_CHECKING:
    import sqlalchemy as sa

    from orchestration_platform.alerts.control.person import Hand
    from orchestration_platform.alerts.control.waiting import Moved
    from orchestration_platform.alerts.policies.policy import AlertPolicies
    from orchestration_platform.alerts.services.protocol.destination import Destination


def add_destination_commands(commands: Subparsers) -> None:
    """Add ``drop`` and ``redirect`` to the parser."""
    drop = added(
        commands, "drop", _drop, "drop what waits for a destination that will not accept it"
    )
    what = drop.add_mutually_exclusive_group(required=True)
    what.add_argument("destination", nargs="?", help="as list shows it, such as slack:#data")
    what.add_argument(
        "--message",
        type=positive_number,
        metavar="NUMBER",
        help="only this message, as show lists it, and what waits for it; also one given up",
    )
    add_hand(drop, needs_reason=True)
    redirect = added(commands, "redirect", _redirect, "send what waits for a destination elsewhere")
    redirect.add_argument("source", help="where it waits, such as slack:#data")
    redirect.add_argument("target", help="where it goes: a destination of a policy or of a message")
    add_hand(redirect, needs_reason=True)


def _drop(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.waiting import drop, drop_message

    hand, policies = hand_of(asked), policies_in_force()
    with outbox() as connection:
        if asked.message:
            where = f"message {asked.message}"
            moved = drop_message(connection, asked.message, hand, now=time.time())
        else:
            where = f"for {asked.destination}"
            destination = _named(connection, asked.destination, policies)
            moved = drop(connection, destination, hand, now=time.time())
    what = where if asked.message else f"{moved.messages} messages and updates {where}"
    text = f"{what} dropped by {hand}" if moved.messages else f"nothing to drop: {where}"
    return _moved(asked, hand, text, moved)


def _redirect(asked: argparse.Namespace) -> int:
    from orchestration_platform.alerts.control.waiting import redirect

    hand, policies = hand_of(asked), policies_in_force()
    with outbox() as connection:
        source = _named(connection, asked.source, policies)
        target = _named(connection, asked.target, policies)
        moved = redirect(connection, source, target, hand, now=time.time())
    text = (
        f"{moved.messages} messages and updates for {source} redirected to {target} by {hand}"
        if moved.messages
        else f"nothing waits for {source}: nothing has changed"
    )
    return _moved(asked, hand, text, moved)


def _named(connection: "sa.Connection", text: str, policies: "AlertPolicies") -> "Destination":
    from orchestration_platform.alerts.control.waiting import named_destination
    from shared_lib.configuration.environment import current_settings

    return named_destination(
        connection,
        text,
        policies=policies.alert_policies,
        alert_channel=current_settings().alert_channel,
    )


def _moved(asked: argparse.Namespace, hand: "Hand", text: str, moved: "Moved") -> int:
    if moved.being_sent:
        text += (
            f"; {moved.being_sent} more are of incidents whose message is being sent at this"
            " moment: repeat the command in a minute"
        )
    return done(
        asked,
        hand,
        text,
        has_changed=bool(moved.messages),
        messages=moved.messages,
        incidents=list(moved.incidents),
        being_sent=moved.being_sent,
    )
