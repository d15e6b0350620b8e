"""Two processes that deliver at once: what one of them sends the other does not."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.delivery import queue, settle
from orchestration_platform.alerts.delivery.sender import Sender
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.outbox import deduplication
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.deduplication import record_failure
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import Policy, load_policies
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service

NOW = 1_000_000.0


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'alerts.db'}")


def record(database: Database, policy: Policy, *, will_be_retried: bool = False) -> None:
    with database.transaction() as connection:
        record_failure(
            connection,
            policy,
            failure(at=NOW, trace=""),
            destination=Destination("slack", "#alerts"),
            ui_url="",
            will_be_retried=will_be_retried,
            now=NOW,
        )


@dataclass
class SlowToFind(Service):
    """Somebody else delivers while it looks for a message."""

    meanwhile: list[Sender] = field(default_factory=list)
    posted: list[str] = field(default_factory=list)

    def at(self, destination: Destination) -> Service:  # noqa: ARG002 - as services have it
        return self

    def find(self, notification: Notification, *, since: float, place: str) -> Receipt | None:  # noqa: ARG002 - as a service has it
        found = Receipt("1.0", "C1") if notification.key in self.posted else None
        while self.meanwhile:
            self.meanwhile.pop().send_due(until=float("inf"))
        return found

    def post(self, notification: Notification) -> Receipt:
        self.posted.append(notification.key)
        return Receipt("1.0", "C1")


def test_a_process_that_has_looked_too_long_does_not_send_what_another_has_sent(
    database: Database,
) -> None:
    record(database, load_policies()[0])
    with database.transaction() as connection:
        connection.execute(sa.update(MESSAGES).values(unsure=True))
    service = SlowToFind()
    # so that the other one takes this one for dead
    timing = Timing(claim=-1.0, pace=0.0)
    slow, quick = (
        Sender(database, service, environment="ci", ui_url="", timing=timing) for _ in range(2)
    )
    service.meanwhile.append(quick)
    assert slow.send_due(until=float("inf")) == 0
    assert len(service.posted) == 1


def test_the_result_of_a_claim_that_another_process_has_taken_is_not_recorded(
    database: Database,
) -> None:
    record(database, load_policies()[0])
    late = NOW + TIMING.claim + 1
    with database.transaction() as connection:
        first = queue.claim_next(connection, now=NOW, descriptions={})
        assert first is not None
        assert queue.renew(connection, first, now=NOW)
        assert queue.claim_next(connection, now=NOW + 2, descriptions={}) is None
        second = queue.claim_next(connection, now=late, descriptions={})
        assert second is not None
        assert second.is_unsure
        assert not queue.renew(connection, first, now=late)
        settle.record_delivery(connection, second, reference="1.0", place="C1", version=1, now=late)
        settle.record_refusal(connection, first, reason="late")
        settle.record_disappearance(connection, first)
        settle.record_pause(
            connection, first, reason="late", retry_after=None, is_unsure=True, now=late
        )
        [row] = connection.execute(sa.select(MESSAGES)).mappings()
    assert (row["state"], row["reference"], row["plain"], row["unsure"]) == (
        "delivered", "1.0", False, False,
    )  # fmt: skip


def test_a_failure_that_two_processes_release_is_one(database: Database) -> None:
    policy, *_ = load_policies()
    options = policy.policy_options.model_copy(update={"announce": "retries_exhausted"})
    policy = policy.model_copy(update={"policy_options": options})
    record(database, policy, will_be_retried=True)
    with database.transaction() as connection:
        [held] = deduplication.held_failures(connection)
    for _ in range(2):
        with database.transaction() as connection:
            deduplication.release(
                connection,
                policy,
                held.id,
                held.failure,
                destination=Destination("slack", "#alerts"),
                ui_url="",
                now=NOW,
            )
    with database.transaction() as connection:
        assert connection.execute(sa.select(INCIDENTS.c.occurrences)).scalars().all() == [1]


def test_failures_that_are_read_late_go_on_with_an_incident_by_the_silence_between_them(
    database: Database,
) -> None:
    """A policy of an hour, and a log that is read again after a day."""
    [policy, *_] = load_policies()
    options = policy.policy_options.model_copy(update={"new_message_after_hours": 1.0})
    hourly = policy.model_copy(update={"policy_options": options})
    day = 86400.0
    with database.transaction() as connection:
        for number, at in enumerate((0.0, 600.0, 1200.0, 9000.0, day)):
            record_failure(
                connection,
                hourly,
                failure(number, at=NOW + at, trace=""),
                destination=Destination("slack", "#alerts"),
                ui_url="",
                will_be_retried=False,
                now=NOW + day,
            )
        query = sa.select(INCIDENTS.c.occurrences).order_by(INCIDENTS.c.id)
        assert list(connection.execute(query).scalars()) == [3, 1, 1]


def test_a_new_message_is_escalated_no_later_than_the_one_before_that_was_due(
    database: Database,
) -> None:
    """No pass has come to it, and the policy begins a new message sooner than before."""
    [policy, *_] = load_policies()
    later = {"new_message_after_hours": 1.0}
    escalating = policy.policy_options.model_copy(
        update={"escalate_after": "30min", "escalation_service": policy.notification_service}
    )
    with database.transaction() as connection:
        for at, options in ((0.0, escalating), (7200.0, escalating.model_copy(update=later))):
            record_failure(
                connection,
                policy.model_copy(update={"policy_options": options}),
                failure(int(at), at=NOW + at, trace=""),
                destination=Destination("slack", "#alerts"),
                ui_url="",
                will_be_retried=False,
                now=NOW + at,
            )
        query = sa.select(INCIDENTS.c.escalates_at).order_by(INCIDENTS.c.id)
        assert list(connection.execute(query).scalars()) == [None, NOW + 1800.0]
