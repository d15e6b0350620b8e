"""Alerts: a storm of failures, the speed of reading them, and passes that are killed.

A run fails once, and the rows that Dagster stored for it are stored again under other names.
Dagster and the outbox are in Postgres, as in production. Slack is the tests' stand-in, which allows
one message a second, and the clock is the real one.
"""

import itertools
import multiprocessing
import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import dagster as dg
import sqlalchemy as sa
import yaml

from shared_lib.configuration.environment import REPOSITORY_ROOT

if TYPE_CHECKING:
    from orchestration_platform.alerts.memory import Memory
    from sandboxes.slack.server import SlackServer

STORM_FAILURES = 10_000
STORM_KINDS = 40
STORM_SECONDS = 300.0
# The sensor's interval.
INTERVAL_SECONDS = 10.0
LONGEST_AFTER_STORM_SECONDS = 300.0
READ_FAILURES = 1_000
KILLS = 200

_KIB = 1024


class AlertsLostError(RuntimeError):
    """Some failures were not delivered."""


@dataclass(frozen=True)
class AlertFigures:
    """Alerts: a storm, reading, and passes that are killed.

    Attributes:
        storm_failures: how many there were.
        storm_seconds: from the first to the last of them.
        storm_counted: how many of them the alerts had counted at the end.
        delivered_after_seconds: from the last failure until every message was complete, or until
            the wait was abandoned after ``LONGEST_AFTER_STORM_SECONDS``.
        slack_calls: posts and updates.
        longest_pass_seconds: the longest pass meanwhile.
        read_per_second: failures that one pass takes from the log into the outbox.
        kib_per_1000_failures: what the storm added to the tables and indexes of the alerts.
        kills: passes that were killed, at each stage in turn.
        lost: failures that were never delivered.
        doubled: surplus messages.
        kill_seconds: the total for the kills, including the passes afterwards.
    """

    storm_failures: int
    storm_seconds: float
    storm_counted: int
    delivered_after_seconds: float
    slack_calls: int
    longest_pass_seconds: float
    read_per_second: float
    kib_per_1000_failures: float
    kills: int
    lost: int
    doubled: int
    kill_seconds: float


def measure_alerts(
    *, failures: int = STORM_FAILURES, seconds: float = STORM_SECONDS, kills: int = KILLS
) -> AlertFigures:
    """Measure; a whole storm and its aftermath take seven minutes."""
    with postgres_instance() as instance:
        figures: dict[str, Any] = _measure_reading(instance)
        figures |= _measure_storm(instance, failures=failures, seconds=seconds)
    with sqlite_instance() as instance:
        figures |= _measure_kills(instance, kills=kills)
    return AlertFigures(**figures)


def _measure_reading(instance: dg.DagsterInstance) -> dict[str, Any]:
    from orchestration_platform.alerts.policies.policy import load_policies
    from orchestration_platform.alerts.sources.collect import Collector

    collector = Collector(instance, _outbox(instance), load_policies()[:1], "#alerts", "")
    stored = _StoredFailure.of_new_run(instance)
    collector.collect(until=float("inf"))
    _store(stored, failures=READ_FAILURES, seconds=0.0)
    started = time.perf_counter()
    found = collector.collect(until=float("inf"))
    taken = time.perf_counter() - started
    if found != READ_FAILURES:
        raise AlertsLostError(f"{found} of {READ_FAILURES} failures were read: {collector.errors}")
    _forget_everything(instance)
    return {"read_per_second": found / taken}


def _measure_storm(
    instance: dg.DagsterInstance, *, failures: int, seconds: float
) -> dict[str, Any]:
    from orchestration_platform.alerts.memory import Memory
    from sandboxes.slack.server import slack_server

    stored, memory = _StoredFailure.of_new_run(instance), Memory()
    with slack_server() as slack:
        _pass(instance, slack.url, memory)
        before = _table_bytes(instance)
        context = multiprocessing.get_context("spawn")
        storm = context.Process(target=_store, args=(stored, failures, seconds))
        started = time.monotonic()
        storm.start()
        ended: float | None = None
        longest = 0.0
        while ended is None or not _is_all_delivered(instance, failures):
            if ended is None and not storm.is_alive():
                ended = time.monotonic()
            if ended and time.monotonic() - ended > LONGEST_AFTER_STORM_SECONDS:
                # the figures show how far it got
                break
            began = time.monotonic()
            _pass(instance, slack.url, memory)
            longest = max(longest, time.monotonic() - began)
            while time.monotonic() - began < INTERVAL_SECONDS and not (
                ended and _is_all_delivered(instance, failures)
            ):
                time.sleep(0.5)
        delivered_after = time.monotonic() - ended
        storm.join()
        calls = slack.calls["chat.postMessage"] + slack.calls["chat.update"]
    return {
        "storm_failures": failures,
        "storm_seconds": ended - started,
        "storm_counted": _counted(instance),
        "delivered_after_seconds": delivered_after,
        "slack_calls": calls,
        "longest_pass_seconds": longest,
        "kib_per_1000_failures": (_table_bytes(instance) - before) / _KIB / failures * 1000,
    }


