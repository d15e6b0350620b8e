"""A server that accepts what Teams, PagerDuty, Slack's webhooks and other webhooks accept.

A judge decides what is wrong with a request; valid requests are kept.
"""

import json
import ssl
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandboxes.serving import Handler, serving

Judge = Callable[[Mapping[str, str], bytes], str | None]
Answer = tuple[int, str]


@dataclass
class Received:
    """A valid request."""

    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class ReceivingServer:
    """``faults`` are taken in turn: a status, or "drop" and "accept_and_drop"."""

    judge: Judge
    taken: Answer = (200, "ok")
    url: str = ""
    received: list[Received] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    faults: deque[int | str] = field(default_factory=deque)

    def answer(self, headers: dict[str, str], body: bytes) -> Answer | None:
        """Return status and text of the answer; None to break the connection off."""
        fault = self.faults.popleft() if self.faults else None
        if isinstance(fault, int):
            return fault, "no"
        if fault == "drop":
            return None
        problem = self.judge(headers, body)
        if problem:
            self.refused.append(problem)
            return 400, problem
        self.received.append(Received(headers, body))
        return None if fault else self.taken


@contextmanager
def receiving_server(
    judge: Judge, *, taken: Answer = (200, "ok"), tls: ssl.SSLContext | None = None
) -> Iterator[ReceivingServer]:
    """Serve while the body runs.

    Args:
        judge: returns what is wrong with a request, from its headers and body; None for nothing.
        taken: the answer to a valid request.
        tls: the TLS settings; without them the server speaks plain HTTP.
    """
    receiver = ReceivingServer(judge, taken)

    class ReceivingHandler(Handler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.answer(headers, self.body())
            if answer is None:
                self.close_connection = True
                return
            status, text = answer
            self.respond(status, text.encode(), {"Retry-After": "7"} if status == 429 else None)

    with serving(ReceivingHandler, tls=tls) as receiver.url:
        yield receiver
