"""Only a server's own pages, and programs, change something; reports have no rights there."""

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from shared_lib.web.own_pages import SECURITY_HEADERS, OwnPages
from shared_lib.web.reports import Reports


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    """A server on which everything is changed by POST, and which has one report."""
    (tmp_path / "one.html").write_text("<p>a report</p>")

    def done(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("done", headers={"X-Frame-Options": "SAMEORIGIN"})

    app = Starlette(
        routes=[
            Route("/", done, methods=["GET", "POST"]),
            Mount("/reports", Reports(directory=tmp_path)),
        ],
        middleware=[Middleware(OwnPages)],
    )
    return TestClient(app, base_url="http://127.0.0.1:3100")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:3100"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    ],
)
def test_a_program_and_an_own_page_change_something(
    client: TestClient, headers: dict[str, str]
) -> None:
    assert client.post("/", headers=headers).text == "done"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "http://127.0.0.1:3101"},
        {"Origin": "http://127.0.0.1"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:3100"},
    ],
)
def test_a_page_of_another_origin_changes_nothing(
    client: TestClient, headers: dict[str, str]
) -> None:
    refused = client.post("/", headers=headers)
    assert refused.status_code == 403
    assert "sends no changes to 127.0.0.1:3100" in refused.text
    assert client.get("/", headers=headers).text == "done"


def test_every_answer_has_the_headers_that_it_does_not_set_itself(client: TestClient) -> None:
    refused = client.post("/", headers={"Origin": "null"})
    assert {name: refused.headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS
    answer = client.get("/")
    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_report_is_in_an_origin_of_its_own(client: TestClient) -> None:
    policy = client.get("/reports/one.html").headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts;")
