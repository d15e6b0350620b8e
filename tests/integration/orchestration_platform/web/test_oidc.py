"""Login by OpenID Connect against a real provider, and what is wrong with its tokens."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from dagster._core.workspace.context import WorkspaceProcessContext
from httpx2 import Response
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from tests.integration.orchestration_platform.web.oidc_provider import (
    CLIENT,
    SECRET,
    OidcProvider,
    oidc_provider,
)
from tests.integration.orchestration_platform.web.platform_app import (
    App,
    app_with_login,
    loaded_workspace,
)

from orchestration_platform.web.database import WebDatabase
from orchestration_platform.web.hosts import AllowedHosts
from orchestration_platform.web.login.sessions import Session, Sessions
from sandboxes.certificates import write_certificate
from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.configuration.validated_yaml import ConfigurationError

ORIGIN = "https://localhost"
HOSTS = AllowedHosts(frozenset({"localhost"}), ORIGIN)
COOKIE = "__Host-platform_session"
PAGE = {"Accept": "text/html"}
PEOPLE = {
    "ada": {"email": "ada@acme.test", "groups": ["admins"], "email_verified": True},
    "eve": {"email": "eve@acme.test", "groups": ["others"]},
    "mallory": {"email": "ada@acme.test", "groups": ["admins"], "email_verified": False},
}
SETTINGS = """
grants: [{role: admin, groups: [admins]}]
oidc: {issuer: "ISSUER", client_id: dagster, client_secret_file: SECRET}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oidc")


@pytest.fixture(scope="module")
def workspace(home: Path) -> Iterator[WorkspaceProcessContext]:
    with loaded_workspace(home) as context:
        yield context


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[OidcProvider]:
    certificate = write_certificate(home)
    with (
        pytest.MonkeyPatch.context() as patch,
        oidc_provider(f"{ORIGIN}/auth/callback", PEOPLE, certificate=certificate) as provider,
    ):
        for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            patch.setenv(variable, str(certificate))
        yield provider


@pytest.fixture
def provider(server: OidcProvider) -> OidcProvider:
    server.changed, server.signs_with, server.sends_id_token = {}, "RS256", True
    server.requests.clear()
    return server


def served(workspace: WorkspaceProcessContext, home: Path, issuer: str, settings: str) -> App:
    secret = home / "client_secret"
    secret.write_text(f"{SECRET}\n")
    secret.chmod(0o600)
    text = settings.replace("ISSUER", issuer).replace("SECRET", str(secret))
    return app_with_login(workspace, home, way="oidc", settings=text, hosts=HOSTS)


@pytest.fixture(scope="module")
def app(workspace: WorkspaceProcessContext, home: Path, server: OidcProvider) -> App:
    return served(workspace, home, server.url, SETTINGS)


@pytest.fixture
def browser(app: App) -> TestClient:
    return app.client(url=ORIGIN)


def begun(browser: TestClient, target: str = "/auth/login") -> str:
    """Begin a login; returns where the provider is."""
    answer = browser.get(target)
    assert answer.status_code == 302
    return answer.headers["location"]


def back_from(authorization: str, person: str) -> str:
    """Log in at the provider; returns where it sends the browser."""
    answer = requests.get(
        f"{authorization}&person={person}", allow_redirects=False, timeout=PATIENCE_SECONDS
    )
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"].removeprefix(ORIGIN)


def log_in(browser: TestClient, person: str = "ada") -> Response:
    return browser.get(back_from(begun(browser), person))


