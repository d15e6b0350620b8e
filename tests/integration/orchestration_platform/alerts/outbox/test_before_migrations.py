"""Databases of the alerts that were written before there were migrations.

They contain an acknowledged message, and one that Slack had not accepted yet.
"""

import multiprocessing
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import QUICK, services_with
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import policies
from tests.integration.orchestration_platform.alerts.migrating import (
    die_in_migration,
    open_together,
)
from tests.support.failing_jobs import say

from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox import database
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.migrations import MIGRATIONS
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.alerts.run_pass import run_pass
from orchestration_platform.alerts.stages import Pass
from sandboxes.slack.server import (
    TOKEN,
    Message,
    SlackServer,
)
from shared_lib.storage.migrations import LayoutError

pytestmark = on_both_databases

SPAWN = multiprocessing.get_context("spawn")
WRITTEN = Path(__file__).parent / "before_migrations"
CHANNEL = "notifications-data-platform-ci"


def load(url: str) -> None:
    """What is stored, in the database at ``url``."""
    if url.startswith("sqlite"):
        text = (WRITTEN / "alerts.sqlite.sql").read_text("utf-8")
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            connection.executescript(text)
        connection.close()
        return
    text = (WRITTEN / "alerts.postgres.sql").read_text("utf-8")
    with psycopg.connect(url) as connection:
        connection.execute(text.encode())


def read(url: str, query: str) -> list[tuple]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return found


