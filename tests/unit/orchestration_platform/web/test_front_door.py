"""Which requests pass the front door, and what a refused one is answered."""

from http import HTTPStatus
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from orchestration_platform.web.front_door import refusal_of
from orchestration_platform.web.hosts import VARIABLE, AllowedHosts, AllowedHostsError

HOSTS = AllowedHosts(
    frozenset({"dagster.example.com", "localhost", "127.0.0.1", "::1"}),
    "https://dagster.example.com",
)
MUTATION = 'mutation { terminateRun(runId: "1") { __typename } }'
QUERY = "{ version }"
JSON = {"content-type": "application/json"}
JSON_HEADER = {"content_type": "application/json"}


def scope(method: str = "GET", target: str = "/graphql", **headers: str) -> Scope:
    """A request as the server hands it over; an underscore in a header's name is a hyphen."""
    path, _, query = target.partition("?")
    named = {"host": "localhost:3000"} | headers
    return {
        "type": "websocket" if method == "WEBSOCKET" else "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [
            (name.replace("_", "-").encode(), value.encode()) for name, value in named.items()
        ],
    }


def status(request: Scope) -> int | None:
    refusal = refusal_of(request, HOSTS)
    return None if refusal is None else refusal.status


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:3000", "LOCALHOST:3000", "127.0.0.1:3000", "[::1]:3000", "10.0.3.7:80",
     "dagster.example.com"],
)  # fmt: skip
def test_known_names_and_addresses_pass(host: str) -> None:
    assert status(scope(host=host)) is None


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:3000", "localhost.evil.example", "127.0.0.1.evil.example", "",
     "dagster.example.com.evil.example", "evil.example@localhost", "[::1", "localhost evil"],
)  # fmt: skip
def test_other_names_do_not_pass_even_with_our_address(host: str) -> None:
    assert status(scope(host=host)) == HTTPStatus.MISDIRECTED_REQUEST


@pytest.mark.parametrize(
    "query",
    [
        MUTATION,
        f"query Harmless {{ version }} {MUTATION}",
        "mutation Named($id: String!) { terminateRun(runId: $id) { __typename } }",
        "fragment all on LaunchRunResult { __typename } mutation { launchRun { ...all } }",
        f"# query\n{MUTATION}",
        f"\ufeff{MUTATION}",
    ],
)
def test_a_mutation_by_get_is_refused(query: str) -> None:
    refused = HTTPStatus.METHOD_NOT_ALLOWED
    assert status(scope(target=f"/graphql?query={quote(query)}")) == refused
    assert status(scope(target=f"/graphql?query={quote(QUERY)}&query={quote(query)}")) == refused
    assert status(scope(target=f"/prefix/graphql/?query={quote(query)}")) == refused


@pytest.mark.parametrize("headers", [
    {"sec_fetch_site": "cross-site"},
    {"sec_fetch_site": "same-site"},
    {"origin": "https://evil.example"},
])  # fmt: skip
def test_a_page_of_another_site_sends_no_queries(headers: dict[str, str]) -> None:
    """A query can run the code of a schedule: its dry run is a field of a query."""
    target = f"/graphql?query={quote(QUERY)}"
    assert status(scope(target=target, **headers)) == HTTPStatus.FORBIDDEN
    assert status(scope(target=target, sec_fetch_site="same-origin")) is None
    # a link to the page itself
    assert status(scope(target="/graphql", **headers)) is None


def test_what_the_browser_says_of_the_page_counts_before_its_origin() -> None:
    ours = {"origin": "https://dagster.example.com", "host": "dagster.example.com"}
    assert status(scope("POST", **ours, **JSON_HEADER)) is None
    crossing = scope("POST", **ours, **JSON_HEADER, sec_fetch_site="cross-site")
    assert status(crossing) == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("query", [QUERY, "query mutation { version }", "not graphql", ""])
def test_a_query_by_get_passes(query: str) -> None:
    assert status(scope(target=f"/graphql?query={quote(query)}")) is None


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "text/plain; application/json", "application/x-www-form-urlencoded",
     "multipart/form-data; boundary=application/json", "application/graphql"],
)  # fmt: skip
def test_graphql_is_posted_as_json(content_type: str) -> None:
    posted = scope("POST", content_type=content_type)
    assert status(posted) == HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    assert status(scope("POST", content_type="application/json; charset=utf-8")) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "WEBSOCKET"])
@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),  # no browser
        ({"origin": "http://localhost:3000"}, True),
        ({"origin": "https://dagster.example.com"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"origin": "http://localhost:8888"}, False),  # another program on this machine
        ({"origin": "http://evil.example"}, False),
        ({"origin": "http://dagster.example.com"}, False),  # not the scheme of ours
        ({"origin": "https://dagster.example.com.evil.example"}, False),
        ({"origin": "null"}, False),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"origin": "null", "sec_fetch_site": "cross-site"}, False),
    ],
)
def test_changes_come_from_our_pages_and_from_programs(
    method: str, headers: dict[str, str], *, passes: bool
) -> None:
    request = scope(method, "/graphql", content_type="application/json", **headers)
    assert status(request) == (None if passes else HTTPStatus.FORBIDDEN)
    reported = scope(method, "/report_asset_materialization/prices", **headers)
    assert status(reported) == (None if passes else HTTPStatus.FORBIDDEN)


@given(host=st.text(max_size=40), target=st.text(max_size=40), origin=st.text(max_size=40))
def test_any_request_is_answered(host: str, target: str, origin: str) -> None:
    request = scope("POST", "/graphql")
    request["query_string"] = target.encode()
    request["headers"] = [
        (b"host", host.encode("latin-1", "replace")),
        (b"origin", origin.encode("latin-1", "replace")),
    ]
    assert status(request) is not None
    request["method"] = "GET"
    refusal_of(request, HOSTS)


def test_the_environment_names_the_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "production")
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", "http://webserver:3000")
    monkeypatch.setenv("PLATFORM_UI_URL", "https://dagster.acme.test/")
    monkeypatch.setenv(VARIABLE, "Board.acme.test")

    hosts = AllowedHosts.from_environment()

    assert all(map(hosts.has, ("dagster.acme.test", "board.acme.test:443", "webserver:3000")))
    assert not hosts.has("acme.test")
    assert hosts.may_change("https://dagster.acme.test", "webserver:3000")


@pytest.mark.parametrize("environment", ["qa", "production"])
def test_the_shipped_example_is_no_address(
    environment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
    with pytest.raises(AllowedHostsError, match=r"^PLATFORM_UI_URL: set it to the address"):
        AllowedHosts.from_environment()


@pytest.mark.parametrize(
    "entry", ["https://a.test", "a.test:80", "a.test/board", "a b", "*.a.test"]
)
def test_an_entry_that_is_no_host_name_is_an_error(
    entry: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, f"fine.test,{entry}")
    with pytest.raises(AllowedHostsError, match="is not a host name; allowed are names such as"):
        AllowedHosts.from_environment()
