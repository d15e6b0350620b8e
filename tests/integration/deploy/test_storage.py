"""Production's storage, as ``deploy/dagster.yaml`` configures it."""

import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml

from sandboxes.postgres import PASSWORD, connect, postgres_server, program
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.secrets.redaction.registry import know

pytestmark = pytest.mark.skipif(program("initdb") is None, reason="Postgres is not installed")

SECRET = "s3cr3t-of-the-postgres-log"
# Before processes waited for one another, one database in four saw one of them end.
DATABASES = 8
# Code servers, webserver, daemon, and a run.
PROCESSES = 6


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the configuration is; the database is empty."""
    with postgres_server() as port:
        for name, value in {
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "USER": "postgres",
            "DB": "postgres",
        }.items():
            monkeypatch.setenv(f"DAGSTER_POSTGRES_{name}", value)
        passfile = tmp_path / "pgpass"
        passfile.write_text(f"127.0.0.1:{port}:*:postgres:{PASSWORD}\n")
        passfile.chmod(0o600)
        monkeypatch.setenv("PGPASSFILE", str(passfile))
        configured = yaml.safe_load((REPOSITORY_ROOT / "deploy" / "dagster.yaml").read_text())
        (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"storage": configured["storage"]}))
        yield tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


@dg.op
def fails() -> None:
    raise ValueError("it is bad")


@dg.job
def failing() -> None:
    fails()


def test_an_event_that_no_log_record_carries_has_no_secret(instance: dg.DagsterInstance) -> None:
    know(SECRET, name="shop/api secret_key")
    run = failing.execute_in_process(instance=instance, raise_on_error=False).dagster_run

    instance.report_run_failed(run, message=f"the pod wrote {SECRET}")

    port = instance.run_storage.postgres_url.rpartition(":")[2].partition("/")[0]
    with psycopg.connect(
        host="127.0.0.1", port=port, user="postgres", password=PASSWORD, dbname="postgres"
    ) as database:
        stored = [row[0] for row in database.execute("select event from event_logs")]
    assert any("the pod wrote [secret shop/api secret_key]" in event for event in stored)
    assert not any(SECRET in event for event in stored)


def open_each_together(home: str, together: Barrier) -> None:
    for database in range(DATABASES):
        os.environ["DAGSTER_POSTGRES_DB"] = f"empty_{database}"
        together.wait(60)
        with dg.DagsterInstance.from_config(home) as instance:
            instance.get_runs(limit=1)


def test_processes_that_start_together_on_an_empty_database_all_open_it(home: Path) -> None:
    port = os.environ["DAGSTER_POSTGRES_PORT"]
    with connect(int(port), "postgres", PASSWORD) as server:
        for database in range(DATABASES):
            server.execute(f"create database empty_{database}")
    # forked, since what they share is the time, and imports would spread them
    context = multiprocessing.get_context("fork")
    together = context.Barrier(PROCESSES)
    processes = [
        context.Process(target=open_each_together, args=(str(home), together))
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
