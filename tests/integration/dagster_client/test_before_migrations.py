"""A table ``job_runs`` that was written before there were migrations."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from sandboxes.postgres import PASSWORD, postgres_server, program
from shared_lib.dagster_client import JobRuns, Status, WebserverConfigurationError
from shared_lib.dagster_client.job_runs import DATABASE_VARIABLE, Observation, open_job_runs

WRITTEN = Path(__file__).parent / "before_migrations"


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    text = (WRITTEN / f"job_runs.{request.param}.sql").read_text("utf-8")
    if request.param == "sqlite":
        with sqlite3.connect(tmp_path / "job_runs.db") as connection:
            connection.executescript(text)
        connection.close()
        yield f"sqlite:///{tmp_path / 'job_runs.db'}"
        return
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres_server() as port:
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"
        with psycopg.connect(url) as connection:
            connection.execute(text.encode())
        yield url


def test_rows_of_an_earlier_release_are_kept_and_updated(url: str) -> None:
    job_runs = JobRuns(url)
    queued, launching = sorted(job_runs.open(), key=lambda row: row.status, reverse=True)
    assert (queued.job_name, queued.requested_by, queued.run_config) == (
        "sync",
        "anna",
        {"ops": {"é": "ü"}},
    )
    assert launching.status == Status.LAUNCHING
    [refused] = [row for row in job_runs.latest() if row.has_ended]
    assert refused.message == "there is no job no_job"
    assert job_runs.observe([Observation(queued.id, "SUCCESS", queued.run_id, time.time())]) == 1
    job_runs.launched(launching.id, "run", "simulation")
    assert JobRuns(url).find("run") is not None


def test_the_command_refuses_tables_of_a_newer_release(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    JobRuns(url)
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            sa.text("insert into job_runs_migrations values ('rename_message', :no, 1.0)"),
            {"no": False},
        )
        connection.execute(sa.text("alter table job_runs rename column message to reason"))
    engine.dispose()
    monkeypatch.setenv(DATABASE_VARIABLE, url)
    with pytest.raises(WebserverConfigurationError, match=r"newer release .*rename_message"):
        open_job_runs()
