"""A proxy in front of Dagster as in production: TLS, a token, and errors on request."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sandboxes.certificates import server_context
from sandboxes.serving import Handler, serving


@dataclass
class Front:
    """Forwards to ``target``; a test sets the attributes that control what else it does.

    Attributes:
        target: the URL of the webserver.
        url: its own URL.
        required: header and value without which it answers 401.
        answer: a status that it answers with instead of forwarding, to all requests.
        hold: of launches only: ``before`` does not forward and ``after`` forwards, and neither
            ever answers; ``drop`` forwards and breaks the connection off.
        held: is set when a launch is held.
        released: is set when whatever is held may end.
    """

    target: str
    url: str = ""
    required: tuple[str, str] | None = None
    answer: int | None = None
    hold: str = ""
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@contextmanager
def front_of(target: str, certificate: Path | None = None) -> Iterator[Front]:
    """A proxy in front of the webserver at ``target``, with TLS if there is a certificate."""
    front = Front(target)

    class FrontHandler(Handler):
        def do_POST(self) -> None:
            body = self.body()
            if front.required and self.headers.get(front.required[0]) != front.required[1]:
                # as JSON, which must not be taken for an answer of Dagster's
                self._answer(401, b'{"errors": [{"message": "who are you?"}]}')
            elif front.answer:
                self._answer(front.answer, b"<html>trouble</html>")
            elif front.hold and b"launchPipelineExecution" in body:
                self._hold(body)
            else:
                self._answer(*self.forward(front.target, body)[:2])

        def _hold(self, body: bytes) -> None:
            if front.hold != "before":
                self.forward(front.target, body)
            front.held.set()
            self.close_connection = True
            if front.hold != "drop":
                front.released.wait(30)

        def _answer(self, status: int, body: bytes) -> None:
            login = {"Location": "http://127.0.0.1:9/login"}
            self.respond(status, body, login if status == 302 else None)

    tls = server_context(certificate) if certificate else None
    with serving(FrontHandler, tls=tls) as front.url:
        yield front
        front.released.set()
