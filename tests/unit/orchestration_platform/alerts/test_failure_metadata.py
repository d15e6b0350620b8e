"""What the author of a step attached to its failure, and how each format shows it."""

import json
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.facts.alert import Alert, Detail, Problem
from orchestration_platform.alerts.messages.formats.html import head_html
from orchestration_platform.alerts.messages.formats.slack import head_content
from orchestration_platform.alerts.messages.formats.teams import head_card
from orchestration_platform.alerts.messages.formats.text import head_text
from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.message import Incident, Message
from orchestration_platform.alerts.sources.runs.failure_metadata import (
    MOST_DETAILS,
    MOST_ROWS,
    details_of,
)
from sandboxes.slack.limits import problem_of, texts_of
from shared_lib.dbt.failed_nodes import FAILED_NODES
from shared_lib.secrets import know

TABLE = Detail("Rejected", "", rows=(("employee", "reason"), ("E17", "no salary")))
DETAILS = (
    Detail("Report", "https://reports.example.com/7", "https://reports.example.com/7"),
    Detail("Rows", "42"),
    TABLE,
)
RUNBOOK = "https://wiki.example.com/nightly"


def message(details: tuple[Detail, ...] = DETAILS, **changes: Any) -> Message:
    problem = Problem("load", "Failure", "too few rows", "", "", attempts=3, details=details)
    reported = failure(problems=(problem,), tags=(("team", "shop"),), backfill="b1", **changes)
    incident = Incident(
        first=reported, latest=reported, occurrences=1, policies=("a", "b"), runbook=RUNBOOK
    )
    return head_message(incident, environment="qa", ui_url="https://dagster.example.com")


def slack(shown: Message) -> str:
    content = head_content(shown, mentions={})
    assert problem_of(content) is None
    return "\n".join([*texts_of(content), json.dumps(content)])


def teams(shown: Message) -> str:
    return json.dumps(head_card(shown), ensure_ascii=False).replace("\\", "")


@pytest.mark.parametrize("laid_out", [slack, head_html, head_text, teams])
def test_every_format_shows_it(laid_out: Callable[[Message], str]) -> None:
    shown = laid_out(message())
    for text in (
        "nightly: Failure: too few rows · Dagster Qa Run Failure",
        "https://reports.example.com/7",
        "Rows", "42", "Rejected", "employee", "no salary",
        "3 attempts", "error", "team=shop", RUNBOOK,
        "https://dagster.example.com/runs/b/b1",
    ):  # fmt: skip
        assert text in shown, text


def test_the_runbook_of_the_asset_or_job_takes_precedence() -> None:
    [link] = [one for one in message(runbook="https://wiki.example.com/own").links
              if one.label == "Runbook"]  # fmt: skip
    assert link.url == "https://wiki.example.com/own"
    words = message(runbook="ring the till")
    assert "ring the till" in head_text(words)


def test_a_header_has_the_job_and_the_reason_first_and_the_event_last_whatever_their_length() -> (
    None
):
    problem = Problem("load", "ValueError", "x" * 500, "", "")
    reported = failure(problems=(problem,), subject="a_job" * 40)
    incident = Incident(first=reported, latest=reported, occurrences=1, recovered_at=2e6)
    title = head_message(incident, environment="qa", ui_url="").title
    assert len(title) <= 150
    assert title.startswith("a_joba_job")
    assert ": ValueError: xxx" in title
    assert title.endswith(" · Dagster Qa Run Failure (recovered)")


def test_metadata_is_read_by_its_kind_and_limited() -> None:
    records = [dg.TableRecord({"id": n, "name": "x" * 99}) for n in range(MOST_ROWS + 5)]
    found = details_of(
        {
            "report": dg.MetadataValue.url("https://reports.example.com/7"),
            "rows": dg.MetadataValue.int(42),
            "asset": dg.MetadataValue.asset(dg.AssetKey(["raw", "orders"])),
            "table": dg.MetadataValue.table(records),
            FAILED_NODES: dg.MetadataValue.text("shown as problems"),
        }
    )
    assert [one.label for one in found] == ["report", "rows", "asset", "table"]
    assert (found[0].url, found[1].text, found[2].text) == (
        "https://reports.example.com/7",
        "42",
        "raw/orders",
    )
    names, *rows = found[3].rows
    assert names == ("id", "name")
    assert len(rows) == MOST_ROWS + 1
    assert rows[-1] == ("and 5 more", "")
    assert all(len(cell) <= 60 for row in rows for cell in row)
    many = details_of({f"m{n}": dg.MetadataValue.int(n) for n in range(MOST_DETAILS + 3)})
    assert many[-1] == Detail("More", "3 in the log of the run")


def test_secrets_are_removed_before_anything_is_cut() -> None:
    secret = "s3cret-of-the-bank" * 20
    know(secret, name="key")
    url = dg.MetadataValue.url(f"https://reports.example.com/?key={secret}")
    found = details_of({"report": url, "text": dg.MetadataValue.text(f"{'x' * 280}{secret}")})
    assert "s3cret" not in str(found)
    assert found[0].url == ""
    title = message(details=(), subject=f"job {secret}").title
    assert "s3cret" not in title


def test_an_alert_is_the_same_after_it_was_stored() -> None:
    problem = Problem("load", "Failure", "too few rows", "", "", attempts=3, details=DETAILS)
    stored = failure(problems=(problem,), tags=(("team", "shop"),), runbook=RUNBOOK)
    assert Alert.from_json(stored.to_json()) == stored
    # an earlier release stored less
    values = json.loads(stored.to_json())
    for name in ("attempts", "details"):
        del values["problems"][0][name]
    for name in ("tags", "runbook"):
        del values[name]
    assert Alert.from_json(json.dumps(values)).problems[0].details == ()


def test_details_that_slack_has_no_room_for_are_counted_and_never_cut_in_half() -> None:
    long = tuple(
        Detail(f"Table {n}", "", rows=(("name",), *((f"`{'x' * 55}",) for _ in range(10))))
        for n in range(4)
    )
    content = head_content(message(details=(*DETAILS, *long)), mentions={})
    assert problem_of(content) is None
    text = "\n".join(texts_of(content))
    assert text.count("```") % 2 == 0
    assert "more in the run's log" in text
