"""The table of what was triggered, in either kind of database."""

import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
import sqlalchemy

from sandboxes.postgres import PASSWORD, postgres_server, program
from shared_lib.dagster_client import JobRuns, Status, WebserverConfigurationError
from shared_lib.dagster_client.job_runs import JOB_RUNS, Observation, database_url

pytestmark = pytest.mark.xdist_group("job runs")


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres_server() as port:
        yield f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/postgres"


@pytest.fixture(params=["sqlite", "postgres"])
def job_runs(request: pytest.FixtureRequest, tmp_path: Path) -> JobRuns:
    if request.param == "sqlite":
        return JobRuns(f"sqlite:///{tmp_path / 'job_runs.db'}")
    return JobRuns(request.getfixturevalue("postgres_url"))


def begin(job_runs: JobRuns, requested_by: str = "anna") -> str:
    return job_runs.begin("sync", {"ops": {"é": "ü"}}, requested_by=requested_by)


def test_rows_change_together_and_never_back(job_runs: JobRuns) -> None:
    running, done, asked = (begin(job_runs) for _ in range(3))
    for row_id in (running, done):
        job_runs.launched(row_id, f"run-{row_id}", "first")

    job_runs.observe(
        [
            Observation(running, "STARTED", f"run-{running}", None),
            Observation(done, "SUCCESS", f"run-{done}", 12.5),
        ]
    )

    found = {row_id: job_runs.find(row_id) for row_id in (running, done, asked)}
    assert [(row.status, row.ended_at) for row in found.values() if row] == [
        ("STARTED", None),
        ("SUCCESS", 12.5),
        (Status.LAUNCHING, None),
    ]
    assert job_runs.find(f"run-{done}") == found[done]
    # another process, whose look at Dagster was earlier, writes later
    assert job_runs.observe([Observation(done, "STARTED", f"run-{done}", None)]) == 0
    assert job_runs.find(done) == found[done]
    # the process that launched it learns of the answer after a refresh has found the run
    job_runs.observe([Observation(asked, "SUCCESS", "run-found", 13.0)])
    job_runs.launched(asked, "run-found", "first")
    assert [row.status for row in (job_runs.find(asked),) if row] == ["SUCCESS"]
    assert {row.id for row in job_runs.open()} >= {running}
    assert not {row.id for row in job_runs.open()} & {done, asked}


def test_everybody_sees_their_own_newest_first(job_runs: JobRuns) -> None:
    of_bert = [begin(job_runs, "bert") for _ in range(3)]
    begin(job_runs, "carla")
    found = job_runs.latest(2, requested_by="bert")
    assert [row.id for row in found] == of_bert[:0:-1]
    assert found[0].run_config == {"ops": {"é": "ü"}}


def test_thousands_of_rows_are_brought_up_to_date_in_one_pass(job_runs: JobRuns) -> None:
    one = job_runs.find(begin(job_runs, "storm"))
    assert one is not None
    rows = [{**asdict(one), "id": str(uuid.uuid4())} for _ in range(2500)]
    with job_runs._transaction() as connection:
        connection.execute(JOB_RUNS.insert(), rows)
    statements: list[str] = []
    sqlalchemy.event.listen(
        job_runs._engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: statements.append(statement),
    )

    changed = job_runs.observe(
        [Observation(row["id"], "SUCCESS", f"run-{row['id']}", 1.0) for row in rows]
    )

    assert changed == 2500
    updates = [statement for statement in statements if statement.startswith("UPDATE")]
    assert len(updates) * 100 <= 2500, "hundreds of rows in each statement"


def test_the_database_is_that_of_the_instance_or_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    with pytest.raises(WebserverConfigurationError, match="set JOB_RUNS_DATABASE_URL"):
        database_url()
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert database_url() == f"sqlite:///{tmp_path}/job_runs.db"
    monkeypatch.setenv("JOB_RUNS_DATABASE_URL", "sqlite:///elsewhere.db")
    assert database_url() == "sqlite:///elsewhere.db"


def test_an_instance_in_postgres_has_the_table_there(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster.yaml").write_text(
        f"storage: {{postgres: {{postgres_url: '{postgres_url}'}}}}\n"
    )
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert database_url() == postgres_url
