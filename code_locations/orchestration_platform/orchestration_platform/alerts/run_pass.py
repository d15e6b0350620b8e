"""One pass: read what has happened, send what is due."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import dagster as dg

from orchestration_platform.alerts.collection import Collector
from orchestration_platform.alerts.delivery.escalation import Escalation
from orchestration_platform.alerts.delivery.heartbeat import send_heartbeat
from orchestration_platform.alerts.delivery.sender import Sender
from orchestration_platform.alerts.delivery.slack_users import find_members, known_members
from orchestration_platform.alerts.outbox.clock import follow_clock
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.pruning import prune
from orchestration_platform.alerts.outbox.state import OutboxState, outbox_state
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.registry import Services
from shared_lib.configuration.environment import current_settings

# Dagster gives a sensor's tick 60 s. What is left over the next tick goes on with.
COLLECTING_SECONDS = 20.0
SENDING_SECONDS = 20.0


@dataclass(frozen=True)
class Pass:
    """What one pass came to.

    Attributes:
        failures: how many were new.
        sent: how many messages the services have taken.
        outbox: what is left.
        missing: what keeps messages from where the policies send them.
        escalated: how many incidents nobody had taken on, and were told to others.
    """

    failures: int
    sent: int
    outbox: OutboxState
    missing: Sequence[str] = ()
    escalated: int = 0

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
        reasons = "; ".join(dict.fromkeys([*self.missing, *said]))
        return f"{text}. {reasons}" if reasons else text


def run_pass(
    instance: dg.DagsterInstance,
    *,
    policies: Sequence[Policy],
    services: Services,
    sending_seconds: float = SENDING_SECONDS,
    keep_days: float = 90.0,
) -> Pass:
    """Put new failures into the outbox, send what is due, and forget what is old.

    Args:
        instance: of Dagster.
        policies: those in force.
        services: by which people are told.
        sending_seconds: how long to go on sending.
        keep_days: days after which what is over is forgotten.

    Raises:
        UnknownEnvironmentError: ``DAGSTER_ENVIRONMENT`` is not an environment.
        ExceptionGroup: something that is watched could not be read. What else there was to tell
            has been sent.
    """
    settings = current_settings()
    database = open_database(database_url(instance))
    set_back = follow_clock(database, now=time.time())
    collector = Collector(
        instance, database, policies, alert_channel=settings.alert_channel, ui_url=settings.ui_url
    )
    failures = collector.collect(until=time.monotonic() + COLLECTING_SECONDS)
    escalation = Escalation(database, services, policies, settings.alert_channel)
    escalated = escalation.escalate_due()
    sender = Sender.of(
        policies,
        database=database,
        services=services,
        environment=settings.environment.value,
        ui_url=settings.ui_url,
        members=known_members(database),
    )
    sent = sender.send_due(until=time.monotonic() + sending_seconds)
    missing = services.what_is_missing(
        service.destination(settings.alert_channel)
        for policy in policies
        for service in (policy.notification_service, policy.policy_options.escalation_service)
        if service is not None
    )
    unknown = find_members(
        database,
        services,
        owners=collector.workspace.all_owners(),
        policies=policies,
        now=time.time(),
    )
    prune(database, keep_days=keep_days)
    if collector.errors:
        raise ExceptionGroup("not all that is watched could be read", collector.errors)
    with database.transaction() as connection:
        state = outbox_state(connection)
    problems = [*missing, *escalation.problems, *collector.workspace.problems]
    if unknown:
        problems.append(unknown)
    if set_back:
        problems.append(f"the clock has gone back by {set_back:.0f} s, and what waited with it")
    problem = send_heartbeat(services.secrets)
    if problem:
        problems.append(problem)
    return Pass(failures, sent, state, problems, escalated)


@lru_cache(maxsize=2)
def open_database(url: str) -> Database:
    """The outbox at ``url``, whose tables are looked at once for each process."""
    return Database(url)
