"""The preview shows what would be sent, and sends nothing."""

from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.failing_jobs import dynamic_job, fail, say
from tests.integration.orchestration_platform.alerts.slack_server import SlackServer

from orchestration_platform.alerts.__main__ import main
from orchestration_platform.alerts.workspace import Workspace


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
    assert "<h1>Dagster Ci Run Failure</h1>" in written
    assert f'<a href="http://127.0.0.1:3000/runs/{run_id}">' in written
    assert "<pre>ValueError: item 0 is bad</pre>" in written
    assert "1 in the thread" in written
    assert "in each\n" in written
    assert "<script" not in written


def test_a_preview_names_owners_or_says_why_not(
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


def test_what_an_error_says_is_text_on_the_page(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run_id = say(instance, "<script>alert(1)</script> [red]a & b[/red] <@U123> `x` *y*")
    page = tmp_path / "alert.html"
    assert main(["preview", run_id, "--page", str(page)]) == 0
    written = page.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt; [red]a &amp; b[/red] &lt;@U123&gt;" in written
    assert 'class="mention"' not in written


def test_the_list_says_what_was_sent_suppressed_and_why(
    instance: dg.DagsterInstance,
    watch: Watch,
    slack: SlackServer,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from orchestration_platform.alerts.policies import load_policies
    from orchestration_platform.alerts.services.configuration import LOG

    slack.faults.extend(["invalid_blocks", "no_text"])
    policy = load_policies()[0]
    fail(instance)
    watch([policy, policy.model_copy(update={"name": "log", "notification_service": LOG})])
    capsys.readouterr()

    def listed(*arguments: str) -> list[str]:
        assert main(["list", *arguments]) == 0
        return capsys.readouterr().out.splitlines()

    assert len(listed()) == 4
    [suppressed] = listed("--state", "suppressed")
    assert "log" in suppressed
    assert "there are none" in suppressed
    assert [
        "no_text" in line or "head of its thread" in line for line in listed("--state", "failed")
    ] == [True, True]
    [delivered] = listed("--state", "delivered")
    assert "plain_job x1, 1 attempts" in delivered
