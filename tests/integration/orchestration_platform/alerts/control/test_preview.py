"""The preview shows what would be sent, and sends nothing."""

from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.support.failing_jobs import (
    dynamic_job,
    fail,
    plain_job,
    say,
)

from orchestration_platform.alerts.__main__ import main
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.workspace.webserver import Workspace
from sandboxes.slack.server import SlackServer


def test_a_preview_is_printed_and_written_as_a_page(
    instance: dg.DagsterInstance,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run_id = fail(instance, dynamic_job)
    page = tmp_path / "reports" / "alert.html"
    capsys.readouterr()
    assert main(["preview", run_id, "--page", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "Dagster Ci Run Failure" in printed
    assert "ValueError: item 0 is bad" in printed
    assert str(page) in printed
    written = page.read_text()
    assert "<h1>dynamic_job: ValueError: item 0 is bad · Dagster Ci Run Failure</h1>" in written
    assert f'<a href="http://127.0.0.1:3000/runs/{run_id}">' in written
    assert "<pre>ValueError: item 0 is bad</pre>" in written
    assert "1 in the thread" in written
    assert "in each\n" in written
    assert "<script" not in written


def test_a_run_is_named_by_the_beginning_of_its_id(
    instance: dg.DagsterInstance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_id = fail(instance)
    others = [f"00000000-0000-4000-8000-{number:012}" for number in (1, 2)]
    for other in others:
        instance.create_run_for_job(plain_job, run_id=other)
    arguments = ("--page", str(tmp_path / "alert.html"))
    assert main(["preview", run_id[:8], *arguments]) == 0
    assert f"/runs/{run_id}" in (tmp_path / "alert.html").read_text()
    capsys.readouterr()
    for named, problem in {
        "": "no run was named: enter its id",
        "no-such": f"there is no run no-such in the instance at {instance.root_directory}",
        "0000": "2 runs begin with 0000: enter more of the id",
        others[0]: f"the log of run {others[0]} (status NOT_STARTED) contains no failure",
    }.items():
        assert main(["preview", named, *arguments]) == 1
        assert capsys.readouterr().err.startswith(problem)


def test_a_page_that_cannot_be_written_is_reported(
    instance: dg.DagsterInstance, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", fail(instance), "--page", str(tmp_path)]) == 1
    printed = capsys.readouterr().err
    assert f"{tmp_path} cannot be written (Is a directory): set --page FILE" in printed


@pytest.mark.parametrize("command", [["list"], ["preview", "1a2b3c4d"]], ids=lambda it: it[0])
def test_an_invalid_home_is_refused(
    command: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for home in ("", "relative", str(tmp_path)):
        monkeypatch.setenv("DAGSTER_HOME", home)
        assert main(command) == 2
        assert capsys.readouterr().err.startswith("DAGSTER_HOME: ")


def test_an_empty_outbox_is_reported_and_an_invalid_limit_refused(
    instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == 0
    assert capsys.readouterr().out == "no messages\n"
    with pytest.raises(SystemExit):
        main(["list", "--limit", "0"])
    assert "--limit: 0 is not a positive whole number" in capsys.readouterr().err


def test_a_preview_names_owners_or_the_reason(
    instance: dg.DagsterInstance,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    @dg.asset
    def shelves() -> None:
        raise ValueError("12 shelves are empty")

    monkeypatch.delenv("DAGSTER_WEBSERVER_URL", raising=False)
    run_id = dg.materialize([shelves], instance=instance, raise_on_error=False).run_id
    page = tmp_path / "alert.html"
    assert main(["preview", run_id, "--page", str(page)]) == 0
    assert "messages name no owners: set DAGSTER_WEBSERVER_URL" in capsys.readouterr().out
    monkeypatch.setattr(Workspace, "owners_of", lambda _self, assets: (f"team:{assets[0]}",))
    assert main(["preview", run_id, "--page", str(page)]) == 0
    printed = capsys.readouterr().out
    assert "team:shelves" in printed
    assert "messages name no owners" not in printed
    assert "team:shelves" in page.read_text()


def test_the_message_of_an_error_is_text_on_the_page(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run_id = say(instance, "<script>alert(1)</script> [red]a & b[/red] <@U123> `x` *y*")
    page = tmp_path / "alert.html"
    assert main(["preview", run_id, "--page", str(page)]) == 0
    written = page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [red]a &amp; b[/red] &lt;@U123&gt;" in written
    assert 'class="mention"' not in written


def test_the_list_shows_what_was_sent_suppressed_and_why(
    instance: dg.DagsterInstance,
    watch: Watch,
    slack: SlackServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from orchestration_platform.alerts.policies.policy import load_policies
    from orchestration_platform.alerts.policies.services import NotificationService

    log = NotificationService.from_destination(Destination("log"))
    slack.faults.extend(["invalid_blocks", "no_text"])
    policy = load_policies()[0]
    fail(instance)
    watch([policy, policy.model_copy(update={"name": "log", "notification_service": log})])
    capsys.readouterr()

    def listed(*arguments: str) -> list[str]:
        assert main(["list", *arguments]) == 0
        return capsys.readouterr().out.splitlines()

    assert len(listed()) == 4
    [suppressed] = listed("--state", "suppressed")
    assert "log" in suppressed
    assert "there are no threads" in suppressed
    assert [
        "no_text" in line or "head of its thread" in line for line in listed("--state", "failed")
    ] == [True, True]
    [delivered] = listed("--state", "delivered")
    assert "plain_job x1, 1 attempts" in delivered
