"""The command ``test``: a test message of a policy."""

import argparse
import time

from orchestration_platform.alerts.control.console import (
    Subparsers,
    add_hand,
    added,
    hand_of,
    outbox,
    print_json,
)


def add_test_command(commands: Subparsers) -> None:
    """Add ``test`` to the parser."""
    test = added(commands, "test", _test, "send a test message of a policy to its destination")
    test.add_argument("policy", help="a policy of alert_policies.yaml, also one that is disabled")
    add_hand(test, needs_reason=False)


def _test(asked: argparse.Namespace) -> int:
    from dataclasses import asdict

    from orchestration_platform.alerts.control.person import record_action
    from orchestration_platform.alerts.control.trial_message import policy_named, send_test
    from orchestration_platform.alerts.policies.policy import load_file
    from orchestration_platform.alerts.services.registry import Services
    from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
    from shared_lib.configuration.environment import current_settings
    from shared_lib.secrets import SecretsResource

    hand = hand_of(asked)
    policy = policy_named(asked.policy, load_file().alert_policies)
    services = Services(SecretsResource(location="orchestration_platform"), SlackWebApi())
    with outbox() as connection:
        record_action(connection, hand, "test", policy.name, now=time.time())
    result = send_test(policy, services, current_settings(), hand=hand, now=time.time())
    if asked.json:
        print_json({"policy": policy.name, "by": hand.person, **asdict(result)})
    elif result.is_delivered:
        where = f", place {result.place}" if result.place else ""
        note = f" ({result.note})" if result.note else ""
        print(f"delivered to {result.destination}{where}, message {result.reference}{note}")
        print(f"but: {result.problem}" if result.problem else "no incident was opened")
    else:
        print(f"not delivered to {result.destination}: {result.problem}")
    return 0 if result.is_delivered and not result.problem else 1