def test_a_person_logs_in_and_returns_to_the_page(
    browser: TestClient, app: App, provider: OidcProvider
) -> None:
    sent_away = browser.get("/board?saved", headers=PAGE)
    assert sent_away.status_code == 303
    returned = browser.get(back_from(begun(browser, sent_away.headers["location"]), "ada"))
    assert (returned.status_code, returned.headers["location"]) == (303, "/board?saved")
    (cookie,) = [
        value for value in returned.headers.get_list("set-cookie") if value.startswith(COOKIE)
    ]
    assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert browser.get("/board", headers=PAGE).status_code == 200
    assert "ada@acme.test" in browser.get("/auth/").text
    (asked,) = provider.requests
    assert asked["code_challenge_method"] == "S256"
    assert {"state", "nonce", "code_challenge"} <= set(asked)

    launch = """mutation { launchRun(executionParams: {selector: {repositoryLocationName: "shop",
        repositoryName: "__repository__", jobName: "report"}}) {
        ... on LaunchRunSuccess { run { runId } } } }"""
    answer = browser.post("/graphql", json={"query": launch}, headers={"Origin": ORIGIN}).json()
    run = app.instance.get_run_by_id(answer["data"]["launchRun"]["run"]["runId"])
    assert run is not None
    assert run.tags["user"] == "ada@acme.test"


def test_a_stranger_is_asked_to_log_in(browser: TestClient) -> None:
    for forged in (None, "forged", "A" * 43):
        browser.cookies.clear()
        if forged:
            browser.cookies.set(COOKIE, forged)
        assert browser.get("/runs", headers=PAGE).headers["location"] == "/auth/login?next=%2Fruns"
        assert browser.post("/graphql", json={"query": "{version}"}).status_code == 401
        with (
            pytest.raises(WebSocketDisconnect),
            browser.websocket_connect("wss://localhost/graphql", subprotocols=["graphql-ws"]),
        ):
            pass


# seconds from now, since names of tests must not depend on the time
TIMES = ("exp", "iat", "nbf")


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "another"},
        {"aud": ["another"]},
        {"aud": "another", "azp": CLIENT},  # which Authlib alone accepts
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"aud": None},
        {"exp": -3600, "iat": -7200},
        {"exp": None},
        {"nbf": 3600},
        {"iss": "https://login.another.test"},
        {"iss": None},
        {"nonce": "of another login"},
        {"nonce": None},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
        {"sub": None},
        {"email": None},
        {"email": ["ada@acme.test"]},
        {"email": "ada@acme.test,eve"},
        {"email_verified": False},
        {"email_verified": "false"},
        {"groups": "admins"},
        {"groups": {"admins": True}},
        {"groups": None},
    ],
    ids=str,
)
def test_a_wrong_id_token_opens_no_session(
    browser: TestClient, provider: OidcProvider, changed: dict[str, Any]
) -> None:
    now = int(time.time())
    provider.changed = {
        name: now + value if name in TIMES and value else value for name, value in changed.items()
    }
    answer = log_in(browser)
    assert answer.status_code == 403, answer.text
    assert COOKIE not in browser.cookies
    assert browser.get("/board", headers=PAGE).status_code == 303


@pytest.mark.parametrize("signs_with", ["none", "another key"])
def test_an_id_token_is_signed_by_the_provider(
    browser: TestClient, provider: OidcProvider, signs_with: str
) -> None:
    provider.signs_with = signs_with
    assert log_in(browser).status_code == 403
    provider.signs_with = "RS256"
    assert log_in(browser).status_code == 303
    provider.sends_id_token = False
    assert log_in(browser).status_code == 403


@pytest.mark.parametrize("person", ["eve", "mallory"])
def test_a_person_without_a_role_gets_no_session(
    browser: TestClient, provider: OidcProvider, person: str
) -> None:
    assert log_in(browser, person).status_code == 403
    assert COOKIE not in browser.cookies


def test_an_answer_of_the_provider_counts_once_and_in_one_browser(
    app: App, browser: TestClient, provider: OidcProvider
) -> None:
    authorization = begun(browser)
    waiting = dict(browser.cookies)
    callback = back_from(authorization, "ada")
    assert app.client(url=ORIGIN).get(callback).status_code == 403  # another browser
    assert browser.get(callback).status_code == 303
    assert browser.get(callback).status_code == 403  # the same page once more
    copied = app.client(url=ORIGIN)
    copied.cookies.update(waiting)
    assert copied.get(callback).status_code == 403  # with the cookie of before: the code is used
    assert COOKIE not in copied.cookies


