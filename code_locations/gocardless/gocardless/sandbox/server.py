"""The sandbox over HTTP, on 127.0.0.1."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from gocardless.sandbox.bank import SandboxState
from gocardless.sandbox.refusals import Refusal, refusal
from gocardless.sandbox.routes import Routes

CONTROL_PATH = "/sandbox/clock"


@dataclass(frozen=True)
class RunningSandbox:
    """A server that runs.

    Attributes:
        url: its base URL.
        state: what it answers from.
        routes: how it answers; has the tokens.
    """

    url: str
    state: SandboxState
    routes: Routes


@contextmanager
def sandbox_server(state: SandboxState, *, port: int = 0) -> Iterator[RunningSandbox]:
    """Serve ``state`` while the body runs.

    Args:
        state: what to answer from.
        port: on 127.0.0.1; 0 for a free one.

    Raises:
        OSError: the port is taken.
    """
    routes = Routes(state)
    server = _Server(("127.0.0.1", port), type("Handler", (_Handler,), {"routes": routes}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield RunningSandbox(f"http://127.0.0.1:{server.server_port}", state, routes)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # not wait for connections that clients keep open
    block_on_close = False


class _Handler(BaseHTTPRequestHandler):
    routes: ClassVar[Routes]
    protocol_version = "HTTP/1.1"
    # headers and body in one packet; else each answer waits for an acknowledgement
    wbufsize = -1

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    def do_PUT(self) -> None:
        self.do_POST()

    def do_DELETE(self) -> None:
        self.do_POST()

    def _answer(self, content: bytes | None) -> None:
        parts = urlsplit(self.path)
        with self.routes.state.lock:
            self.routes.state.calls.append((self.command, self.path))
        try:
            body, headers = self._body(parts.path, parts.query, content)
            self._send(200, body, headers)
        except Refusal as refused:
            self._send(refused.status, refused.body, refused.headers or {})

    def _body(self, path: str, query: str, content: bytes | None) -> tuple[Any, dict[str, str]]:
        if path == CONTROL_PATH and self.command == "POST":
            return _move_clock(self.routes.state, _parsed(content)), {}
        if self.command == "POST":
            return self.routes.post(path, _parsed(content))
        if self.command != "GET":
            raise refusal("MethodNotAllowed", value=self.command)
        fields = dict(parse_qsl(query, keep_blank_values=True))
        body, headers = self.routes.get(path, fields, self.headers.get("Authorization"))
        return self._with_absolute_links(body), headers

    def _with_absolute_links(self, body: Any) -> Any:
        if isinstance(body, dict) and "results" in body:
            host = f"http://{self.headers['Host']}"
            for name in ("next", "previous"):
                body[name] = body[name] and host + body[name]
        return body

    def _send(self, status: int, body: Any, headers: dict[str, str]) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: the state keeps the calls."""


def _parsed(content: bytes | None) -> Any:
    try:
        return json.loads(content or b"")
    except ValueError:
        raise Refusal(400, {"summary": "JSON parse error", "detail": "not JSON"}) from None


def _move_clock(state: SandboxState, body: Any) -> dict[str, str]:
    seconds = body.get("advance_seconds") if isinstance(body, dict) else None
    if not isinstance(seconds, int) or seconds < 0:
        raise refusal("InvalidNumber", value=str(seconds), field="advance_seconds")
    state.clock.advance(timedelta(seconds=seconds))
    return {"now": state.clock.now().isoformat()}