def _measure_kills(instance: dg.DagsterInstance, *, kills: int) -> dict[str, Any]:
    from tests.integration.orchestration_platform.alerts.dying import nursery
    from tests.integration.orchestration_platform.alerts.kills.test_kills import kill_at_every_stage

    from sandboxes.slack.server import TOKEN, slack_server

    started = time.perf_counter()
    with (
        slack_server(seconds_between_messages=0.0) as slack,
        nursery(instance.root_directory, slack.url, TOKEN) as killed,
    ):
        deaths = kill_at_every_stage(instance, slack, killed, kills=kills)
        killed.run()
        while _waiting(instance):
            killed.run()
        lost, doubled = lost_and_doubled(slack, kills=kills)
    return {
        "kills": deaths.total(),
        "lost": lost,
        "doubled": doubled,
        "kill_seconds": time.perf_counter() - started,
    }


def lost_and_doubled(slack: "SlackServer", *, kills: int) -> tuple[int, int]:
    """Return how many failures were never delivered, and how many messages are surplus.

    Each failure should have one message, with one entry in its thread.
    """
    from tests.integration.orchestration_platform.alerts.kills.test_kills import reported
    from tests.integration.orchestration_platform.alerts.recorded_failures import job_names

    found = reported(slack)
    counts = [found[name] for name in ("plain_job", *itertools.islice(job_names(), kills))]
    counts += [len(slack.thread(head)) for head in slack.heads]
    return counts.count(0), sum(max(count - 1, 0) for count in counts)


@dataclass(frozen=True)
class _StoredFailure:
    """The rows that Dagster stored for a failed run, and where."""

    address: str
    run: Sequence[Any]
    events: Sequence[Sequence[Any]]

    @classmethod
    def of_new_run(cls, instance: dg.DagsterInstance) -> "_StoredFailure":
        """Let a run fail."""
        import psycopg2
        from tests.support.failing_jobs import fail

        from orchestration_platform.alerts.outbox.database import database_url

        run_id = fail(instance)
        address = database_url(instance)
        with psycopg2.connect(address) as connection, connection.cursor() as cursor:
            cursor.execute(_STORED_RUN, (run_id,))
            [run] = cursor.fetchall()
            cursor.execute(_STORED_EVENTS, (run_id,))
            return cls(address, run, cursor.fetchall())


def _store(stored: _StoredFailure, failures: int, seconds: float) -> None:
    """Store failures of ``STORM_KINDS`` kinds, spread over the seconds; perhaps in a process.

    Dagster opens about ten connections to the database for each failure, so a machine of this size
    cannot produce such a storm. So rows that it stored once are stored again under other names.
    """
    import psycopg2
    from tests.integration.orchestration_platform.alerts.recorded_failures import job_names

    kinds = list(itertools.islice(job_names(), STORM_KINDS))
    with psycopg2.connect(stored.address) as connection, connection.cursor() as cursor:
        started = time.monotonic()
        for number in range(failures):
            wait = started + seconds * number / failures - time.monotonic()
            if wait > 0:
                time.sleep(wait)
            names = {stored.run[0]: str(uuid.uuid4()), "plain_job": kinds[number % len(kinds)]}
            cursor.execute(_STORE_RUN, [_renamed(value, names) for value in stored.run])
            for event in stored.events:
                cursor.execute(_STORE_EVENT, [_renamed(value, names) for value in event])
            connection.commit()


_STORED_RUN = """
select run_id, pipeline_name, status, run_body, start_time, end_time from runs where run_id = %s
"""
_STORE_RUN = """
insert into runs (run_id, pipeline_name, status, run_body, start_time, end_time)
values (%s, %s, %s, %s, %s, %s)
"""
_STORED_EVENTS = """
select run_id, event, dagster_event_type, timestamp, step_key from event_logs
where run_id = %s and dagster_event_type in ('STEP_FAILURE', 'PIPELINE_FAILURE') order by id
"""
_STORE_EVENT = """
insert into event_logs (run_id, event, dagster_event_type, timestamp, step_key)
values (%s, %s, %s, %s, %s)
"""


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
    return value


