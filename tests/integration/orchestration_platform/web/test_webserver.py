"""The real webserver behind the front door: what programs, pages and attackers get from it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import quote, urlsplit

import dagster as dg
import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.end_to_end.browser import needs_browser, open_browser
from tests.support.servers import wait_until_it_answers
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from orchestration_platform.alerts.control.known_names import known_names
from orchestration_platform.health.platform_health import save_board
from sandboxes.ports import reserved_port
from sandboxes.waiting import PATIENCE_SECONDS, wait_until
from shared_lib.configuration.environment import current_settings

REPOSITORY = Path(__file__).parents[4]
PROMETHEUS = shutil.which("prometheus")

WORKSPACE = "load_from:\n  - python_file: {relative_path: shop.py, location_name: shop}\n"
SHOP = "import dagster as dg\n\n@dg.asset\ndef shelves(): ...\n\ndefs = dg.Definitions([shelves])\n"

# wipes what is known of an asset: what an attacker would send
WIPE = (
    'mutation { wipeAssets(assetPartitionRanges: [{assetKey: {path: ["prices"]}}]) { __typename } }'
)
VERSION = "{ version }"

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="48"></svg>'

# What a page can send to another site without asking it first, and then what needs asking.
HOSTILE_PAGE = """<!doctype html><title>waiting</title>
<img src="{url}/graphql?query={wipe}">
<form method="post" enctype="text/plain" action="{url}/graphql?query={wipe}" target="inner">
  <input name="x" value="y"></form>
<iframe name="inner"></iframe>
<script>
  const body = JSON.stringify({{query: decodeURIComponent("{wipe}")}});
  const post = (path, options) => fetch("{url}" + path, {{method: "POST", body, ...options}});
  document.querySelector("form").submit();
  Promise.allSettled([
    post("/graphql", {{mode: "no-cors"}}),
    post("/graphql", {{headers: {{"Content-Type": "application/json"}}}}),
    post("/report_asset_materialization/shelves", {{mode: "no-cors"}}),
    new Promise((open, refused) => {{
      const socket = new WebSocket("{url}/graphql".replace("http", "ws"), "graphql-ws");
      socket.onopen = open; socket.onerror = refused;
    }}),
  ]).then(results => {{ document.title = results.map(result => result.status).join(" "); }});
</script>
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a webserver whose instance knows the asset ``prices``."""
    home = tmp_path_factory.mktemp("web")
    shutil.copy(REPOSITORY / "dagster.local.yaml", home / "dagster.yaml")
    (home / "workspace.yaml").write_text(WORKSPACE)
    (home / "shop.py").write_text(SHOP)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with dg.DagsterInstance.get() as instance:
            years = dg.MetadataValue.md("![It grows](/reports/shop.svg)\n\n| Year |\n| ---: |")
            for asset, metadata in (("prices", {}), ("shelves", {"years": years})):
                event = dg.AssetMaterialization(asset, metadata=metadata)
                instance.report_runless_asset_event(event)
    reports = home / "data" / "reports"
    reports.mkdir(parents=True)
    (reports / "shop.svg").write_text(PICTURE)
    (reports / "404.html").write_text("<script>parent.alert()</script>")
    (reports / "index.html").write_text("<title>Reports</title>")
    (reports / "latest.html").symlink_to("index.html")
    (home / "data" / "shop.duckdb").write_text("pay")
    port = reserved_port()
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "orchestration_platform.web", "serve", "--port", str(port)],
            cwd=home, stdout=log, stderr=log,
            env=os.environ
            | {"DAGSTER_HOME": str(home), "PLATFORM_DATA_DIRECTORY": str(home / "data")},
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_it_answers(f"{url}/healthz", server, home / "log", seconds=PATIENCE_SECONDS)
        yield url
    finally:
        server.terminate()
        assert server.wait(30) == 0, (home / "log").read_text()


def is_known(url: str) -> bool:
    """Whether Dagster still knows the asset."""
    query = """{ assetOrError(assetKey: {path: ["prices"]}) {
        ... on Asset { assetMaterializations { runId } }
    } }"""
    answer = requests.post(f"{url}/graphql", json={"query": query}, timeout=PATIENCE_SECONDS).json()
    return bool(answer["data"]["assetOrError"].get("assetMaterializations"))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (("GET", f"/graphql?query={quote(WIPE)}", {}, None), 405),
        (("GET", f"/graphql?query={quote('{version}')}&query={quote(WIPE)}", {}, None), 405),
        (("POST", f"/graphql?query={quote(WIPE)}", {}, None), 415),
        (("POST", "/graphql", {"content-type": "text/plain"}, {"query": WIPE}), 415),
        (
            ("POST", "/graphql", {"content-type": "text/plain;application/json"}, {"query": WIPE}),
            415,
        ),
        (("POST", "/graphql", {"origin": "http://evil.example"}, {"query": WIPE}), 403),
        (("POST", "/graphql", {"origin": "null"}, {"query": WIPE}), 403),
        (("POST", "/graphql", {"sec-fetch-site": "cross-site"}, {"query": WIPE}), 403),
        (("POST", "/graphql", {"host": "evil.example"}, {"query": WIPE}), 421),
        (("GET", "/", {"host": "evil.example"}, None), 421),
        (
            ("POST", "/report_asset_materialization/prices", {"origin": "http://evil.example"}, {}),
            403,
        ),
    ],
)
def test_an_attack_is_refused_and_changes_nothing(
    url: str, request_: tuple[str, str, dict[str, str], object], status: int
) -> None:
    method, target, headers, body = request_
    headers = {"content-type": "application/json"} | headers if body is not None else headers

    answer = requests.request(
        method, url + target, headers=headers, data=json.dumps(body) if body is not None else None,
        timeout=PATIENCE_SECONDS,
    )  # fmt: skip

    assert answer.status_code == status, answer.text
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert is_known(url)


def test_programs_and_our_own_pages_pass(url: str) -> None:
    host = urlsplit(url).netloc
    for headers in (
        {},
        {"origin": url},
        {"sec-fetch-site": "same-origin"},
        {"host": f"localhost:{host.partition(':')[2]}"},
    ):
        answer = requests.post(
            f"{url}/graphql", json={"query": VERSION}, headers=headers, timeout=PATIENCE_SECONDS
        )
        assert answer.json()["data"]["version"]
    assert requests.get(f"{url}/graphql?query={quote(VERSION)}", timeout=PATIENCE_SECONDS).ok
    page = requests.get(url, timeout=PATIENCE_SECONDS)
    # Dagster's own policy for its scripts stays
    assert "script-src" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"


@contextmanager
def other_site(html: str) -> Iterator[str]:
    """Serve a page at another address of this machine, which a browser lets reach ours."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(html.encode())

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - its name

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@needs_browser
def test_a_page_of_another_site_changes_nothing(url: str) -> None:
    html = HOSTILE_PAGE.format(url=url, wipe=quote(WIPE))
    with other_site(html) as address, open_browser() as browser:
        page = browser.new_page()
        page.goto(address, wait_until="load")
        page.wait_for_function("document.title != 'waiting'")

        assert page.title() == "rejected rejected rejected rejected"
    assert is_known(url)


