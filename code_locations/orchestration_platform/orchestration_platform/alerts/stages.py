"""The stages of a pass: each reads and writes what its docstring says, and one current.

Each stage commits its own transactions. A process that is killed, or a stage that raises, leaves
the outbox as it is by then, and the next pass goes on from there.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import dagster as dg

from orchestration_platform.alerts.delivery import escalation, heartbeat, sender, slack_users
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox import clock, pruning, state
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.sources.collect import Collector
from orchestration_platform.alerts.workspace.webserver import Workspace
from shared_lib.configuration.environment import EnvironmentSettings

# Dagster gives a sensor's tick 60 s. What is left over the next tick goes on with.
COLLECTING_SECONDS = 20.0
SENDING_SECONDS = 20.0


@dataclass(kw_only=True)
class Pass:
    """What the stages of one pass share, and what it has come to.

    Attributes:
        instance: of Dagster.
        policies: those in force.
        services: by which people are notified.
        settings: of the environment.
        memory: what the process keeps from one pass to the next.
        database: where the outbox is.
        workspace: what the webserver knows; why it could not be asked is among ``problems``.
        sending_seconds: how long to go on sending.
        keep_days: days after which what is over is forgotten.
        failures: how many were new.
        escalated: how many incidents were escalated.
        sent: how many messages the services have taken.
        outbox: what is left in it.
        problems: what people read in the tick; nothing waits for it.
        errors: of sources that could not be read, which fail the tick in the end.
    """

    instance: dg.DagsterInstance
    policies: Sequence[Policy]
    services: Services
    settings: EnvironmentSettings
    memory: Memory
    database: Database
    workspace: Workspace
    sending_seconds: float
    keep_days: float
    failures: int = 0
    escalated: int = 0
    sent: int = 0
    outbox: state.OutboxState = field(default_factory=state.OutboxState)
    problems: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __str__(self) -> str:
        """In one line, for the tick."""
        text = f"{self.failures} failures, {self.sent} messages sent, {self.outbox.waiting} waiting"
        if self.outbox.held:
            text += f", {self.outbox.held} held in quiet hours"
        if self.escalated:
            text += f", {self.escalated} escalated"
        if self.outbox.failed:
            text += (
                f", {self.outbox.failed} given up (python -m orchestration_platform.alerts list)"
            )
        said = [f"{name}: {reason}" for name, reason in self.outbox.reasons.items()]
        # What keeps messages from a destination is told of those that wait for it too.
        reasons = "; ".join(dict.fromkeys([*self.problems, *said]))
        return f"{text}. {reasons}" if reasons else text


def follow_clock(current: Pass) -> None:
    """Move the times in the outbox back when the clock of the machine was set back."""
    back = clock.follow_clock(current.database, now=time.time())
    if back:
        current.problems.append(f"the clock has gone back by {back:.0f} s, and what waited with it")


def collect(current: Pass) -> None:
    """Read the sources for 20 s at most; write what policies cover, and recoveries, to the outbox.

    The error of one source stops no other and is kept in ``errors``.
    """
    collector = Collector(
        current.instance,
        current.database,
        current.policies,
        alert_channel=current.settings.alert_channel,
        ui_url=current.settings.ui_url,
        workspace=current.workspace,
        memory=current.memory.sources,
        errors=current.errors,
    )
    current.failures = collector.collect(until=time.monotonic() + COLLECTING_SECONDS)


def escalate(current: Pass) -> None:
    """Read which incidents nobody has taken on; write messages to others, or reminders.

    A service that cannot be asked is among ``problems``.
    """
    found = escalation.Escalation(
        current.database,
        current.services,
        current.policies,
        current.settings.alert_channel,
        current.problems,
    )
    current.escalated = found.escalate_due()


def deliver(current: Pass) -> None:
    """Send what is due in the outbox for ``sending_seconds``; write what became of each message.

    The error of one message is written to its row and stops no other.
    """
    sending = sender.Sender.of(
        current.policies,
        database=current.database,
        services=current.services,
        environment=current.settings.environment.value,
        ui_url=current.settings.ui_url,
        members=slack_users.known_members(current.database),
    )
    current.sent = sending.send_due(until=time.monotonic() + current.sending_seconds)


def find_what_is_missing(current: Pass) -> None:
    """Look for the secrets of all services of the policies; what is missing is a problem."""
    used = (
        service.destination(current.settings.alert_channel)
        for policy in current.policies
        for service in (policy.notification_service, policy.policy_options.escalation_service)
        if service is not None
    )
    current.problems += current.services.what_is_missing(used)


def look_up_owners(current: Pass) -> None:
    """Ask Slack for a few owners of assets, and write who they are there for later messages."""
    problem = slack_users.find_members(
        current.database,
        current.services,
        owners=current.workspace.all_owners(),
        policies=current.policies,
        now=time.time(),
    )
    current.problems += [problem] if problem else []


def prune(current: Pass) -> None:
    """Delete what is over and old from the outbox, once an hour."""
    pruning.prune(current.database, keep_days=current.keep_days)


def raise_errors(current: Pass) -> None:
    """Fail the pass when a source could not be read; what there was to send has been sent.

    Raises:
        ExceptionGroup: all that the sources have raised.
    """
    if current.errors:
        raise ExceptionGroup("not all that is watched could be read", current.errors)


def look_at_outbox(current: Pass) -> None:
    """Read how much waits, and why."""
    with current.database.transaction() as connection:
        current.outbox = state.outbox_state(connection)


def send_heartbeat(current: Pass) -> None:
    """Tell the dead man's switch that the pass has completed: in 2 s at most, raising nothing."""
    problem = heartbeat.send_heartbeat(current.services.secrets)
    current.problems += [problem] if problem else []
