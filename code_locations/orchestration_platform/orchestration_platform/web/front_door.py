"""Which requests reach Dagster's webserver.

Dagster's webserver asks nobody who they are, runs GraphQL mutations by GET, and answers under any
``Host`` to any ``Origin``. Any page in a browser that can reach it could start or delete runs. The
front door lets a request through only if

- its host name is ours, so that a foreign name with our address (DNS rebinding) reads nothing;
- it changes nothing, or comes from our own page or from a program that is not a browser;
- a GraphQL operation that changes something is a POST with a JSON body, which a browser sends to
  another site only after asking, and the webserver never consents.
"""

from dataclasses import dataclass
from http import HTTPStatus

import graphql
from starlette.datastructures import Headers, QueryParams
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from orchestration_platform.web.hosts import VARIABLE, AllowedHosts
from shared_lib.web.own_pages import (
    SAFE_METHODS,
    is_own_page,
    refused_page,
    with_security_headers,
)

POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1


@dataclass(frozen=True)
class Refusal:
    """Why a request does not pass."""

    status: HTTPStatus
    reason: str


class FrontDoor:
    """ASGI middleware that passes a request on or answers it with the reason for the refusal."""

    def __init__(self, app: ASGIApp, *, hosts: AllowedHosts) -> None:
        """Guard ``app``, which is served under ``hosts``."""
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refusal = refusal_of(scope, self._hosts)
        if refusal is None:
            await self._app(scope, receive, with_security_headers(send))
        elif scope["type"] == "websocket":
            close = {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": refusal.reason}
            await send(close)
        else:
            response = PlainTextResponse(f"{refusal.reason}\n", refusal.status)
            await response(scope, receive, with_security_headers(send))


def refusal_of(  # noqa: PLR0911 - one for each reason
    scope: Scope, hosts: AllowedHosts
) -> Refusal | None:
    """Return why the request does not pass, or None if it does."""
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not hosts.has(host):
        reason = f"host {host!r} is not served here; a name in {VARIABLE} is"
        return Refusal(HTTPStatus.MISDIRECTED_REQUEST, reason)
    is_socket = scope["type"] == "websocket"
    is_change = is_socket or scope["method"] not in SAFE_METHODS
    if is_change and not _is_own_page(headers, host, hosts):
        return Refusal(HTTPStatus.FORBIDDEN, refused_page(headers))
    if is_socket or not scope["path"].rstrip("/").endswith("/graphql"):
        return None
    if is_change and _media_type(headers) != "application/json":
        return Refusal(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "GraphQL is accepted as JSON: send the header Content-Type: application/json",
        )
    query = QueryParams(scope["query_string"])
    if not is_change and "query" in query and not _is_own_page(headers, host, hosts):
        # a query can run the code of a schedule
        return Refusal(HTTPStatus.FORBIDDEN, f"a page of another site sends no queries to {host}")
    if not is_change and _has_mutation(query):
        reason = "a mutation is accepted by POST with a JSON body, not by GET"
        return Refusal(HTTPStatus.METHOD_NOT_ALLOWED, reason)
    return None


def _is_own_page(headers: Headers, host: str, hosts: AllowedHosts) -> bool:
    return is_own_page(headers, is_own_origin=lambda origin: hosts.may_change(origin, host))


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _has_mutation(query: QueryParams) -> bool:
    return any(_is_mutation(text) for text in query.getlist("query"))


def _is_mutation(text: str) -> bool:
    try:
        document = graphql.parse(text, no_location=True)
    except graphql.GraphQLSyntaxError:
        return False  # the webserver answers with the error's position
    return any(
        isinstance(definition, graphql.OperationDefinitionNode)
        and definition.operation is graphql.OperationType.MUTATION
        for definition in document.definitions
    )
