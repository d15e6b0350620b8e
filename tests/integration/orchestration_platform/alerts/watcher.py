"""Passes that record what has happened and notify nobody."""

import time
from typing import Any

import dagster as dg
import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.sources.collect import Collector


def policy(*event_types: str, name: str = "p", targets: Any = (), **options: Any) -> Policy:
    return AlertPolicies.model_validate(
        {
            "alert_policies": [
                {
                    "name": name,
                    "enabled": True,
                    "event_types": list(event_types),
                    "alert_targets": list(targets),
                    "notification_service": {"log": {}},
                    "policy_options": options,
                }
            ]
        }
    ).alert_policies[0]


class Watcher:
    """Passes over an instance, and what they have put into the outbox."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        database: Database,
        *policies: Policy,
        timing: Timing = TIMING,
    ) -> None:
        # seconds since 1970; None: the time of the machine
        self.now: float | None = None
        self.collector = Collector(
            instance, database, policies, alert_channel="#a", ui_url="", timing=timing,
            clock=lambda: self.now or time.time(),
        )  # fmt: skip
        self.database = database
        self.look()

    def look(self) -> list[tuple[str, str, bool]]:
        """What a pass would report: event type, subject and whether it is over."""
        self.collector.collect(until=float("inf"))
        return [(row.event_type, row.subject, row.recovered_at is not None) for row in self.rows()]

    def rows(self) -> list[Any]:
        with self.database.transaction() as connection:
            return list(connection.execute(sa.select(INCIDENTS).order_by(INCIDENTS.c.id)))

    def first(self) -> Alert:
        return Alert.from_json(self.rows()[0].facts)
