"""To ask who has acknowledged messages may not keep other messages waiting."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.delivery.acknowledgements import find_acknowledgements
from orchestration_platform.alerts.delivery.escalation import (
    MOST_CALLS_IN_A_PASS,
    MOST_IN_A_PASS,
    Escalation,
)
from orchestration_platform.alerts.facts.timing import TIMING, Clock
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.deduplication import record_failure
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError

CHANNELS = 12


class StoppedClock(Clock):
    """Only calls take time."""

    time = 0.0

    def now(self) -> float:
        return self.time


@dataclass
class Slack:
    """Answers each call after ``seconds``, with nobody or with an error."""

    clock: StoppedClock
    seconds: float = 0.0
    answers: bool = True
    asked: list[Destination] = field(default_factory=list)

    def acknowledged_by(
        self, destination: Destination, *, message_id: str, place: str
    ) -> tuple[str, ...] | None:
        assert (message_id, place) == ("1.0", "")
        self.asked.append(destination)
        self.clock.time += self.seconds
        if not self.answers:
            raise ServiceUnavailableError("Slack did not answer: timeout")
        return None


@pytest.fixture
def policy() -> Policy:
    options = {"escalate_after": "30min", "escalation_service": {"log": {}}}
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"slack": {}},
        "policy_options": options,
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).alert_policies[0]


@pytest.fixture
def ask(tmp_path: Path, policy: Policy) -> Callable[[Slack], Escalation]:
    """A pass that asks about an incident in each of many channels, all of them to be escalated."""
    database, now = Database(f"sqlite:///{tmp_path / 'alerts.db'}"), time.time()
    with database.transaction() as connection:
        for number in range(CHANNELS):
            record_failure(
                connection,
                policy,
                failure(number, subject=f"job_{'x' * number}", at=now, trace=""),
                destination=Destination("slack", f"#{number}"),
                ui_url="",
                will_be_retried=False,
                now=now,
            )
        connection.execute(sa.update(MESSAGES).values(state="delivered", reference="1.0"))
        connection.execute(sa.update(INCIDENTS).values(escalates_at=now - 1.0))

    def run(slack: Slack) -> Escalation:
        timing = replace(TIMING, clock=slack.clock)
        escalation = Escalation(database, slack, [policy], "#a", timing=timing)
        escalation.escalate_due()
        find_acknowledgements(escalation)
        return escalation

    return run


def test_a_service_that_does_not_answer_is_asked_once_in_a_pass(
    ask: Callable[[Slack], Escalation],
) -> None:
    slack = Slack(StoppedClock(), answers=False)
    escalation = ask(slack)
    assert len(slack.asked) == 1
    assert "timeout" in escalation.problems[0]


def test_what_is_to_be_escalated_leaves_no_calls_to_what_is_not(
    ask: Callable[[Slack], Escalation],
) -> None:
    slack = Slack(StoppedClock())
    ask(slack)
    assert len(slack.asked) == MOST_IN_A_PASS
    # the others are due now
    ask(slack)
    assert set(slack.asked) == {Destination("slack", f"#{number}") for number in range(CHANNELS)}
    # six passes a minute, and Slack allows 50 calls
    assert len(slack.asked) - MOST_IN_A_PASS <= MOST_CALLS_IN_A_PASS
    assert 6 * MOST_CALLS_IN_A_PASS <= 50


def test_a_slow_service_takes_a_few_seconds_of_a_pass(
    ask: Callable[[Slack], Escalation],
) -> None:
    slack = Slack(StoppedClock(), seconds=3.0)
    ask(slack)
    assert len(slack.asked) == 2
