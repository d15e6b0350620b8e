"""The stages of a pass: each reads and writes the current pass and what its docstring says.

Each stage commits its own transactions. If a process is killed or a stage raises, the outbox stays
as it is at that point, and the next pass continues from there.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import dagster as dg

from orchestration_platform.alerts.delivery import (
    acknowledgements,
    escalation,
    heartbeat,
    sender,
    users,
)
from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox import clock, state
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.retention import pruning
from orchestration_platform.alerts.outbox.suppression import inhibition, mutes
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.sources.collect import Collector
from orchestration_platform.alerts.workspace.webserver import Workspace
from shared_lib.configuration.environment import EnvironmentSettings


@dataclass(kw_only=True)
class Pass:
    """What the stages of one pass share, and the results of the pass.

    Attributes:
        instance: the Dagster instance.
        policies: the policies in force.
        services: the services that notify people.
        settings: the settings of the environment.
        memory: what the process keeps from one pass to the next.
        database: where the outbox is.
        workspace: what the webserver knows; if it could not be asked, ``problems`` has the reason.
        timing: how long to wait for what.
        keep_days: days after which what is over is deleted.
        failures: how many failures were new.
        escalated: how many incidents were escalated.
        sent: how many messages the services have accepted.
        outbox: what is left in the outbox.
        problems: what the tick shows to people; nothing waits for it.
        errors: the errors of sources that could not be read; they fail the tick at the end.
    """

    instance: dg.DagsterInstance
    policies: Sequence[Policy]
    services: Services
    settings: EnvironmentSettings
    memory: Memory
    database: Database
    workspace: Workspace
    timing: Timing
    keep_days: float
    failures: int = 0
    escalated: int = 0
    sent: int = 0
    outbox: state.OutboxState = field(default_factory=state.OutboxState)
    problems: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __str__(self) -> str:
        """Return a summary in one line, for the tick."""
        text = f"{self.failures} failures, {self.sent} messages sent, {self.outbox.waiting} waiting"
        if self.outbox.held:
            text += f", {self.outbox.held} held in quiet hours"
        if self.escalated:
            text += f", {self.escalated} escalated"
        if self.outbox.failed:
            text += (
                f", {self.outbox.failed} given up (python -m orchestration_platform.alerts list)"
            )
        blocked = [f"{name}: {reason}" for name, reason in self.outbox.reasons.items()]
        # A destination's waiting messages also report what blocks it.
        reasons = "; ".join(dict.fromkeys([*self.problems, *blocked]))
        return f"{text}. {reasons}" if reasons else text


def follow_clock(current: Pass) -> None:
    """Move the times in the outbox back if the clock of the machine was set back."""
    back = clock.follow_clock(current.database, now=time.time())
    if back:
        current.problems.append(
            f"the clock was set back by {back:.0f} s; waiting messages were moved with it"
        )


def report_unmuted(current: Pass) -> None:
    """Put messages that no mute suppresses any more back into the outbox."""
    in_force = {policy.name: policy for policy in current.policies}
    with current.database.transaction() as connection:
        mutes.report_unmuted(connection, policies=in_force, now=time.time())


def collect(current: Pass) -> None:
    """Read the sources for 20 s at most; write what policies cover, and recoveries, to the outbox.

    An error in one source stops no other and is kept in ``errors``.
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
        timing=current.timing,
    )
    until = current.timing.clock.now() + current.timing.collecting
    current.failures = collector.collect(until=until)


def inhibit(current: Pass) -> None:
    """Suppress messages that another incident explains, and report what outlasts its cause."""
    in_force = {policy.name: policy for policy in current.policies}
    with current.database.transaction() as connection:
        inhibition.inhibit(connection, policies=in_force, now=time.time())


def escalate(current: Pass) -> None:
    """Read who has acknowledged incidents; write messages to others, or reminders.

    If a service cannot be asked, the reason is added to ``problems``.
    """
    found = escalation.Escalation(
        current.database,
        current.services,
        current.policies,
        current.settings.alert_channel,
        current.problems,
        current.timing,
        asked_at=current.memory.asked_at,
    )
    current.escalated = found.escalate_due()
    acknowledgements.find_acknowledgements(found)


def deliver(current: Pass) -> None:
    """Send what is due in the outbox for 20 s at most; record the result of each message.

    An error in one message is written to its row and stops no other.
    """
    sending = sender.Sender.of(
        current.policies,
        database=current.database,
        services=current.services,
        environment=current.settings.environment.value,
        ui_url=current.settings.ui_url,
        users=users.known_users(current.database),
        timing=current.timing,
    )
    until = current.timing.clock.now() + current.timing.sending
    current.sent = sending.send_due(until=until)


def check_secrets(current: Pass) -> None:
    """Check the secrets of all services that policies use; a missing one is a problem."""
    used = (
        service.destination(current.settings.alert_channel)
        for policy in current.policies
        for service in (policy.notification_service, policy.policy_options.escalation_service)
        if service is not None
    )
    current.problems += current.services.problems_of(used)


def look_up_owners(current: Pass) -> None:
    """Look up a few owners of assets in the services that can, for later messages."""
    current.problems += users.find_users(
        current.database,
        current.services,
        owners=current.workspace.all_owners(),
        policies=current.policies,
        alert_channel=current.settings.alert_channel,
        now=time.time(),
    )


def prune(current: Pass) -> None:
    """Delete old incidents that are over from the outbox, once an hour."""
    every = current.timing.between_prunings
    pruning.prune(current.database, keep_days=current.keep_days, every_seconds=every)


def raise_errors(current: Pass) -> None:
    """Fail the pass if a source could not be read; everything that was due has been sent.

    Raises:
        ExceptionGroup: all errors of the sources.
    """
    if current.errors:
        raise ExceptionGroup("some sources could not be read", current.errors)


def look_at_outbox(current: Pass) -> None:
    """Read how many messages wait, and why."""
    with current.database.transaction() as connection:
        current.outbox = state.outbox_state(connection)


def send_heartbeat(current: Pass) -> None:
    """Send a heartbeat to the dead man's switch after the pass: in 2 s at most, raising nothing."""
    longest = current.timing.heartbeat
    problem = heartbeat.send_heartbeat(current.services.secrets, seconds=longest)
    current.problems += [problem] if problem else []