def test_a_stolen_code_is_worth_nothing_in_another_login(
    app: App, browser: TestClient, provider: OidcProvider
) -> None:
    stolen = parse_qs(urlsplit(back_from(begun(browser), "ada")).query)["code"][0]
    thief = app.client(url=ORIGIN)
    state = parse_qs(urlsplit(begun(thief)).query)["state"][0]
    assert thief.get(f"/auth/callback?code={stolen}&state={state}").status_code == 403
    assert COOKIE not in thief.cookies


def test_logging_out_ends_the_session_also_for_a_copy_of_its_cookie(
    app: App, browser: TestClient, provider: OidcProvider
) -> None:
    log_in(browser)
    other = app.client(url=ORIGIN)
    log_in(other)
    copied = app.client(url=ORIGIN)
    copied.cookies.set(COOKIE, browser.cookies[COOKIE])
    assert copied.get("/board").status_code == 200

    assert browser.get("/auth/logout").status_code == 405  # no link or picture logs out
    elsewhere = {"Origin": "https://evil.test"}
    assert browser.post("/auth/logout", headers=elsewhere).status_code == 403
    assert browser.post("/auth/logout", headers={"Origin": ORIGIN}).status_code == 303

    assert COOKIE not in browser.cookies
    assert [client.get("/board").status_code for client in (browser, copied, other)] == [
        401, 401, 200,
    ]  # fmt: skip
    assert "logged out" in browser.get("/auth/").text


@pytest.mark.parametrize(
    "target",
    ["//evil.test", "https://evil.test", "/\\evil.test", "\\evil.test", "/%09/evil.test", "evil",
     "javascript:alert(1)", "/\\/evil.test", ""],
)  # fmt: skip
def test_a_login_leads_to_our_own_pages_only(
    browser: TestClient, provider: OidcProvider, target: str
) -> None:
    authorization = begun(browser, f"/auth/login?next={target}")
    assert browser.get(back_from(authorization, "ada")).headers["location"] == "/"


def test_what_the_provider_says_is_not_shown(browser: TestClient, provider: OidcProvider) -> None:
    begun(browser)
    answer = browser.get("/auth/callback?error=denied&error_description=<script>alert(1)</script>")
    assert (answer.status_code, "script" in answer.text) == (403, False)
    assert browser.get("/auth/callback").status_code == 403
    assert browser.get("/auth/callback?code=1&state=2").status_code == 403


def test_a_person_who_loses_the_role_is_refused_at_once(
    workspace: WorkspaceProcessContext, home: Path, browser: TestClient, provider: OidcProvider
) -> None:
    log_in(browser)
    later = served(workspace, home, provider.url, SETTINGS.replace("[admins]", "[owners]"))
    client = later.client(url=ORIGIN)
    client.cookies.set(COOKIE, browser.cookies[COOKIE])
    assert client.get("/board").status_code == 403


def test_a_provider_that_does_not_answer_lets_nobody_in(
    workspace: WorkspaceProcessContext, home: Path
) -> None:
    app = served(workspace, home, "http://127.0.0.1:9", SETTINGS)
    assert app.client(url=ORIGIN).get("/auth/login").status_code == 502


def test_the_secret_is_in_a_file(workspace: WorkspaceProcessContext, home: Path) -> None:
    for secret, problem in (("/nowhere", "No such file"), (str(home / "empty"), "is empty")):
        (home / "empty").touch(mode=0o600)
        settings = SETTINGS.replace("SECRET", secret)
        with pytest.raises(ConfigurationError, match=re.escape(problem)):
            served(workspace, home, "https://login.acme.test", settings)


def test_a_session_ends_by_itself(tmp_path: Path) -> None:
    now = 1_000.0
    database = WebDatabase(f"sqlite:///{tmp_path / 'web.db'}")
    sessions = Sessions(database, hours=8, now=lambda: now)
    key = sessions.open(Session("ada", ["admins"]))
    now += 8 * 3600 - 1
    assert sessions.find(key) == Session("ada", ["admins"])
    now += 1
    assert sessions.find(key) is None
    assert key not in (tmp_path / "web.db").read_bytes().decode("latin-1")
