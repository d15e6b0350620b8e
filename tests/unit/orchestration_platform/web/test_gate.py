"""A WebSocket is open for as long as its person is admitted."""

import asyncio
from typing import Any, cast

from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from orchestration_platform.web.audit import Audit
from orchestration_platform.web.login.gate import Gate
from orchestration_platform.web.login.person import Grant, Person, Role
from orchestration_platform.web.login.ways import Entrance, ServiceTokens

ADA = Person("ada", (Grant(Role.ADMIN),))


class UntilLogout(Entrance):
    """Admits ada for a number of looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    async def person(self, connection: HTTPConnection) -> Person | None:  # noqa: ARG002 - any
        self.looks -= 1
        return ADA if self.looks >= 0 else None


def received(looks: int) -> list[str]:
    """What the application receives of three messages."""
    found: list[str] = []

    async def application(_scope: Scope, receive: Receive, _send: Send) -> None:
        while not found or found[-1] != "websocket.disconnect":
            found.append((await receive())["type"])

    messages = [{"type": "websocket.receive", "text": "{}"}] * 3 + [
        {"type": "websocket.disconnect"}
    ]
    waiting = iter(messages)

    async def receive() -> Message:
        return next(waiting)

    async def send(_message: Message) -> None: ...

    gate = Gate(
        application,
        entrance=UntilLogout(looks),
        tokens=ServiceTokens([]),
        audit=cast("Audit", None),
    )
    scope: dict[str, Any] = {"type": "websocket", "path": "/graphql", "headers": []}
    asyncio.run(gate(scope, receive, send))
    return found


def test_messages_pass_while_the_person_is_admitted() -> None:
    assert received(looks=10) == [*["websocket.receive"] * 3, "websocket.disconnect"]


def test_a_message_after_the_logout_ends_the_connection() -> None:
    # one look at the opening, one for each message
    assert received(looks=2) == ["websocket.receive", "websocket.disconnect"]
