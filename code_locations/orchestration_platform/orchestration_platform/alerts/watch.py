"""One pass: read what has happened, send what is due."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import dagster as dg

from orchestration_platform.alerts.collection import Collector
from orchestration_platform.alerts.database import Database, database_url
from orchestration_platform.alerts.delivery import Sender
from orchestration_platform.alerts.outbox import OutboxState, outbox_state
from orchestration_platform.alerts.policies import Policy
from orchestration_platform.alerts.slack_api import SlackWebApi
from shared_lib.environment import current_settings

# Dagster gives a sensor's tick 60 s. What is left over the next tick goes on with.
COLLECTING_SECONDS = 20.0
SENDING_SECONDS = 20.0


@dataclass(frozen=True)
class Pass:
    """What one pass came to.

    Attributes:
        failures: how many were new.
        sent: how many messages Slack has taken.
        outbox: what is left.
    """

    failures: int
    sent: int
    outbox: OutboxState

    def __str__(self) -> str:
        """In one line, for the tick."""
        text = f"{self.failures} failures, {self.sent} messages sent, {self.outbox.waiting} waiting"
        if self.outbox.failed:
            text += (
                f", {self.outbox.failed} given up (python -m orchestration_platform.alerts list)"
            )
        reasons = "; ".join(f"{name}: {said}" for name, said in self.outbox.reasons.items())
        return f"{text}. {reasons}" if reasons else text


def run_pass(
    instance: dg.DagsterInstance,
    *,
    policies: Sequence[Policy],
    slack: SlackWebApi,
    token: str,
    sending_seconds: float = SENDING_SECONDS,
) -> Pass:
    """Put new failures into the outbox and send what is due.

    Args:
        instance: of Dagster.
        policies: those in force.
        slack: the API.
        token: the bot's.
        sending_seconds: how long to go on sending.

    Raises:
        UnknownEnvironmentError: ``DAGSTER_ENVIRONMENT`` is not an environment.
    """
    settings = current_settings()
    database = open_database(database_url(instance))
    collector = Collector(
        instance, database, policies, alert_channel=settings.alert_channel, ui_url=settings.ui_url
    )
    failures = collector.collect(until=time.monotonic() + COLLECTING_SECONDS)
    sender = Sender(
        database,
        slack,
        token,
        environment=settings.environment.value,
        ui_url=settings.ui_url,
        descriptions={
            policy.name: policy.description
            for policy in policies
            if policy.policy_options.include_description_in_notification
        },
    )
    sent = sender.send_due(until=time.monotonic() + sending_seconds)
    with database.transaction() as connection:
        return Pass(failures, sent, outbox_state(connection))


@lru_cache(maxsize=2)
def open_database(url: str) -> Database:
    """The outbox at ``url``, whose tables are looked at once for each process."""
    return Database(url)