def change(url: str, *statements: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    engine.dispose()


def add_a_column_to_each_table(url: str) -> None:
    engine = sa.create_engine(url)
    names = sa.inspect(engine).get_table_names()
    engine.dispose()
    change(url, *(f"alter table {n} add column mood text" for n in names if n.startswith("alert_")))


def prepare_for_migrations(url: str) -> None:
    """As the release before the first migration left it: with a list of migrations, but empty."""
    change(
        url,
        "create table alert_migrations (name varchar(100) not null primary key, "
        "is_additive boolean not null, applied_at float not null)",
    )


PREPARATIONS: dict[str, Callable[[str], None]] = {
    "as written": lambda _url: None,
    "of a newer release too": add_a_column_to_each_table,
    "with a list of migrations": prepare_for_migrations,
}


@pytest.fixture
def url(instance: dg.DagsterInstance, slack: SlackServer) -> str:
    """The old database, and in Slack the message that it knows."""
    url = database_url(instance)
    load(url)
    query = "select ts, key from alert_messages where kind = 'head' and ts is not null"
    [(ts, key)] = read(url, query)
    slack.messages.append(Message(ts, CHANNEL, "told_job failed", [], None, key))
    return url


@pytest.mark.parametrize("columns", PREPARATIONS)
def test_all_that_was_open_stays_open_and_is_closed_in_slack(
    columns: str,
    url: str,
    instance: dg.DagsterInstance,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", TOKEN)
    PREPARATIONS[columns](url)
    memory = Memory()

    def watch() -> Pass:
        services = services_with(slack.url)
        return run_pass(
            instance, policies=policies(), services=services, memory=memory, timing=QUICK
        )

    # which nobody acknowledged within half an hour
    assert watch().escalated == 1
    [acknowledged, waited] = [head for head in slack.heads if head.channel == CHANNEL]
    assert "other_job" in waited.shown
    assert slack.thread(waited)[0].text.startswith("Stack trace of run")
    assert "recovered" not in acknowledged.shown

    say(instance, None)
    watch()
    assert "(recovered)" in acknowledged.shown
    assert "<@U0>" in acknowledged.shown
    assert slack.thread(acknowledged)[-1].text.startswith("Recovered")
    assert "recovered" not in waited.shown


def test_a_failure_that_two_policies_had_an_incident_each_for_is_escalated_once(
    url: str, instance: dg.DagsterInstance, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", TOKEN)
    columns = (
        "fingerprint, location, subject, event_type, first_at, last_at, occurrences, facts, latest,"
        " version, changed_at, last_entry_at, escalates_at, escalations, destination"
    )
    change(
        url,
        f"insert into alert_incidents (id, policy, {columns}) "
        f"select 9, 'q', {columns} from alert_incidents where id = 2",
    )
    [first] = policies()
    both = [first, first.model_copy(update={"name": "q"})]
    memory, services = Memory(), services_with(slack.url)

    def watch() -> Pass:
        return run_pass(instance, policies=both, services=services, memory=memory, timing=QUICK)

    assert watch().escalated == 1
    assert watch().escalated == 0
    assert [head.channel for head in slack.heads].count("oncall") == 1
    # and both policies still report it
    assert set(read(url, "select policy from alert_further_policies where incident_id = 9")) == {
        ("p",), ("q",),
    }  # fmt: skip


def test_an_earlier_database_is_migrated_to_the_tables_of_a_new_one(
    url: str, tmp_path: Path
) -> None:
    Database(url).close()
    new = tmp_path / "new.db"
    Database(f"sqlite:///{new}").close()
    assert layout(url) == layout(f"sqlite:///{new}")


# Destinations of every form that the release before wrote, or that someone wrote by hand.
DESTINATIONS = {
    "slack:#notifications-data-platform-ci": ("slack", "#notifications-data-platform-ci"),
    "email:ana@example.com,bo@example.com": ("email", "ana@example.com,bo@example.com"),
    "email_owners": ("email_owners", ""),
    "log": ("log", ""),
    "webhook:shop/hook:2": ("webhook", "shop/hook:2"),
    "x" * 60: ("x" * 50, ""),
}


def test_destinations_users_and_cursors_are_those_of_before(url: str) -> None:
    columns = (
        "policy, fingerprint, location, subject, event_type, first_at, last_at, occurrences, "
        "facts, latest, recovered_at, version, changed_at, last_entry_at, escalates_at, "
        "escalated_at, escalations, acknowledged_at, acknowledged_by"
    )
    change(
        url,
        "insert into alert_members values ('ana@example.com', 'U0ANA', 1.5), ('bo@x.org', null, 2)",
        "insert into alert_positions values ('members', '1750000600.0')",
        *(
            f"insert into alert_channels values ('{name}', null, 1.0, 2, 'busy')"
            for name in list(DESTINATIONS)[1:]
        ),
        *(
            f"insert into alert_incidents (id, destination, {columns}) "
            f"select {number}, '{name}', {columns} from alert_incidents where id = 1"
            for number, name in enumerate(DESTINATIONS, start=10)
        ),
    )
    cursors = read(url, "select name, marks from alert_positions order by name")
    of_message = (
        "id, key, incident_id, kind, head_id, body, state, sent_version, plain, unsure, attempts, "
        "first_attempt_at, claimed_until, created_at, held_until, delivered_at, error"
    )
    incidents = read(url, f"select id, {columns} from alert_incidents order by id")
    messages = read(url, f"select {of_message}, ts from alert_messages order by id")

    Database(url).close()

    assert read(url, f"select id, {columns} from alert_incidents order by id") == incidents
    assert read(url, f"select {of_message}, reference from alert_messages order by id") == messages
    where = "select service, address from alert_incidents where id >= 10 order by id"
    assert read(url, where) == list(DESTINATIONS.values())
    where = "select distinct service, address, place is not null from alert_addresses"
    expected = {(*parts, parts[0] == "slack") for parts in DESTINATIONS.values()}
    assert {(a, b, bool(c)) for a, b, c in read(url, where)} == expected
    assert set(read(url, "select * from alert_users")) == {
        ("slack", "ana@example.com", "U0ANA", 1.5),
        ("slack", "bo@x.org", None, 2.0),
    }
    renamed = [("users of slack" if name == "members" else name, value) for name, value in cursors]
    assert set(read(url, "select name, value from alert_cursors")) == set(renamed)
    # and what belongs to an incident still goes with it
    with closing(Database(url)) as opened, opened.transaction() as connection:
        connection.execute(sa.delete(INCIDENTS).where(INCIDENTS.c.id == 1))
    assert read(url, "select 1 from alert_messages where incident_id = 1") == []


def test_the_release_before_refuses_the_tables_and_changes_nothing(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Database(url).close()
    before = everything(url)
    monkeypatch.setattr(database, "MIGRATIONS", ())
    with pytest.raises(LayoutError) as refused:
        Database(url)
    assert "a newer release has changed these tables (separate_service_and_address" in str(
        refused.value
    )
    assert "nothing is lost" in str(refused.value)
    assert everything(url) == before


@pytest.mark.parametrize("after", range(len(MIGRATIONS)), ids=[m.name for m in MIGRATIONS])
def test_a_process_that_is_killed_in_a_migration_leaves_what_was_there(
    after: int, url: str
) -> None:
    before = everything(url)
    process = SPAWN.Process(target=die_in_migration, args=(url, after))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert everything(url) == before
    Database(url).close()
    assert len(read(url, "select id from alert_messages")) == 4


def test_of_several_processes_one_migrates(url: str) -> None:
    barrier = SPAWN.Barrier(3)
    processes = [SPAWN.Process(target=open_together, args=(url, barrier)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * 3
    applied = {name for (name,) in read(url, "select name from alert_migrations")}
    assert applied == {migration.name for migration in MIGRATIONS}
    assert len(read(url, "select id from alert_messages")) == 4


def everything(url: str) -> dict[str, list[tuple]]:
    """Columns and rows of each table of the alerts."""
    return {
        name: [tuple(sorted(columns)), *sorted(read(url, f"select * from {name}"), key=repr)]
        for name, (columns, _) in layout(url).items()
    }


def layout(url: str) -> dict[str, tuple[dict[str, bool], set[str]]]:
    """Columns with whether they may be null, and indexes, by table of the alerts."""
    engine = sa.create_engine(url)
    found = sa.inspect(engine)
    read = {
        name: (
            {column["name"]: column["nullable"] for column in found.get_columns(name)},
            {str(index["name"]) for index in found.get_indexes(name)
             if "duplicates_constraint" not in index},
        )
        for name in found.get_table_names()
        if name.startswith("alert_")
    }  # fmt: skip
    engine.dispose()
    return read
