"""Forwards to a real server, and loses, delays or refuses what it is told to."""

import http.client
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Refusal:
    """An answer that the server would give in trouble."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"errors": ["trouble"]}'


class Dropped:
    """The connection is closed without an answer."""


class FaultProxy:
    """Requests go through in order of ``faults``: the first fault disturbs the next request."""

    def __init__(self, target: str) -> None:
        self.seen: list[str] = []
        self.faults: deque[Refusal | Dropped] = deque()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                proxy.seen.append(f"{self.command} {self.path}")
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = proxy.faults.popleft() if proxy.faults else None
                if isinstance(fault, Dropped):
                    self.close_connection = True
                elif fault is not None:
                    self._answer(fault.status, fault.headers, fault.body)
                else:
                    self._forward(body)

            def _forward(self, body: bytes) -> None:
                connection = http.client.HTTPConnection(urlsplit(target).netloc)
                headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
                connection.close()
                kind = {"Content-Type": answer.headers.get("Content-Type", "")}
                self._answer(answer.status, kind, content)

            def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self._server = Server(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def logins(self) -> list[str]:
        return [request for request in self.seen if request.endswith("/login")]

    def reads(self) -> list[str]:
        return [request for request in self.seen if "/data/" in request]

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
