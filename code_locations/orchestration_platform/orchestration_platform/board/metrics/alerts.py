"""Metrics of incidents and of the outbox."""

from collections import Counter
from collections.abc import Iterable, Sequence

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.board.alerting import Alerting
from orchestration_platform.board.attention import Attention
from orchestration_platform.board.metrics.metric import Family, Metric

INCIDENTS = Metric(
    "dagster_incidents_open",
    "Open incidents, by severity and whether somebody has them",
    ("severity", "acknowledged"),
)
WAITING = Metric("dagster_alerts_waiting", "Messages that may be sent and are not delivered")
HELD = Metric("dagster_alerts_held", "Messages that wait for the end of quiet hours")
OUTDATED = Metric("dagster_alerts_outdated", "Delivered messages that wait for their update")
OLDEST = Metric(
    "dagster_alert_oldest_waiting_timestamp_seconds",
    "Since when the oldest message or update has been due; without a value if none is",
)
MESSAGES = Metric(
    "dagster_alert_recent_messages",
    "Messages of 30 days: waiting, delivered, suppressed or failed",
    ("destination", "state"),
)
ACKNOWLEDGE = Metric(
    "dagster_incident_acknowledge_seconds", "Median time of 30 days until somebody had an incident"
)
RECOVER = Metric("dagster_incident_recover_seconds", "Median time of 30 days until it was over")
ATTENTION = Metric(
    "dagster_attention", "Things that need attention on the board", ("kind", "health")
)
METRICS = (
    INCIDENTS, WAITING, HELD, OUTDATED, OLDEST, MESSAGES, ACKNOWLEDGE, RECOVER, ATTENTION
)  # fmt: skip


def families(alerts: Alerting) -> Iterable[Family]:
    """Yield the metrics of the alerts."""
    incidents = INCIDENTS.family()
    found = Counter((item.severity, bool(item.acknowledged_by)) for item in alerts.incidents)
    for severity in Severity:
        for is_taken, word in ((True, "yes"), (False, "no")):
            incidents.add_metric([severity.value, word], found[severity.value, is_taken])
    messages = MESSAGES.family()
    for (destination, state), number in sorted(alerts.by_destination.items()):
        messages.add_metric([destination, state], number)
    yield from (incidents, messages)
    for metric, value in (
        (WAITING, alerts.outbox.waiting),
        (HELD, alerts.outbox.held),
        (OUTDATED, alerts.outbox.outdated),
        (OLDEST, alerts.outbox.pending_since),
        (ACKNOWLEDGE, alerts.acknowledge_seconds),
        (RECOVER, alerts.recover_seconds),
    ):
        family = metric.family()
        if value is not None:
            family.add_metric([], value)
        yield family


def attention_families(attention: Sequence[Attention]) -> Iterable[Family]:
    """Yield how many things need attention."""
    family = ATTENTION.family()
    found = Counter((item.kind, item.health.name.lower()) for item in attention)
    for (kind, health), number in sorted(found.items()):
        family.add_metric([kind, health], number)
    yield family
