"""A server on loopback that returns the answers of a test and records what it receives."""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandboxes.serving import Handler, serving


@dataclass(frozen=True)
class Answer:
    """One response."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass
class Answering:
    """The server's URL, and each request as one text: method, path, headers and body."""

    address: str = ""
    received: list[str] = field(default_factory=list)

    def paths(self) -> list[str]:
        return [request.split("\n", 1)[0] for request in self.received]


@contextmanager
def answering(
    answer: Callable[[str, str], Answer], *, tls: ssl.SSLContext | None = None
) -> Iterator[Answering]:
    """Serve ``answer(method, path)`` while the body runs."""
    server = Answering()

    class AnsweringHandler(Handler):
        def _answer(self) -> None:
            body = self.body().decode("latin-1")
            server.received.append(f"{self.command} {self.path}\n{self.headers}\n{body}")
            given = answer(self.command, self.path)
            self.respond(given.status, given.body, given.headers)

        do_GET = do_POST = do_PUT = do_LIST = do_DELETE = _answer  # noqa: N815 - its names there

    with serving(AnsweringHandler, tls=tls) as server.address:
        yield server