def _pass(instance: dg.DagsterInstance, slack_url: str, memory: "Memory") -> None:
    from orchestration_platform.alerts.policies.policy import load_policies
    from orchestration_platform.alerts.run_pass import run_pass
    from orchestration_platform.alerts.services.registry import Services
    from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
    from shared_lib.secrets import SecretsResource

    run_pass(
        instance,
        policies=load_policies()[:1],
        memory=memory,
        services=Services(
            SecretsResource(location="orchestration_platform"), SlackWebApi(api_url=slack_url)
        ),
    )


def _is_all_delivered(instance: dg.DagsterInstance, failures: int) -> bool:
    """Return whether every failure was counted and every message says so."""
    from orchestration_platform.alerts.outbox.messages import HEAD
    from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES

    is_behind = (MESSAGES.c.kind == HEAD) & (MESSAGES.c.sent_version < INCIDENTS.c.version)
    joined = MESSAGES.join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
    query = sa.select(sa.func.count()).select_from(joined).where(is_behind)
    with _outbox(instance).transaction() as connection:
        behind = connection.execute(query).scalar_one()
    return behind == 0 and not _waiting(instance) and _counted(instance) == failures


def _waiting(instance: dg.DagsterInstance) -> int:
    from orchestration_platform.alerts.outbox.messages import WAITING
    from orchestration_platform.alerts.outbox.tables import MESSAGES

    query = sa.select(sa.func.count()).where(MESSAGES.c.state == WAITING)
    with _outbox(instance).transaction() as connection:
        return connection.execute(query).scalar_one()


def _counted(instance: dg.DagsterInstance) -> int:
    from orchestration_platform.alerts.outbox.tables import INCIDENTS

    with _outbox(instance).transaction() as connection:
        query = sa.select(sa.func.sum(INCIDENTS.c.occurrences))
        return connection.execute(query).scalar() or 0


def _table_bytes(instance: dg.DagsterInstance) -> int:
    from orchestration_platform.alerts.outbox.tables import METADATA

    with _outbox(instance).transaction() as connection:
        return sum(
            connection.execute(sa.select(sa.func.pg_total_relation_size(name))).scalar_one()
            for name in METADATA.tables
        )


def _forget_everything(instance: dg.DagsterInstance) -> None:
    from orchestration_platform.alerts.outbox.tables import METADATA

    with _outbox(instance).transaction() as connection:
        names = ", ".join(METADATA.tables)
        connection.execute(sa.text(f"truncate {names}"))


def _outbox(instance: dg.DagsterInstance) -> Any:
    from orchestration_platform.alerts.outbox.database import Database, database_url

    return Database(database_url(instance))


@contextmanager
def postgres_instance() -> Iterator[dg.DagsterInstance]:
    """Yield an instance with production's storage, on its own Postgres server."""
    from sandboxes.postgres import PASSWORD, postgres_server

    production = yaml.safe_load((REPOSITORY_ROOT / "deploy" / "dagster.yaml").read_text("utf-8"))
    kept = {name: production[name] for name in ("storage", "run_retries", "telemetry")}
    with postgres_server() as port:
        variables = {
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": str(port),
            "DAGSTER_POSTGRES_USER": "postgres",
            "PGPASSWORD": PASSWORD,
            "DAGSTER_POSTGRES_DB": "postgres",
        }
        with _instance(kept, variables) as instance:
            yield instance


@contextmanager
def sqlite_instance() -> Iterator[dg.DagsterInstance]:
    """Yield an instance with the shipped storage, in files."""
    shipped = yaml.safe_load((REPOSITORY_ROOT / "dagster.local.yaml").read_text("utf-8"))
    kept = {name: shipped[name] for name in ("storage", "run_retries", "telemetry")}
    with _instance(kept, {}) as instance:
        yield instance


@contextmanager
def _instance(
    settings: Mapping[str, Any], variables: Mapping[str, str]
) -> Iterator[dg.DagsterInstance]:
    from sandboxes.slack.server import TOKEN

    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        (Path(home) / "dagster.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        environment = {
            "DAGSTER_HOME": home,
            "DAGSTER_ENVIRONMENT": "ci",
            "ORCHESTRATION_PLATFORM_SLACK__TOKEN": TOKEN,
            **variables,
        }
        with mock.patch.dict(os.environ, environment), dg.DagsterInstance.get() as instance:
            yield instance
