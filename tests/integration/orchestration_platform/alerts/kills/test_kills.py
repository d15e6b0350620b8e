"""kill -9 at every stage of a delivery: nothing is lost and nothing comes twice."""

import random
import signal
from collections import Counter
from functools import partial
from itertools import cycle, islice

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch, send_all
from tests.integration.orchestration_platform.alerts.dying import (
    NO_OVERLAP,
    POINTS,
    Nursery,
    nursery,
)
from tests.integration.orchestration_platform.alerts.recorded_failures import (
    RecordedFailure,
    job_names,
)
from tests.support.failing_jobs import fail

from sandboxes.slack.server import TOKEN, SlackServer

# `make bench` kills 200.
KILLS = 42
# Of one pass, from its beginning; few live longer.
LONGEST_LIFE_SECONDS = 0.15


def kill_at_every_stage(
    instance: dg.DagsterInstance, slack: SlackServer, killed: Nursery, *, kills: int
) -> Counter[str]:
    """Kill so many passes, each with a new failure to report; returns how many died at each stage.

    Every tenth time Slack accepts a message and the answer never arrives.
    """
    failure = RecordedFailure(instance, fail(instance))
    chance = random.Random(5)
    deaths: Counter[str] = Counter()
    names = islice(job_names(), kills)
    for number, (name, stage) in enumerate(zip(names, cycle([*POINTS, "at any time"]))):
        failure.store(instance, name)
        # without an answer there is none that could be recorded
        if number % 10 == 9 and stage != "before the answer is recorded":
            slack.faults.append("accept_and_drop")
        if stage in POINTS:
            code = killed.run(point=stage)
        else:
            code = killed.run(after=chance.uniform(0.0, LONGEST_LIFE_SECONDS))
        deaths[stage] += code == -signal.SIGKILL
    return deaths


def reported(slack: SlackServer) -> Counter[str]:
    """How many messages there are about each job that has one."""
    return Counter(head.shown.split("`")[1] for head in slack.heads)


def test_passes_that_are_killed_at_every_stage_lose_nothing_and_double_nothing(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = partial(watch, **NO_OVERLAP)
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        deaths = kill_at_every_stage(instance, slack, killed, kills=KILLS)
    # one that is killed at any time may have come to its end
    assert all(deaths[stage] == KILLS // (len(POINTS) + 1) for stage in POINTS), deaths
    assert deaths["at any time"] > 0
    send_all(watch)
    assert reported(slack) == Counter(
        {"plain_job": 1, **dict.fromkeys(islice(job_names(), KILLS), 1)}
    )
    assert [len(slack.thread(head)) for head in slack.heads] == [1] * (KILLS + 1)
