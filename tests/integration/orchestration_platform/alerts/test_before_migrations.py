"""Databases of the alerts that were written before there were migrations.

They contain an acknowledged message, and one that Slack had not accepted yet.
"""

import sqlite3
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import services_with
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.failing_jobs import say
from tests.integration.orchestration_platform.alerts.test_escalation import policies

from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.run_pass import run_pass
from orchestration_platform.alerts.stages import Pass
from sandboxes.slack.server import (
    TOKEN,
    Message,
    SlackServer,
)

pytestmark = on_both_databases

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
        # psycopg declares literal texts alone for SQL
        connection.execute(text)  # pyright: ignore[reportArgumentType, reportCallIssue]


def read(url: str, query: str) -> list[tuple]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(sa.text(query))]
    engine.dispose()
    return found


def add_a_column_to_each_table(url: str) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        for name in sa.inspect(connection).get_table_names():
            if name.startswith("alert_"):
                connection.execute(sa.text(f"alter table {name} add column mood text"))
    engine.dispose()


@pytest.fixture
def url(instance: dg.DagsterInstance, slack: SlackServer) -> str:
    """The old database, and in Slack the message that it knows."""
    url = database_url(instance)
    load(url)
    query = "select ts, key from alert_messages where kind = 'head' and ts is not null"
    [(ts, key)] = read(url, query)
    slack.messages.append(Message(ts, CHANNEL, "told_job failed", [], None, key))
    return url


@pytest.mark.parametrize("columns", ["as written", "of a newer release too"])
def test_all_that_was_open_stays_open_and_is_closed_in_slack(
    columns: str,
    url: str,
    instance: dg.DagsterInstance,
    slack: SlackServer,
    quick: pytest.MonkeyPatch,
) -> None:
    quick.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", TOKEN)
    if columns == "of a newer release too":
        add_a_column_to_each_table(url)

    memory = Memory()

    def watch() -> Pass:
        services = services_with(slack.url)
        return run_pass(
            instance, policies=policies(), services=services, memory=memory, sending_seconds=3.0
        )

    # which nobody took on within half an hour
    assert watch().escalated == 1
    [taken_on, waited] = [head for head in slack.heads if head.channel == CHANNEL]
    assert "other_job" in waited.shown
    assert slack.thread(waited)[0].text.startswith("Stack trace of run")
    assert "recovered" not in taken_on.shown

    say(instance, None)
    watch()
    assert "(recovered)" in taken_on.shown
    assert "<@U0>" in taken_on.shown
    assert slack.thread(taken_on)[-1].text.startswith("Recovered")
    assert "recovered" not in waited.shown


def test_its_tables_come_to_be_those_of_a_new_database(url: str, tmp_path: Path) -> None:
    Database(url).close()
    new = tmp_path / "new.db"
    Database(f"sqlite:///{new}").close()
    assert layout(url) == layout(f"sqlite:///{new}")


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
