"""The board and its pages: what they show is what Dagster has, and a browser can show them."""

import gc
import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
import pytest
from axe_playwright_python.sync_playwright import Axe
from dagster._core.workspace.context import WorkspaceProcessContext
from playwright.sync_api import Browser, Page, Route
from starlette.testclient import TestClient
from tests.end_to_end.browser import needs_browser, open_browser

from orchestration_platform.alerts.facts.alert import Alert, Problem, Severity
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.board import asset_health
from orchestration_platform.board.history.check_window import Checks
from orchestration_platform.web.hosts import AllowedHosts
from orchestration_platform.web.login.settings import LoginFile, LoginSettings, Way
from orchestration_platform.web.server import PlatformWebserver

ORIGIN = "http://127.0.0.1"
HOSTS = AllowedHosts(frozenset({"127.0.0.1"}), ORIGIN)
NO_LOGIN = LoginSettings(way=Way.NONE, file=LoginFile())
PAGES = [
    "/board",
    "/board?saved",
    *(f"/board/assets/{name}" for name in ("full", "empty", "label", "odd", "late", "prices")),
    "/board/assets/sales",
    "/board/jobs/shop/nightly",
    "/board/jobs/shop/all_shelves",
    "/board/incidents/1",
    "/board/alerts",
]
NONE = "\N{EN DASH}"
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def client(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> Iterator[TestClient]:
    """The platform's webserver on the instance, in which an incident is open."""
    now = datetime.now(UTC).timestamp()
    alert = Alert(
        event_type="JOB_FAILURE", severity=Severity.ERROR, kind="Job", subject="nightly",
        at=now, location="shop", job_name="nightly",
        problems=(Problem("fails", "ValueError", "the night is short", "", ""),),
    ).to_json()  # fmt: skip
    with Database(database_url(instance)).transaction() as connection:
        connection.execute(INCIDENTS.insert().values(
            policy="slack_on_run_failure", fingerprint="1", location="shop", subject="nightly",
            event_type="JOB_FAILURE", service="slack", address="#data", first_at=now - 720,
            last_at=now, occurrences=2, facts=alert, latest=alert, version=2, changed_at=now,
            last_entry_at=0.0, escalations=0, acknowledged_at=now, acknowledged_by="ada",
        ))  # fmt: skip
    webserver = PlatformWebserver(workspace, HOSTS, NO_LOGIN)
    with TestClient(webserver.create_asgi_app(), base_url=ORIGIN) as found:
        yield found


def shown(client: TestClient, path: str) -> str:
    """The text of a page, without markup, with single spaces."""
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    body = answer.text.partition("<body>")[2]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def facts(client: TestClient, path: str) -> dict[str, str]:
    """The names and values that a page lists."""
    text = client.get(path).text
    found = re.findall(r"<dt[^>]*>(.*?)</dt><dd[^>]*>(.*?)</dd>", text, re.DOTALL)
    return {
        name: " ".join(html.unescape(re.sub(r"<[^>]+>", " ", value)).split())
        for name, value in found
    }


def test_the_first_scrape_asks_for_no_asset_that_was_read_ahead(
    workspace: WorkspaceProcessContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    webserver = PlatformWebserver(workspace, HOSTS, NO_LOGIN)
    webserver.read_ahead()
    gc.unfreeze()
    asked: list[dg.AssetKey] = []
    read = asset_health._all

    async def note(
        context: Any, keys: Sequence[dg.AssetKey], checks: Checks
    ) -> list[asset_health.AssetHealth]:
        asked.extend(keys)
        return await read(context, keys, checks)

    monkeypatch.setattr(asset_health, "_all", note)
    with TestClient(webserver.create_asgi_app(), base_url=ORIGIN) as client:
        assert 'dagster_asset_health{asset_key="full"' in client.get("/metrics").text
    assert asked == []


def test_the_collector_leaves_alone_what_was_read_ahead(
    workspace: WorkspaceProcessContext, request: pytest.FixtureRequest
) -> None:
    request.addfinalizer(gc.unfreeze)
    before = gc.get_freeze_count()
    PlatformWebserver(workspace, HOSTS, NO_LOGIN).read_ahead()
    assert gc.get_freeze_count() > before + 10_000


def test_the_board_leads_to_the_pages_of_what_needs_attention(client: TestClient) -> None:
    links = set(re.findall(r'href="(/board/[^"]+)"', client.get("/board").text))
    assert "/board/incidents/1" in links
    assert {"/board/assets/empty", "/board/jobs/shop/nightly"} <= links
    for link in links:
        assert client.get(link).status_code == 200, link


def test_the_board_shows_freshness_and_checks(
    client: TestClient, instance: dg.DagsterInstance, workspace: WorkspaceProcessContext
) -> None:
    text, storage = shown(client, "/board"), instance.event_log_storage
    assert "fail prices at most 1:00:00 old" in text
    checks = workspace.create_request_context().asset_graph.asset_check_keys
    executions = [
        one.status.value
        for check in checks
        for one in storage.get_asset_check_execution_history(check, limit=100)
    ]
    passed, ended = executions.count("SUCCEEDED"), len(executions) - executions.count("PLANNED")
    days = {
        str(datetime.fromtimestamp(one.create_timestamp, UTC).date())
        for check in checks
        for one in storage.get_asset_check_execution_history(check, limit=100)
    }
    assert f"{passed} of {ended} stored executions passed, the oldest of {min(days)}." in text
    row = re.search(r"empty not_empty failed 0 1 (\S+) odd looks_odd failed 0 1 (\S+)", text)
    assert row is not None
    assert {*row.groups()} <= days


def test_the_board_shows_what_an_asset_publishes_for_it(client: TestClient) -> None:
    text = shown(client, "/board")
    assert f"Tills till rolls state north 3 open south {NONE} <closed> By full" in text


def test_the_board_shows_the_last_size_of_each_storage_of_a_day(client: TestClient) -> None:
    storage = shown(client, "/board").partition("Storage, last 14 days")[2]
    sizes = r"Day, UTC Dagster shop\.duckdb Growth a day \S+ \S+ [\d-]{10} 3\.0 MiB 6\.0 MiB "
    assert re.match(f" {sizes}", storage), storage[:200]


def test_the_board_shows_what_assets_cost(client: TestClient, instance: dg.DagsterInstance) -> None:
    cost = shown(client, "/board").partition("Cost by asset, last 14 days")[2].partition("Tills")[0]
    made = instance.fetch_materializations(dg.AssetKey("full"), limit=100).records
    row = re.search(rf"full (\d+) [\d.]+ s (\d+) s {NONE} ([\d,]+) (\d+)", cost)
    assert row is not None, cost
    cpu = f"{75.5 * len(made):.0f}"
    assert row.groups() == (str(len(made)), cpu, f"{2048 * len(made):,}", str(3 * len(made)))
    assert facts(client, "/board/assets/full")["CPU in all"] == f"{cpu} s"
    assert f" of runs, {cpu} s of CPU, " in facts(client, "/board/jobs/shop/all_shelves")["Cost"]
    # what never took time, rows, bytes or calls is not listed
    assert "prices" not in cost


@pytest.mark.parametrize(
    "path", ["/board/assets/none", "/board/jobs/shop/none", "/board/incidents/99"]
)
def test_what_is_unknown_is_not_found(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("name", ["full", "empty", "label", "odd", "late", "prices", "sales"])
def test_an_asset_is_as_dagster_has_it(
    client: TestClient, instance: dg.DagsterInstance, workspace: WorkspaceProcessContext, name: str
) -> None:
    path, key = f"/board/assets/{name}", dg.AssetKey(name)
    text, found = shown(client, path), facts(client, path)
    records = instance.fetch_materializations(key, limit=100).records
    assert found["Materializations"] == str(len(records))
    for record in records:
        assert record.run_id[:8] in text
    node = workspace.create_request_context().asset_graph.get(key)
    for check in node.check_keys:
        for execution in instance.event_log_storage.get_asset_check_execution_history(check, 9):
            assert f"{execution.status.value.lower()}" in text
            assert execution.run_id[:8] in text
    for beside in (*node.parent_keys, *node.child_keys):
        assert f"{beside.to_user_string()} " in text
    assert found["Owners"] == (", ".join(node.owners) or NONE)


def test_an_asset_shows_its_policy_and_what_is_degraded_above(client: TestClient) -> None:
    assert facts(client, "/board/assets/prices")["Freshness"] == "fail: at most 1:00:00 old"
    assert facts(client, "/board/assets/full")["Freshness"] == "no policy"
    assert facts(client, "/board/assets/label")["Degraded upstream"] == "empty"


def test_a_job_is_as_dagster_has_it(client: TestClient, instance: dg.DagsterInstance) -> None:
    path = "/board/jobs/shop/nightly"
    text, found = shown(client, path), facts(client, path)
    records = instance.get_run_records(dg.RunsFilter(job_name="nightly"))
    assert text.count("failure") >= len(records)
    for record in records:
        assert record.dagster_run.run_id[:8] in text
    seconds = sum((one.end_time or 0.0) - (one.start_time or 0.0) for one in records)
    assert float(found["Cost"].split(" s")[0]) == pytest.approx(seconds, abs=0.06)
    assert found["Limit"] == "10.0 min; longer: 0 of 0"
    assert "#1 JOB_FAILURE" in text
    assert found["Duration"] == NONE


def test_a_job_that_succeeds_shows_its_durations(
    client: TestClient, instance: dg.DagsterInstance
) -> None:
    found = facts(client, "/board/jobs/shop/sales_job")
    records = instance.get_run_records(dg.RunsFilter(job_name="sales_job"))
    [took] = [
        (one.end_time or 0.0) - (one.start_time or 0.0)
        for one in records if one.dagster_run.is_success
    ]  # fmt: skip
    assert found["Duration"] == f"median {took:.1f} s, 95 % {took:.1f} s, successful runs: 1"
    waits = [
        (one.start_time or 0.0) - one.create_timestamp.replace(tzinfo=UTC).timestamp()
        for one in records
    ]
    assert float(found["In queue"].split()[1]) == pytest.approx(sum(waits) / 2, abs=0.06)


@dataclass
class Reading:
    """A page of the client in a browser that has no network."""

    page: Page
    client: TestClient
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route("**/*", self._answer)

    def _answer(self, route: Route) -> None:
        url = urlsplit(route.request.url)
        if f"{url.scheme}://{url.netloc}" != ORIGIN or not url.path.startswith("/board"):
            self.refused.append(route.request.url)
            route.abort()
            return
        request = route.request
        answer = self.client.request(
            request.method,
            f"{url.path}?{url.query}",
            content=request.post_data_buffer,
            headers=request.headers,
        )
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.content)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_browser() as found:
        yield found


@needs_browser
def test_a_person_mutes_a_job_on_a_phone_and_ends_that(
    browser: Browser, client: TestClient
) -> None:
    page = browser.new_page(viewport=PHONE)
    Reading(page, client)
    page.goto(f"{ORIGIN}/board/incidents/1")
    page.get_by_role("link", name="Mute what it is about").click()
    form = page.get_by_role("form", name="Mute", exact=True)
    assert form.get_by_label("Job").input_value() == "nightly"
    form.get_by_label("For how long").fill("3h")
    form.get_by_role("button", name="Mute").click()
    assert page.get_by_role("status").count() == 0, "the browser asks for the reason"
    form.get_by_label("Reason").fill("we <migrate>")
    form.get_by_role("button", name="Mute").click()
    done = page.get_by_role("status").inner_text()
    assert done.startswith("Done: job nightly of code location shop is muted by ")
    assert done.endswith(": we <migrate>")
    page.goto(f"{ORIGIN}/board")
    assert "job nightly of code location shop" in page.inner_text("main")
    page.get_by_role("link", name="Mute, drop, redirect, test").click()
    page.get_by_label("Reason to unmute job nightly").fill("we are done")
    page.get_by_role("button", name="Unmute").click()
    assert "is ended by" in page.get_by_role("status").inner_text()
    actions = page.get_by_role("region", name="Who did what").inner_text()
    assert actions.index("unmute") < actions.index("we <migrate>")
    page.close()


@needs_browser
def test_a_person_finds_the_assets_beneath_the_run_that_failed(
    browser: Browser, client: TestClient
) -> None:
    page = browser.new_page(viewport=PHONE)
    Reading(page, client)
    page.goto(f"{ORIGIN}/board")
    entry = page.get_by_role("region", name="Needs attention").locator("tr", has_text="sales_job")
    asset = entry.get_by_role("link", name="sales", exact=True)
    assert not asset.is_visible()
    entry.get_by_text("1 asset not made").click()
    assert "1 of 3 partitions failed" in entry.inner_text()
    asset.click()
    assert page.get_by_role("heading", level=1).inner_text().startswith("Degraded: sales")
    page.close()


@needs_browser
def test_the_board_loads_itself_again_each_minute(browser: Browser, client: TestClient) -> None:
    page = browser.new_page()
    Reading(page, client)
    page.clock.install()
    page.goto(f"{ORIGIN}/board")
    with page.expect_event("load"):
        page.clock.run_for(60_000)
    page.close()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_on_desk_and_phone_and_asks_for_nothing_else(
    browser: Browser, client: TestClient, scheme: str
) -> None:
    for size in (DESK, PHONE):
        page = browser.new_page(viewport=size, color_scheme=scheme)
        reading = Reading(page, client)
        for path in PAGES:
            page.goto(f"{ORIGIN}{path}")
            serious = [
                (path, finding["id"], [node["target"] for node in finding["nodes"]][:3])
                for finding in Axe().run(page).response["violations"]
                if finding["impact"] in ("serious", "critical")
            ]
            assert serious == []
            # only tables move sideways, within themselves
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (path, size)
        assert reading.refused == []
        assert reading.complaints == []
        page.close()
