"""A pass in a process that is killed at a given point of it, or after a given time."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import dagster as dg

from orchestration_platform.alerts import collection, delivery, event_feed, occurrences, outbox
from orchestration_platform.alerts.policies import load_policies
from orchestration_platform.alerts.services.directory import Services
from orchestration_platform.alerts.slack_api import SlackWebApi
from orchestration_platform.alerts.watch import run_pass
from shared_lib.secrets import SecretsResource

# Where the process dies: the object, its function, and whether the function is still called.
POINTS: dict[str, tuple[Any, str, bool]] = {
    "while failures are recorded": (occurrences, "record_failure", True),
    "before the outbox is committed": (collection, "_set_position", True),
    "after the outbox was committed": (delivery.Sender, "send_due", False),
    "after a message was claimed": (delivery.Sender, "send", False),
    "after Slack has accepted": (SlackWebApi, "post", True),
    "before the answer is recorded": (outbox, "record_delivery", True),
}


def forget_the_overlap(patch: Callable[[Any, str, float], None]) -> None:
    """Reading the last minute again would make up for a position that was moved too early."""
    patch(event_feed, "OVERLAP_SECONDS", 0.0)
    patch(event_feed, "_BETWEEN_MARKS_SECONDS", 0.0)


def die(*_arguments: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def pass_that_dies(
    home: str, url: str, token: str, *, point: str | None, after: float | None
) -> None:
    """Runs in a process of its own."""
    os.environ |= {
        "DAGSTER_HOME": home,
        "DAGSTER_ENVIRONMENT": "ci",
        "ORCHESTRATION_PLATFORM_SLACK__TOKEN": token,
    }
    outbox.PACE = 0.0
    outbox.CLAIM_SECONDS = 1.5
    forget_the_overlap(setattr)
    if point is not None:
        owner, name, is_called = POINTS[point]
        original = getattr(owner, name)

        def then_die(*arguments: Any, **named: Any) -> None:
            if is_called:
                original(*arguments, **named)
            die()

        setattr(owner, name, then_die)
    if after is not None:
        timer = threading.Timer(after, die)
        timer.daemon = True
        timer.start()
    with dg.DagsterInstance.get() as instance:
        run_pass(
            instance,
            policies=load_policies(),
            services=Services(
                SecretsResource(location="orchestration_platform"),
                SlackWebApi(api_url=url, timeout_seconds=1.0),
            ),
            sending_seconds=2.0,
        )
