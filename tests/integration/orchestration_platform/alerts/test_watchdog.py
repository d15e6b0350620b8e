"""Who watches the watcher: the look from outside."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.support.failing_jobs import fail

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.alerts.sources.collect import Collector
from orchestration_platform.watchdog.__main__ import main
from sandboxes.slack.server import SlackServer
from sandboxes.waiting import PATIENCE_SECONDS, wait_until

INSTANCE = "telemetry: {enabled: false}\nrun_monitoring: {enabled: false}\n"
SENSOR = """
from pathlib import Path
import dagster as dg

@dg.sensor(minimum_interval_seconds=1, default_status=dg.DefaultSensorStatus.RUNNING)
def slack_on_run_failure_sensor():
    if Path("sensor_fails").exists():
        raise ConnectionError("no database")

defs = dg.Definitions(sensors=[slack_on_run_failure_sensor])
"""


def seconds_in(text: str, *, after: str) -> int:
    """Return the seconds that ``text`` names after the given words."""
    found = re.search(rf"{re.escape(after)}(\d+) s", text)
    assert found, text
    return int(found[1])


def test_an_instance_without_daemons_is_not_ok(
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--sensor", "required"]) == 1
    printed = capsys.readouterr().err
    assert "daemon SENSOR has never sent a heartbeat: is dagster-daemon running?" in printed
    assert "slack_on_run_failure_sensor has never completed a pass" in printed


@pytest.mark.parametrize(
    ("home", "problem"),
    [
        ("", "is not set"),
        ("dagster_home", "'dagster_home' is not an absolute path"),
        ("{mistyped}", "'{mistyped}' has no dagster.yaml"),
    ],
)
def test_an_invalid_home_is_refused_and_nothing_is_created_there(
    home: str,
    problem: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", home.format(mistyped=tmp_path))
    assert main([]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith(f"DAGSTER_HOME: {problem.format(mistyped=tmp_path)}; it must be")
    assert list(tmp_path.iterdir()) == []


def test_looking_makes_no_outbox(
    instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([]) == 1
    assert "never sent a heartbeat" in capsys.readouterr().err
    assert not (Path(instance.root_directory) / "alerts.db").exists()


def test_how_old_is_asked_for_in_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in ("abc", "0"):
        with pytest.raises(SystemExit):
            main(["--max-age", wrong])
        assert f"--max-age: {wrong} is not a positive number of seconds" in capsys.readouterr().err


def test_alerts_that_wait_for_long_are_reported_with_the_reason(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slack.faults.extend(["is_archived"] * 5)
    fail(instance)
    watch(seconds=0.1)
    main([])
    assert "alerts wait" not in capsys.readouterr().err
    with Database(database_url(instance)).transaction() as connection:
        connection.execute(sa.update(MESSAGES).values(created_at=time.time() - 700))
    assert main([]) == 1
    printed = capsys.readouterr().err
    assert (
        700 <= seconds_in(printed, after="2 alerts wait, the oldest for ") < 700 + PATIENCE_SECONDS
    )
    assert "unarchive the channel" in printed


def test_an_update_that_waits_for_long_is_reported_with_the_reason(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail(instance)
    watch()
    # more than a pass can call, so that the update still waits after it
    slack.faults.extend(["token_revoked"] * 1000)
    fail(instance)
    assert watch(seconds=1.0).outbox.reasons
    main([])
    assert "wait" not in capsys.readouterr().err
    with Database(database_url(instance)).transaction() as connection:
        connection.execute(sa.update(INCIDENTS).values(changed_at=time.time() - 700))
    assert main([]) == 1
    reported = capsys.readouterr().err
    assert "alerts wait" not in reported
    waited = seconds_in(reported, after="1 messages wait for their update, the oldest for ")
    assert 700 <= waited < 700 + PATIENCE_SECONDS
    assert "token_revoked" in reported


def test_an_alert_that_was_given_up_is_reported_for_a_day(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail(instance)
    slack.faults.extend(["invalid_blocks", "no_text"])
    watch()
    printed = "was not notified of plain_job: "
    main([])
    assert printed in capsys.readouterr().err
    with Database(database_url(instance)).transaction() as connection:
        connection.execute(sa.update(MESSAGES).values(created_at=time.time() - 25 * 3600))
    main([])
    assert printed not in capsys.readouterr().err


def test_a_database_that_does_not_answer_is_reported_in_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://canary-user@127.0.0.1:{silent.getsockname()[1]}/dagster"
        storage = f"storage: {{postgres: {{postgres_url: '{url}'}}}}\n"
        (tmp_path / "dagster.yaml").write_text(INSTANCE + storage)
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
        began = time.monotonic()
        assert main(["--timeout", "1"]) == 1
    assert time.monotonic() - began < 20
    assert "the check did not finish: no answer within 1 s" in capsys.readouterr().err


def daemon(home: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dagster._daemon", "run", "-f", str(home / "location.py")]
    with (home / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=home, stdout=log, stderr=subprocess.STDOUT)


def test_the_death_of_the_daemon_and_of_the_sensor_are_seen_until_they_are_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster.yaml").write_text(INSTANCE)
    (tmp_path / "location.py").write_text(SENSOR)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    policy = {
        "name": "p",
        "enabled": True,
        "event_types": ["DAEMON_HEARTBEAT_MISSING"],
        "notification_service": {"log": {}},
    }
    policies = AlertPolicies.model_validate({"alert_policies": [policy]}).in_force
    with dg.DagsterInstance.get() as instance:
        database = Database(database_url(instance))

        def missing() -> list[str]:
            found = Collector(instance, database, policies, alert_channel="#a", ui_url="")
            found.collect(until=float("inf"))
            assert found.errors == []
            with database.transaction() as connection:
                query = sa.select(INCIDENTS.c.subject).where(INCIDENTS.c.recovered_at.is_(None))
                return list(connection.execute(query).scalars())

        def look(*, until: str | None, most: str) -> str:
            printed = ""

            def is_printed() -> bool:
                nonlocal printed
                capsys.readouterr()
                main(["--max-heartbeat-age", most])
                printed = capsys.readouterr().err
                return until in printed if until else "daemon" not in printed

            wait_until(
                is_printed,
                seconds=PATIENCE_SECONDS,
                why_not=lambda: (tmp_path / "log").read_text() + printed,
            )
            return printed

        process = daemon(tmp_path)
        try:
            missing()
            look(until=None, most="40")
            assert missing() == []
            (tmp_path / "sensor_fails").touch()
            look(until="the last tick of slack_on_run_failure_sensor failed: Conn", most="40")
            (tmp_path / "sensor_fails").unlink()
            process.send_signal(signal.SIGKILL)
            process.wait(60)
            look(until="daemon SENSOR sent its last heartbeat", most="1")
            for beat in instance.get_daemon_heartbeats().values():
                # as if an hour had gone by
                instance.add_daemon_heartbeat(beat._replace(timestamp=beat.timestamp - 3600))
            assert "SENSOR" in missing()
        finally:
            process.kill()
            process.wait(60)
        process = daemon(tmp_path)
        try:
            look(until=None, most="10")
            assert missing() == []
        finally:
            process.terminate()
            process.wait(60)
