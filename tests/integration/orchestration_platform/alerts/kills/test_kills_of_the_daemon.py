"""kill -9 of the daemon itself, at every stage of a delivery: none is lost, none comes twice."""

from collections import Counter
from itertools import cycle, islice

import dagster as dg
from tests.integration.orchestration_platform.alerts.conftest import QUICK
from tests.integration.orchestration_platform.alerts.dying import POINTS
from tests.integration.orchestration_platform.alerts.dying_daemon import (
    LONGEST_LIFE_SECONDS,
    DyingDaemon,
)
from tests.integration.orchestration_platform.alerts.kills.test_kills import reported
from tests.integration.orchestration_platform.alerts.recorded_failures import (
    RecordedFailure,
    job_names,
)
from tests.support.failing_jobs import fail

from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.state import outbox_state
from orchestration_platform.alerts.sources.collect import last_pass_at
from sandboxes.slack.server import SlackServer


def kill_the_daemon(
    instance: dg.DagsterInstance, slack: SlackServer, *, kills: int, timing: Timing
) -> None:
    """Kill it so often, at each stage in turn, each time with a new failure to report.

    Every tenth time Slack accepts a message and the answer never arrives. In the end it lives until
    nothing waits.
    """
    database = Database(database_url(instance))

    def last_pass() -> float | None:
        with database.transaction() as connection:
            return last_pass_at(connection)

    def is_all_reported() -> bool:
        with database.transaction() as connection:
            return outbox_state(connection).waiting == 0

    daemon = DyingDaemon(instance, slack.url, timing)
    daemon.live(until=lambda: last_pass() is not None)
    failure = RecordedFailure(instance, fail(instance))
    for number, (name, stage) in enumerate(zip(islice(job_names(), kills), cycle(POINTS))):
        failure.store(instance, name)
        # without an answer there is none that could be recorded
        if number % 10 == 9 and stage != "before the answer is recorded":
            slack.faults.append("accept_and_drop")
        daemon.live(point=stage)
    # the last one may have died before it had anything wait
    before = last_pass()
    daemon.live(
        until=lambda: last_pass() != before and is_all_reported(),
        # few got further than one message, of one or two a second
        seconds=LONGEST_LIFE_SECONDS + 5 * kills,
    )


def test_a_daemon_that_is_killed_at_every_stage_loses_nothing_and_doubles_nothing(
    instance: dg.DagsterInstance, slack: SlackServer
) -> None:
    kill_the_daemon(instance, slack, kills=len(POINTS), timing=QUICK)
    names = ["plain_job", *islice(job_names(), len(POINTS))]
    assert reported(slack) == Counter(names)
    assert [len(slack.thread(head)) for head in slack.heads] == [1] * len(names)
