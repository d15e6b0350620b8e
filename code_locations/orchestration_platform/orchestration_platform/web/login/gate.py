"""Finds the person of each request and lets nobody else through."""

import asyncio
from http import HTTPStatus
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orchestration_platform.web.audit import Audit
from orchestration_platform.web.front_door import POLICY_VIOLATION
from orchestration_platform.web.login.person import Person, Role, set_person
from orchestration_platform.web.login.ways import (
    Entrance,
    NotAdmittedError,
    ServiceTokens,
    unauthorized,
)
from shared_lib.web.own_pages import SAFE_METHODS

_RECHECK_SECONDS = 60
# Probes send no token; the answer is one word.
_FOR_PROBES = "/healthz"
# Its mutations are refused and recorded one by one.
_GRAPHQL = "/graphql"


class Gate:
    """ASGI middleware that records the person of a request, or refuses it."""

    def __init__(
        self, app: ASGIApp, *, entrance: Entrance, tokens: ServiceTokens, audit: Audit
    ) -> None:
        """Guard ``app``."""
        self._app = app
        self._entrance = entrance
        self._tokens = tokens
        self._audit = audit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request or WebSocket."""
        if scope["type"] not in {"http", "websocket"} or self._is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            person = await self._person(connection)
        except NotAdmittedError as error:
            await _answer(_refusal(error), scope, receive, send)
            return
        if person is None:
            await _answer(self._entrance.invitation(connection), scope, receive, send)
            return
        set_person(scope, person)
        if scope["type"] == "websocket":
            receive = self._while_admitted(connection, receive)
        is_change = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if is_change and scope["path"] != _GRAPHQL:
            await self._change(person, Request(scope, receive), send)
        else:
            await self._app(scope, receive, send)

    async def _person(self, connection: HTTPConnection) -> Person | None:
        return self._tokens.person(connection) or await self._entrance.person(connection)

    def _while_admitted(self, connection: HTTPConnection, receive: Receive) -> Receive:
        """End a WebSocket when its person logs out, or its token or role ends."""

        async def received() -> Message:
            pending = asyncio.ensure_future(receive())
            try:
                while True:
                    done, _ = await asyncio.wait({pending}, timeout=_RECHECK_SECONDS)
                    try:
                        person = await self._person(connection)
                    except NotAdmittedError:
                        person = None
                    if person is None:
                        return {"type": "websocket.disconnect", "code": POLICY_VIOLATION}
                    if done:
                        return pending.result()
            finally:
                pending.cancel()

        return received

    def _is_open(self, path: str) -> bool:
        return path == _FOR_PROBES or self._entrance.is_open(path)

    async def _change(self, person: Person, request: Request, send: Send) -> None:
        """Record a change other than by GraphQL, such as the report of an asset's event."""
        action = f"{request.method} {request.url.path}"
        body = await request.body()
        arguments = {
            "query": dict(request.query_params),
            "body": body.decode("utf-8", "replace"),
        }
        if not person.may_somewhere(Role.LAUNCHER):
            await run_in_threadpool(self._audit.refuse, person, action, arguments)
            reason = f"{person.name} may not change anything: it needs the role launcher\n"
            response = PlainTextResponse(reason, HTTPStatus.FORBIDDEN)
            await response(request.scope, request.receive, send)
            return
        entry = await run_in_threadpool(self._audit.begin, person, action, arguments)
        outcome = "no answer"

        async def watched(message: Message) -> None:
            nonlocal outcome
            if message["type"] == "http.response.start":
                outcome = f"HTTP {message['status']}"
            await send(message)

        try:
            await self._app(request.scope, _again(body, request.receive), watched)
        finally:
            await run_in_threadpool(self._audit.end, entry, outcome)


def _again(body: bytes, receive: Receive) -> Receive:
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def received() -> Message:
        return messages.pop() if messages else await receive()

    return received


def _refusal(error: NotAdmittedError) -> Response:
    if error.status is HTTPStatus.UNAUTHORIZED:
        return unauthorized(str(error))
    return PlainTextResponse(f"{error}\n", error.status)


async def _answer(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        # before it is accepted, which the server answers with 403
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": "log in"})
    else:
        await response(scope, receive, send)
