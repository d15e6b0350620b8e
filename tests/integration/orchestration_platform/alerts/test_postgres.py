"""The whole way from the event log to Slack where Dagster keeps everything in Postgres."""

import shlex
import time
from collections import Counter
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import sqlalchemy
from sqlalchemy.exc import OperationalError
from tests.integration.orchestration_platform.alerts.conftest import (
    Watch,
    send_all,
)
from tests.integration.orchestration_platform.alerts.databases import Postgres, pg_ctl
from tests.integration.orchestration_platform.alerts.dying import (
    NO_OVERLAP,
    POINTS,
    nursery,
)
from tests.integration.orchestration_platform.alerts.kills.test_kills import (
    kill_at_every_stage,
    reported,
)
from tests.integration.orchestration_platform.alerts.recorded_failures import (
    RecordedFailure,
    job_names,
)
from tests.support.failing_jobs import fail, other_job, say

from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox.database import database_url
from sandboxes.slack.server import TOKEN, SlackServer
from sandboxes.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.parametrize("instance", ["postgres"], indirect=True)

FAILURES = 6
KILLS = 2 * (len(POINTS) + 1)

_TAKEN_AWAY = """
delete from event_logs where run_id = %s and dagster_event_type = 'PIPELINE_FAILURE'
returning run_id, event, dagster_event_type, timestamp
"""
_PUT_BACK = """
insert into event_logs (run_id, event, dagster_event_type, timestamp) values (%s, %s, %s, %s)
"""


def test_the_outbox_is_in_the_database_of_the_instance_and_notifies_once(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    assert not list(Path(instance.root_directory).glob("alerts.db*"))
    say(instance, "bad")
    say(instance, "bad")
    fail(instance, other_job)
    assert watch().failures == 3
    assert watch().failures == 0
    assert reported(slack) == {"told_job": 1, "other_job": 1}
    assert "failed 2 times" in slack.heads[0].shown
    say(instance, None)
    watch()
    assert ["(recovered)" in head.shown for head in slack.heads] == [True, False]


def test_a_pass_keeps_one_connection_to_its_end(
    instance: dg.DagsterInstance, memory: Memory, watch: Watch
) -> None:
    engine = memory.database_of(instance)._engine
    opened: list[object] = []
    sqlalchemy.event.listen(
        engine, "connect", lambda connection, _record: opened.append(connection)
    )
    fail(instance)
    assert watch().failures == 1
    assert len(opened) == 1
    assert engine.pool.status().startswith("Pool size: 1  Connections in pool: 0")
    # a pass of a process that has kept one while the server was restarted
    with engine.connect() as connection:
        [process] = connection.execute(sqlalchemy.text("select pg_backend_pid()")).one()
    with psycopg.connect(engine.url.render_as_string(hide_password=False)) as other:
        other.execute("select pg_terminate_backend(%s, 5000)", [process])
    assert watch().failures == 0
    assert len(opened) == 3


def test_an_event_of_a_transaction_that_commits_late_is_reported(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    failure = RecordedFailure(instance, fail(instance))
    watch()
    late = failure.store(instance, "late_job")
    address = sqlalchemy.make_url(database_url(instance))
    with psycopg.connect(address.render_as_string(hide_password=False)) as other:
        with psycopg.connect(address.render_as_string(hide_password=False)) as ours:
            [row] = ours.execute(_TAKEN_AWAY, (late,)).fetchall()
        other.execute(_PUT_BACK, row)
        failure.store(instance, "prompt_job")
        assert watch().failures == 1
        assert reported(slack) == {"plain_job": 1, "prompt_job": 1}
        other.commit()
    assert watch().failures == 1
    assert watch().failures == 0
    assert reported(slack) == {"plain_job": 1, "prompt_job": 1, "late_job": 1}


def test_a_database_that_is_restarted_in_mid_delivery_loses_nothing_and_doubles_nothing(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failure = RecordedFailure(instance, fail(instance))
    names = list(islice(job_names(), FAILURES))
    for name in names:
        failure.store(instance, name)
    files = postgres.files
    options = shlex.join(shlex.split((files / "postmaster.opts").read_text())[1:])
    stops_after = [3, 8]
    answer = slack.answer

    def answer_and_stop(*arguments: Any) -> Any:
        """The database goes away between what Slack has accepted and the record of it."""
        done = answer(*arguments)
        if stops_after and len(slack.messages) == stops_after[0]:
            stops_after.pop(0)
            pg_ctl(files, "stop", "-m", "immediate")
        return done

    monkeypatch.setattr(slack, "answer", answer_and_stop)
    until = time.monotonic() + PATIENCE_SECONDS
    restarts, waiting = 0, 1
    while waiting:
        assert time.monotonic() < until
        try:
            waiting = watch(seconds=2.0).outbox.waiting
        except OperationalError:
            pg_ctl(files, "start", "-o", options)
            restarts += 1
    assert (restarts, stops_after) == (2, [])
    assert reported(slack) == Counter(["plain_job", *names])
    assert [len(slack.thread(head)) for head in slack.heads] == [1] * (FAILURES + 1)


def test_passes_that_are_killed_on_postgres_lose_nothing_and_double_nothing(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch = partial(watch, **NO_OVERLAP)
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        deaths = kill_at_every_stage(instance, slack, killed, kills=KILLS)
    assert all(deaths[stage] == 2 for stage in POINTS), deaths
    send_all(watch)
    assert reported(slack) == Counter(["plain_job", *islice(job_names(), KILLS)])
    assert [len(slack.thread(head)) for head in slack.heads] == [1] * (KILLS + 1)
