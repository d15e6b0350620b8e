"""A storm of failures costs few messages, and all of it is accounted for."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.delivery import queue, settle
from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.deduplication import record_failure
from orchestration_platform.alerts.outbox.messages import HEAD
from orchestration_platform.alerts.outbox.state import outbox_state
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import Policy, load_policies
from orchestration_platform.alerts.services.protocol.destination import Destination

START = 1_000_000.0
SECONDS = 300
KINDS = [f"job_{chr(97 + n // 10)}{chr(97 + n % 10)}" for n in range(40)]
A_SECOND = 4
# a call a second, or a little less, because a second is simulated at a time
TIMING = Timing(pace=0.95)


class Storm:
    """Failures as they come, and a channel that takes a message a second."""

    def __init__(self, directory: Path) -> None:
        self.database = Database(f"sqlite:///{directory / 'alerts.db'}")
        self.policy: Policy = load_policies()[0]
        self.failures = 0
        # seconds from the start at which each call was made
        self.calls: list[int] = []

    def pass_second(self, second: int, kinds: list[str]) -> None:
        """One of each of ``kinds`` fails, then a call may be made."""
        now = START + second
        with self.database.transaction() as connection:
            for job in kinds:
                record_failure(
                    connection,
                    self.policy,
                    failure(self.failures, subject=job, job_name=job, at=now),
                    destination=Destination("slack", "#alerts"),
                    ui_url="",
                    will_be_retried=False,
                    now=now,
                )
                self.failures += 1
            claim = queue.claim_next(connection, now=now, descriptions={}, timing=TIMING)
            if claim:
                self.calls.append(second)
                settle.record_delivery(
                    connection,
                    claim,
                    reference=str(self.failures),
                    place="C1",
                    version=claim.version,
                    now=now,
                )

    def undelivered(self) -> tuple[int, int]:
        """Messages that are out of date, and those that wait."""
        out_of_date = (
            sa.select(sa.func.count())
            .select_from(MESSAGES.join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id))
            .where(MESSAGES.c.kind == HEAD, MESSAGES.c.sent_version < INCIDENTS.c.version)
        )
        with self.database.transaction() as connection:
            return connection.execute(out_of_date).scalar_one(), outbox_state(connection).waiting

    def counted(self) -> int:
        """Failures that the incidents have counted."""
        with self.database.transaction() as connection:
            return connection.execute(sa.select(sa.func.sum(INCIDENTS.c.occurrences))).scalar_one()


def evenly(second: int) -> list[str]:
    first = second * A_SECOND
    return [KINDS[number % len(KINDS)] for number in range(first, first + A_SECOND)]


def in_bursts(spacing: int) -> Callable[[int], list[str]]:
    return lambda second: [] if second % spacing else KINDS


@pytest.mark.parametrize(
    "kinds_at",
    [evenly, *map(in_bursts, (20, 40, 60, 75, 90, 120))],
    ids=["evenly", "20 s", "40 s", "60 s", "75 s", "90 s", "120 s"],
)
def test_a_storm_of_five_minutes_is_reported_in_120_calls_within_three_minutes(
    kinds_at: Callable[[int], list[str]], tmp_path: Path
) -> None:
    storm = Storm(tmp_path)
    last = max(second for second in range(SECONDS) if kinds_at(second))
    for second in range(last + 181):
        storm.pass_second(second, kinds_at(second) if second <= last else [])
    assert storm.counted() == storm.failures
    assert storm.undelivered() == (0, 0)
    assert len(storm.calls) <= 120


@pytest.mark.parametrize("kinds", [1, 4])
def test_few_failures_are_brought_up_to_date_after_half_a_minute_each_time(
    kinds: int, tmp_path: Path
) -> None:
    storm = Storm(tmp_path)
    for second in range(130):
        storm.pass_second(second, KINDS[:kinds] if second in (0, 20, 80) else [])
    # two calls for each message and its trace, then one after each repeat
    updates = storm.calls[2 * kinds :]
    assert [updates[0], updates[kinds]] == [50, 110]
    assert len(updates) == 2 * kinds