def test_the_board_and_the_metrics_are_beside_the_ui(url: str) -> None:
    board = requests.get(f"{url}/board", timeout=PATIENCE_SECONDS)
    assert board.ok
    assert "location.reload()" in board.text
    assert "shelves" in board.text
    exposed = requests.get(f"{url}/metrics", timeout=PATIENCE_SECONDS)
    families = {family.name for family in text_string_to_metric_families(exposed.text)}
    assert {"dagster_asset_health", "dagster_active_runs", "dagster_incidents_open"} <= families
    assert exposed.headers["Content-Type"].startswith("text/plain; version=0.0.4")


@pytest.mark.parametrize("page", ["index.html", "latest.html", ""])
def test_reports_are_served_without_rights_in_dagster(url: str, page: str) -> None:
    answer = requests.get(f"{url}/reports/{page}", timeout=PATIENCE_SECONDS)

    assert answer.text == "<title>Reports</title>"
    assert answer.headers["Content-Type"].startswith("text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "sandbox" in policy
    assert "allow-same-origin" not in policy
    assert "frame-ancestors 'none'" in policy


def test_the_page_of_a_missing_report_has_no_rights_either(url: str) -> None:
    answer = requests.get(f"{url}/reports/nothing.html", timeout=PATIENCE_SECONDS)
    assert answer.status_code == 404
    assert "sandbox" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["nothing.html", "%2e%2e/shop.duckdb", "..%2fshop.duckdb"])
def test_nothing_but_reports_is_served_as_one(url: str, path: str) -> None:
    assert requests.get(f"{url}/reports/{path}", timeout=PATIENCE_SECONDS).status_code == 404


@needs_browser
def test_the_page_of_an_asset_shows_the_picture_of_its_report(url: str) -> None:
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.goto(f"{url}/assets/shelves")
        picture = page.get_by_alt_text("It grows")
        picture.wait_for(timeout=60_000)
        assert (
            picture.evaluate("picture => picture.decode().then(() => picture.naturalWidth)") == 64
        )


