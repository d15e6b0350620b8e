"""The command line, in processes of its own: what it prints, how it ends, and when it is killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.dagster_client.conftest import RunningDagster
from tests.integration.dagster_client.front import Front

from sandboxes.ports import reserved_port
from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.dagster_client import DagsterClient, JobRuns, Status, Webserver
from shared_lib.dagster_client.__main__ import main
from shared_lib.dagster_client.runs import LAUNCH_GRACE_SECONDS

pytestmark = pytest.mark.xdist_group("dagster client")

CONNECTION = "5f0b9a3c-6f5e-4d0f-9a35-2d6ab0a5a001"

Start = Callable[..., subprocess.Popen[str]]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def start(dagster: RunningDagster, job_runs: JobRuns, tmp_path: Path) -> Start:
    """Starts the command against the running Dagster, or the one at ``url``."""

    def begin(*arguments: str, url: str = dagster.url) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "shared_lib.dagster_client", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={
                **os.environ,
                "DAGSTER_WEBSERVER_URL": url,
                "JOB_RUNS_DATABASE_URL": f"sqlite:///{tmp_path / 'job_runs.db'}",
            },
        )  # fmt: skip

    return begin


@pytest.fixture
def command(start: Start) -> Command:
    def run(*arguments: str, url: str | None = None) -> subprocess.CompletedProcess[str]:
        process = start(*arguments, **({"url": url} if url else {}))
        out, err = process.communicate(timeout=PATIENCE_SECONDS)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return run


def test_a_job_is_triggered_waited_for_and_listed(command: Command, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("ops: {succeed: {config: {connection_id: abc}}}\n")
    ended = command(
        *("trigger", "ok_job", "--config", str(tmp_path / "config.yaml")),
        *("--for", "anna", "--wait"),
    )
    assert ended.returncode == 0, ended.stderr
    run_id = ended.stdout.strip()
    assert f"/runs/{run_id}" in ended.stderr
    assert "SUCCESS (steps: 1 success)" in ended.stderr

    listed = command("list", "--for", "anna", "--json")
    rows = [json.loads(line) for line in listed.stdout.splitlines()]
    assert [(row["run_id"], row["status"], row["location_name"]) for row in rows] == [
        (run_id, "SUCCESS", "first")
    ]
    assert rows[0]["run_config"] == {"ops": {"succeed": {"config": {"connection_id": "abc"}}}}
    asked = command("status", rows[0]["id"])
    assert (asked.returncode, asked.stdout) == (0, "SUCCESS\n")


def test_a_run_that_fails_or_is_not_done_ends_otherwise(command: Command, tmp_path: Path) -> None:
    assert command("trigger", "failing_job", "--wait").returncode == 1
    may_end = tmp_path / "may_end"
    config = json.dumps({"ops": {"take_long": {"config": {"until": str(may_end)}}}})
    slow = command("trigger", "slow_job", "--config", config, "--wait", "--timeout", "0.5")
    assert slow.returncode == 5
    assert "it continues" in slow.stderr
    assert command("status", slow.stdout.strip()).returncode == 5
    may_end.touch()
    assert command("wait", slow.stdout.strip(), "--timeout", "600").returncode == 0


def test_a_refused_launch_is_reported_with_its_own_exit_status(command: Command) -> None:
    ambiguous = command("trigger", "shared_job")
    assert (ambiguous.returncode, ambiguous.stdout) == (4, "")
    assert ambiguous.stderr == (
        "the job shared_job is in several locations, choose one of: first, second\n"
    )
    away = command("trigger", "ok_job", url=f"http://127.0.0.1:{reserved_port()}")
    assert (away.returncode, away.stdout) == (3, "")
    assert "cannot be reached" in away.stderr
    malformed = command("trigger", "ok_job", "--connection-id", "4711")
    assert malformed.returncode == 2
    assert "invalid UUID value: '4711'" in malformed.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("wait", "some-run", "--timeout", "-1"), "'-1' is not a non-negative number of seconds"),
        (
            ("wait", "some-run", "--timeout", "nan"),
            "'nan' is not a non-negative number of seconds",
        ),
        (("list", "--limit", "0"), "'0' is not a positive whole number"),
        (("trigger", "years_job", "--partition-range", "2025"), "write FIRST...LAST"),
    ],
)
def test_a_wrong_option_is_reported(
    arguments: tuple[str, ...], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "computed"),
    [
        (("--partition", "2026"), {"2026"}),
        (("--partition-range", "2025...2027"), {"2025", "2026", "2027"}),
    ],
)
def test_one_run_computes_the_partitions_that_are_named(
    command: Command, dagster: RunningDagster, options: tuple[str, ...], computed: set[str]
) -> None:
    ended = command("trigger", "years_job", *options, "--wait")
    assert ended.returncode == 0, ended.stderr
    with dg.DagsterInstance.from_config(str(dagster.home)) as instance:
        records = instance.get_records_for_run(
            ended.stdout.strip(), of_type=dg.DagsterEventType.ASSET_MATERIALIZATION
        ).records
    assert {record.partition_key for record in records} == computed


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("JOB_RUNS_DATABASE_URL", "foo", "write sqlite:////PATH/TO/FILE or postgresql://"),
        (
            "JOB_RUNS_DATABASE_URL",
            "mysql://anna:secret@host/x",
            "is not the URL of a supported database",
        ),
        ("JOB_RUNS_DATABASE_URL", "sqlite:////nonexist/x.db", "unable to open database file"),
        (
            "DAGSTER_HOME",
            "/nonexist",
            "'/nonexist' is not the absolute path of an existing directory",
        ),
        ("DAGSTER_HOME", "home", "'home' is not the absolute path of an existing directory"),
    ],
)
def test_an_invalid_database_is_reported(
    variable: str, value: str, expected: str,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.delenv("JOB_RUNS_DATABASE_URL", raising=False)
    monkeypatch.setenv(variable, value)
    assert main(["list"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(variable)
    assert expected in line
    assert "secret" not in line


def test_a_connection_is_handed_to_every_op(command: Command, job_runs: JobRuns) -> None:
    refused = command("trigger", "ok_job", "--connection-id", CONNECTION)
    # this job knows no `*`: the one for connections does
    assert refused.returncode == 4
    assert 'unexpected config entry "*"' in refused.stderr
    assert job_runs.latest(1)[0].run_config == {
        "ops": {"*": {"config": {"connection_id": CONNECTION}}}
    }


def test_an_interrupted_wait_leaves_the_run_alone(
    start: Start, dagster: RunningDagster, job_runs: JobRuns
) -> None:
    waiting = start("trigger", "slow_job", "--wait")
    assert waiting.stdout is not None
    run_id = waiting.stdout.readline().strip()
    waiting.send_signal(signal.SIGINT)
    _, complaint = waiting.communicate(timeout=PATIENCE_SECONDS)
    assert waiting.returncode == 130
    assert f"no longer waiting; the run {run_id} continues" in complaint
    assert "Traceback" not in complaint
    client = DagsterClient(Webserver(url=dagster.url), job_runs=job_runs)
    assert client.wait_for_run(run_id).status == "SUCCESS"


@pytest.mark.parametrize(("hold", "status"), [("before", "NEVER_LAUNCHED"), ("after", "SUCCESS")])
def test_a_process_that_is_killed_while_it_launches_leaves_a_row_that_is_cleared_up(
    hold: str, status: str, start: Start, front: Front, dagster: RunningDagster,
    job_runs: JobRuns,
) -> None:  # fmt: skip
    front.hold = hold
    process = start("trigger", "ok_job", url=front.url)
    assert front.held.wait(30)
    process.kill()
    process.communicate()
    row = job_runs.latest(1)[0]
    assert (row.status, row.run_id) == (Status.LAUNCHING, None)

    client = DagsterClient(Webserver(url=dagster.url), job_runs=job_runs)
    client.refresh()
    found = job_runs.latest(1)[0]
    if hold == "before":
        # nothing yet, but a launch may take as long as that
        assert found.status == Status.LAUNCHING
        client.refresh(now=row.created_at + LAUNCH_GRACE_SECONDS + 1)
    else:
        client.wait_for_run(str(found.run_id))
        client.refresh()
    assert job_runs.latest(1)[0].status == status
