"""The board of the instance."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_health.asset_health import AssetHealthStatus

from orchestration_platform.alerts.control.muting import mute
from orchestration_platform.alerts.control.person import Hand
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.board import asset_health
from orchestration_platform.board.alerting import OpenIncident, alerting
from orchestration_platform.board.attention import attention
from orchestration_platform.board.board import Board
from orchestration_platform.board.health import Health
from orchestration_platform.board.pages import page as page_module
from orchestration_platform.board.pages import wording
from orchestration_platform.board.pages.page import page
from orchestration_platform.board.pages.summary import summary
from orchestration_platform.board.pages.wording import headline

REPOSITORY = Path(__file__).parents[4]


def test_the_health_of_an_asset_is_the_worst_of_its_parts(board: Board) -> None:
    assert {asset.name: (asset.health, asset.reason) for asset in board.assets} == {
        "empty": (Health.DEGRADED, "check not_empty failed"),
        "full": (Health.HEALTHY, ""),
        "label": (Health.HEALTHY, ""),
        "late": (Health.UNKNOWN, "never materialized"),
        "lost": (Health.DEGRADED, "its last run failed"),
        "odd": (Health.WARNING, "check looks_odd warns"),
        "prices": (Health.DEGRADED, "older than its freshness policy allows"),
        "sales": (Health.DEGRADED, "1 of 3 partitions failed"),
    }


def test_an_asset_shows_that_what_it_is_made_of_is_degraded(board: Board) -> None:
    above = {asset.name: asset.upstream_degraded for asset in board.assets}
    assert above == {**dict.fromkeys(above, ()), "label": ("empty",)}


def test_what_needs_attention_is_listed_with_the_worst_first(board: Board) -> None:
    daemon, location, *rest = board.attention
    assert (daemon.kind, daemon.health) == ("Daemon", Health.DEGRADED)
    assert daemon.text == "no recent heartbeat: it does not run"
    assert (location.name, location.text) == ("tills", "ImportError: no module named cash")
    assert [item.health for item in rest] == sorted(item.health for item in rest)
    assert {(item.kind, item.name, item.text) for item in rest} == {
        ("Asset", "empty", "check not_empty failed"),
        ("Asset", "lost", "its last run failed"),
        ("Asset", "odd", "check looks_odd warns"),
        ("Asset", "prices", "older than its freshness policy allows"),
        ("Asset", "sales", "1 of 3 partitions failed"),
        ("Job", "all_shelves", "its last run failed"),
        ("Job", "nightly", "its last run failed"),
        ("Job", "sales_job", "its last run failed"),
    }
    by_name = {item.name: item for item in board.attention}
    assert by_name["empty"].downstream == 1
    assert by_name["empty"].owners == ("ada@example.com",)
    assert by_name["empty"].runbook == "https://wiki.example.com/empty"
    assert '<a href="https://wiki.example.com/empty">Runbook</a>' in page(board)


def test_what_one_failed_run_caused_is_beneath_it(board: Board) -> None:
    caused = {item.name: [one.name for one in item.caused] for item in board.entries}
    assert {name: beneath for name, beneath in caused.items() if beneath} == {
        "all_shelves": ["lost"],
        "sales_job": ["sales"],
    }
    # that a check failed in the run is a matter of its own
    assert {"empty", "odd", "prices"} <= caused.keys()
    shown = sorted(item.name for one in board.entries for item in (one, *one.caused))
    assert shown == sorted(item.name for item in board.attention)
    rows = summary(board)["attention"]
    assert sorted(str(row["name"]) for row in rows) == shown
    assert {row["name"]: row["cause"] for row in rows if row["cause"]} == {
        "lost": "Job all_shelves",
        "sales": "Job sales_job",
    }
    failed = {item.name: item.run_id for item in board.attention}
    assert (failed["lost"], failed["sales"]) == (failed["all_shelves"], failed["sales_job"])


def test_the_headline_is_one_sentence_about_the_worst(board: Board) -> None:
    job = next(item for item in board.attention if item.name == "sales_job")
    at = board.at.replace(hour=12, minute=0)
    good = (at - timedelta(days=1)).replace(hour=6, minute=15).timestamp()
    since = at.timestamp() - 12 * 60
    incident = OpenIncident(
        number=7, kind="Job", subject="sales_job", location="shop", severity="error",
        text="no file",
        first_at=since, occurrences=2, acknowledged_by="ada", owners=(), run_id="", assets=(),
        last_success_at=good, runbook="",
    )  # fmt: skip
    failed = replace(job, since=since, last_good_at=good, incident=incident)
    later = replace(job, since=at.timestamp())
    shown = replace(board, at=at, attention=[failed, later])
    assert headline(shown) == (
        "Degraded for 12 minutes: job sales_job: its last run failed, "
        "last good yesterday 06:15; ada has it. 1 more below"
    )
    assert headline(replace(board, attention=[])) == (
        "Healthy: 2 of 8 assets healthy, 1 never ran or was never checked"
    )
    one = [asset for asset in board.assets if asset.name == "full"]
    assert headline(replace(board, attention=[], assets=one)) == "Healthy: 1 of 1 asset healthy"


def test_words_agree_with_their_number() -> None:
    assert wording.number_of(1, "step") == "1 step"
    assert wording.number_of(0, "step") == "0 steps"
    assert wording.number_of(1200, "step") == "1,200 steps"
    assert wording.duration(119) == "1 minute"
    reasons = [
        asset_health._checks_reason(AssetHealthStatus.WARNING, None, failed)
        for failed in (("a",), ("a", "b"))
    ]
    assert reasons == ["check a warns", "checks a, b warn"]


def test_an_incident_belongs_to_what_it_is_about(board: Board) -> None:
    def incident(subject: str, *assets: str) -> OpenIncident:
        return OpenIncident(
            number=1, kind="Assets", subject=subject, location="shop", severity="error", text="bad",
            first_at=5.0, occurrences=1, acknowledged_by="", owners=(), run_id="", assets=assets,
            last_success_at=None, runbook="ring the desk",
        )  # fmt: skip

    about, alone = incident("empty, lost", "empty", "lost"), incident("gone")
    alerts = replace(board.alerts, incidents=(about, alone))
    items = attention(board.assets, board.jobs, [], alerts, now=10.0)
    found = {item.name: item.incident for item in items if item.incident or item.name == "gone"}
    assert found == {"empty": about, "lost": about, "gone": alone}
    assert {item.name: item.runbook for item in items if item.runbook} == {
        "empty": "https://wiki.example.com/empty",
        "lost": "ring the desk",
        "gone": "ring the desk",
    }
    assert "ring the desk" in page(replace(board, attention=items))


def test_jobs_count_the_runs_that_dagster_has(board: Board, instance: dg.DagsterInstance) -> None:
    runs = instance.get_run_records()
    for job in board.jobs:
        records = [record for record in runs if record.dagster_run.job_name == job.job]
        assert job.location == "shop"
        assert sum(day.failed for day in job.days) == sum(
            record.dagster_run.is_failure for record in records
        )
        assert sum(day.succeeded for day in job.days) == sum(
            record.dagster_run.is_success for record in records
        )
        assert job.last_run_id == records[0].dagster_run.run_id
    nightly = next(job for job in board.jobs if job.job == "nightly")
    assert nightly.failing_since == min(
        record.end_time or 0.0 for record in runs if record.dagster_run.job_name == "nightly"
    )


def test_the_page_escapes_what_it_shows_and_needs_nothing_else(board: Board) -> None:
    html = page(board, ui_url="https://dagster.acme.test", is_file=True)
    assert html.count("<h1") == 1
    assert "src=" not in html
    assert "<link" not in html
    assert 'href="https://dagster.acme.test/board/assets/prices"' in html
    assert "<script" not in html
    wicked = replace(
        board, attention=[replace(board.attention[0], text="<script>alert(1)</script>")]
    )
    assert "<script>alert" not in page(wicked)


def test_the_page_shows_what_is_muted_and_by_whom(
    board: Board, instance: dg.DagsterInstance
) -> None:
    with Database(f"sqlite:///{instance.root_directory}/mutes.db").transaction() as connection:
        mute(
            connection,
            {"policy": "", "location": "shop", "job": "nightly", "asset": ""},
            Hand("ada", "we <migrate>"),
            until=2 * 86400.0,
            now=86400.0,
        )
        found = alerting(connection, now=86401.0)
    shown = page(replace(board, alerts=found))
    assert "job nightly of code location shop" in shown
    assert "muted by ada until 1970-01-03 00:00 UTC: we &lt;migrate&gt;" in shown


def test_growth_is_that_of_the_days_between_the_first_and_the_last_size(board: Board) -> None:
    first = date(2026, 11, 1)
    sizes = {
        first: {"storage_bytes": 1024.0},
        first + timedelta(days=1): {"storage_bytes": 9_999.0, "storage_bytes/a.duckdb": 5_000.0},
        first + timedelta(days=4): {"storage_bytes": 5 * 1024.0},
    }
    found = page_module._storage(replace(board.history, sizes=sizes))
    assert found["growth"] == {"storage_bytes": 1024.0, "storage_bytes/a.duckdb": None}
    html = page(replace(board, history=replace(board.history, sizes=sizes)))
    assert '<td>Growth a day</td><td class="number">+1.0 KiB</td>' in html
    assert html.index("2026-11-05") < html.index("2026-11-02") < html.index("2026-11-01")


def test_sizes_are_read_as_people_do() -> None:
    sizes = [0.0, 1023.0, 1024.0, -1.5 * 1024**2, 1024.0**3, 5e15]
    assert [wording.size(number) for number in sizes] == [
        "0 B", "1,023 B", "1.0 KiB", "-1.5 MiB", "1.0 GiB", "4,547.5 TiB",
    ]  # fmt: skip


def test_good_news_needs_no_attention(instance: dg.DagsterInstance) -> None:
    def incident(event_type: EventType) -> dict[str, Any]:
        return {
            "policy": "all", "fingerprint": event_type.value, "location": "shop",
            "subject": event_type.value, "event_type": event_type.value, "service": "log",
            "address": "", "first_at": 1.0, "last_at": 1.0, "occurrences": 1, "facts": "",
            "latest": "", "version": 1, "changed_at": 1.0, "last_entry_at": 0.0, "escalations": 0,
        }  # fmt: skip

    with Database(f"sqlite:///{instance.root_directory}/incidents.db").transaction() as connection:
        connection.execute(INCIDENTS.insert(), [incident(kind) for kind in EventType])
        found = alerting(connection, now=2.0).incidents

    good = {"JOB_SUCCESS", "ASSET_MATERIALIZATION_SUCCESS", "ASSET_CHECK_PASSED"}
    bad = {kind.value for kind in EventType} - good - {"ASSET_FRESHNESS_PASS"}
    assert {incident.subject for incident in found} == bad