@pytest.mark.skipif(not PROMETHEUS, reason="prometheus is not installed")
def test_prometheus_scrapes_the_metrics(url: str, tmp_path: Path) -> None:
    shipped = REPOSITORY / "deploy" / "prometheus"
    shutil.copy(shipped / "dagster_alerts.yml", tmp_path)
    configuration = yaml.safe_load((shipped / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": "5s", "scrape_timeout": "5s"}
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [urlsplit(url).netloc]}]
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    address = f"127.0.0.1:{reserved_port()}"
    with (tmp_path / "log").open("wb") as log:
        prometheus = subprocess.Popen(
            [PROMETHEUS or "", "--config.file=prometheus.yml", f"--web.listen-address={address}"],
            cwd=tmp_path, stdout=log, stderr=log,
        )  # fmt: skip

    def found(query: str) -> list[dict[str, Any]]:
        answer = requests.get(
            f"http://{address}/api/v1/query", params={"query": query}, timeout=PATIENCE_SECONDS
        )
        return answer.json()["data"]["result"]

    try:
        wait_until_it_answers(
            f"http://{address}/-/healthy", prometheus, tmp_path / "log", seconds=PATIENCE_SECONDS
        )
        wait_until(
            lambda: requests.get(f"http://{address}/-/ready", timeout=PATIENCE_SECONDS).ok,
            seconds=PATIENCE_SECONDS,
        )
        wait_until(lambda: found("up == 1"), seconds=PATIENCE_SECONDS)
        wait_until(lambda: found("dagster_asset_health"), seconds=PATIENCE_SECONDS)
        [asset] = found("dagster_asset_health")
        assert asset["metric"]["asset_key"] == "shelves"
        # another test may have made it
        assert asset["metric"]["health"] in ("unknown", "healthy")
        assert len(found("dagster_exporter_last_scrape_success == 1")) == 6
    finally:
        prometheus.terminate()
        prometheus.wait(30)


def test_platform_health_saves_the_board(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", url)
    monkeypatch.setenv("PLATFORM_UI_URL", "https://dagster.acme.test")
    settings = current_settings()

    metadata = save_board(settings)

    assert metadata["board"].value == "https://dagster.acme.test/board"
    page = settings.report_directory / "board.html"
    assert metadata["saved_board"].value == str(page)
    saved = page.read_text()
    assert "<script" not in saved
    # links of a file need a host: the one that people open
    assert 'href="http://127.0.0.1:3000/board/assets/shelves"' in saved
    assert list(page.parent.iterdir()) == [page]
    # no daemon runs beside the webserver
    table = metadata["needs_attention"]
    assert isinstance(table, dg.TableMetadataValue)
    assert table.records[0].data.items() >= {
        "state": "degraded", "kind": "Daemon", "name": "dagster-daemon", "incident": "",
    }.items()  # fmt: skip
    assert "Degraded: dagster-daemon: no recent heartbeat" in str(metadata["state"].value)


def test_what_has_never_run_can_be_muted_by_name(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", url)
    with dg.DagsterInstance.ephemeral() as instance:
        names, problem = known_names(instance, job="")
        assert names == {"location": ["shop"], "job": [], "asset": ["shelves"]}
        assert problem == ""
        monkeypatch.setenv("DAGSTER_WEBSERVER_URL", f"http://127.0.0.1:{reserved_port()}")
        names, problem = known_names(instance, job="")
    assert names == {"location": [], "job": [], "asset": []}
    assert problem.startswith("names in the workspace are unknown: Dagster at")


def test_platform_health_sends_its_token_to_the_webserver_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("DAGSTER_WEBSERVER_TOKEN", "of-the-board")
    sent: list[str | None] = []

    class Redirects(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            sent.append(self.headers["Authorization"])
            self.send_response(302 if len(sent) == 1 else 200)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...  # noqa: A002 - its name

    with ThreadingHTTPServer(("127.0.0.1", 0), Redirects) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("DAGSTER_WEBSERVER_URL", f"http://127.0.0.1:{server.server_port}")
        save_board(current_settings())
        server.shutdown()
    assert sent == ["Bearer of-the-board"]
    assert not (tmp_path / "reports").exists()

    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", "http://dagster.acme.test")
    saved = save_board(current_settings())["saved_board"].value
    assert str(saved).startswith("not saved: a token is not sent unencrypted to dagster.acme.test")


def test_platform_health_reports_a_webserver_that_does_not_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", f"http://127.0.0.1:{reserved_port()}")

    metadata = save_board(current_settings())

    assert "does not answer (ConnectionError)" in str(metadata["saved_board"].value)
    assert not (tmp_path / "reports").exists()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
@needs_browser
def test_the_board_fits_a_desk_and_a_phone(url: str, width: int, scheme: Any) -> None:
    with open_browser() as browser:
        page = browser.new_page(
            viewport={"width": width, "height": 800}, color_scheme=scheme, java_script_enabled=False
        )
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        page.goto(f"{url}/board")

        assert requested == [f"{url}/board"]
        [heading] = page.get_by_role("heading", level=1).all()
        assert heading.inner_text().startswith("Degraded: dagster-daemon: no recent heartbeat")
        box = page.locator("main").bounding_box()
        assert box is not None
        assert box["width"] <= width


def socket(url: str, **headers: str) -> ClientConnection:
    return connect(
        url.replace("http", "ws") + "/graphql", subprotocols=[Subprotocol("graphql-ws")],
        additional_headers=headers, open_timeout=PATIENCE_SECONDS,
    )  # fmt: skip


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_a_foreign_page_opens_no_socket(url: str, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus, match="403"), socket(url, **headers):
        pass


def test_a_socket_runs_no_mutation(url: str) -> None:
    with socket(url, Origin=url) as connection:
        connection.send(json.dumps({"type": "start", "id": "1", "payload": {"query": WIPE}}))
        assert json.loads(connection.recv(timeout=PATIENCE_SECONDS))["type"] != "data"
    assert is_known(url)
