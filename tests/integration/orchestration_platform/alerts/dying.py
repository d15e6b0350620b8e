"""Passes in processes that are killed at a given point of them, or after a given time.

They are forked from one that has imported everything and done a pass, so that dozens are born and
die in a few seconds.
"""

import multiprocessing
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import dagster as dg

from orchestration_platform.alerts.delivery import escalation, sender, settle
from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox import deduplication, recoveries
from orchestration_platform.alerts.outbox.suppression import inhibition
from orchestration_platform.alerts.policies.policy import Policy, load_policies
from orchestration_platform.alerts.run_pass import run_pass
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from orchestration_platform.alerts.sources import collect
from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.secrets import SecretsResource

# Where the process dies: the object, its function, and whether the function is still called.
POINTS: dict[str, tuple[Any, str, bool]] = {
    "while failures are recorded": (deduplication, "record_failure", True),
    "before the outbox is committed": (collect, "set_cursor", True),
    "after the outbox was committed": (sender.Sender, "send_due", False),
    "after a message was claimed": (sender.Sender, "send", False),
    "after Slack has accepted": (SlackWebApi, "post", True),
    "before the answer is recorded": (settle, "record_delivery", True),
}

# The same, where something has waited for the end of quiet hours.
HOLDING_POINTS = {
    name: POINTS[name]
    for name in (
        "while failures are recorded",
        "before the outbox is committed",
        "after the outbox was committed",
    )
}
RELEASING_POINTS = {name: point for name, point in POINTS.items() if name not in HOLDING_POINTS}
# The same, where the incident has recovered by then.
SUPPRESSING_POINTS: dict[str, tuple[Any, str, bool]] = {
    "while a recovery is recorded": (recoveries, "suppress_waiting", True),
    "before a recovery is committed": (collect, "set_cursor", True),
}
# The same, where nobody has acknowledged a message.
ESCALATION_POINTS: dict[str, tuple[Any, str, bool]] = {
    "before Slack is asked": (Services, "acknowledged_by", False),
    "after Slack was asked": (Services, "acknowledged_by", True),
    "before the escalation is committed": (escalation, "add_message", True),
    "after the escalation was committed": (sender.Sender, "send_due", False),
    **{f"{name} (escalation)": point for name, point in RELEASING_POINTS.items()},
}
# The same, where another incident explains the failure, or did so until now.
INHIBITING_POINTS: dict[str, tuple[Any, str, bool]] = {
    "before it is decided what is suppressed": (inhibition, "inhibit", False),
    "before that is committed": (inhibition, "inhibit", True),
    "after that was committed": (sender.Sender, "send_due", False),
}
# The same, where a message goes to several recipients.
RECIPIENT_POINTS: dict[str, tuple[Any, str, bool]] = {
    "after a result was committed": (sender.Sender, "_record_result", True),
    "after an address was refused": (settle, "record_pause", True),
}
_ALL_POINTS = {
    **POINTS,
    **SUPPRESSING_POINTS,
    **ESCALATION_POINTS,
    **INHIBITING_POINTS,
    **RECIPIENT_POINTS,
}

# Reading the last minute again would make up for a position that was moved too early.
NO_OVERLAP = {"overlap": 0.0, "between_marks": 0.0}
# A claim of one that died is not recovered sooner. On a busy machine too, a pass comes to the point
# where it dies.
TIMING = Timing(pace=0.0, claim=0.3, sending=30.0, **NO_OVERLAP)


@dataclass(frozen=True)
class Nursery:
    """Makes passes that die, one after the other."""

    orders: Connection

    def run(
        self,
        *,
        point: str | None = None,
        after: float | None = None,
        policies: Sequence[Policy] | None = None,
    ) -> int:
        """A pass in a process of its own; returns its exit code.

        Args:
            point: one of the points above at which it is killed.
            after: the seconds after which it is killed.
            policies: those in force; by default those of the repository.
        """
        self.orders.send((point, after, policies))
        assert self.orders.poll(PATIENCE_SECONDS), "the pass has not ended"
        return self.orders.recv()


@contextmanager
def nursery(home: str, slack_url: str, token: str) -> Iterator[Nursery]:
    """One for the instance in ``home`` and the Slack at ``slack_url``."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, home, slack_url, token))
    process.start()
    try:
        assert ours.poll(PATIENCE_SECONDS), "the first pass has not ended"
        assert ours.recv() == "ready"
        yield Nursery(ours)
    finally:
        ours.send(None)
        process.join(PATIENCE_SECONDS)
        assert process.exitcode == 0, "the process from which the others are forked is in trouble"


def _serve(orders: Connection, home: str, slack_url: str, token: str) -> None:
    """Runs in a process of its own, without threads: it is forked."""
    os.environ |= {
        "DAGSTER_HOME": home,
        "DAGSTER_ENVIRONMENT": "ci",
        "ORCHESTRATION_PLATFORM_SLACK__TOKEN": token,
    }
    memory = Memory()
    _pass(slack_url, memory)
    orders.send("ready")
    for point, after, policies in iter(orders.recv, None):
        child = os.fork()
        if child == 0:
            _die_in_pass(slack_url, memory, point=point, after=after, policies=policies)
        _, status = os.waitpid(child, 0)
        orders.send(os.waitstatus_to_exitcode(status))


def _die_in_pass(
    slack_url: str,
    memory: Memory,
    *,
    point: str | None,
    after: float | None,
    policies: Sequence[Policy] | None,
) -> None:
    """The life of a forked process, which does not go back to what its parent does."""
    try:
        if point is not None:
            die_at(point, _die)
        if after is not None:
            timer = threading.Timer(after, _die)
            timer.daemon = True
            timer.start()
        _pass(slack_url, memory, policies)
    except BaseException:  # noqa: BLE001 - shown, and reported by the exit code
        traceback.print_exc(file=sys.stderr)
        os._exit(1)
    os._exit(0)


def die_at(point: str, die: Callable[[], None]) -> None:
    """Let whatever comes to one of the points above die there."""
    owner, name, is_called = _ALL_POINTS[point]
    original = getattr(owner, name)

    def then_die(*arguments: Any, **named: Any) -> None:
        try:
            if is_called:
                original(*arguments, **named)
        finally:
            die()

    setattr(owner, name, then_die)


def _die(*_arguments: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _pass(slack_url: str, memory: Memory, policies: Sequence[Policy] | None = None) -> None:
    with dg.DagsterInstance.get() as instance:
        run_pass(
            instance,
            policies=policies or load_policies()[:1],
            services=Services(
                SecretsResource(location="orchestration_platform"),
                SlackWebApi(api_url=slack_url, timeout_seconds=10.0),
            ),
            memory=memory,
            timing=TIMING,
        )
