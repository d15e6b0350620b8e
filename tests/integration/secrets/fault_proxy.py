"""Forwards to a real server, and loses, delays or refuses requests on demand."""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from sandboxes.serving import Handler, serving


@dataclass(frozen=True)
class Refusal:
    """An error that the server might return."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b'{"errors": ["trouble"]}'


class Dropped:
    """The connection is closed without an answer."""


@dataclass
class FaultProxy:
    """Apply ``faults`` to requests in sequence: the first fault affects the next request."""

    address: str = ""
    seen: list[str] = field(default_factory=list)
    faults: deque[Refusal | Dropped] = field(default_factory=deque)

    def logins(self) -> list[str]:
        return [request for request in self.seen if request.endswith("/login")]

    def reads(self) -> list[str]:
        return [request for request in self.seen if "/data/" in request]


@contextmanager
def fault_proxy(target: str) -> Iterator[FaultProxy]:
    """A proxy in front of the server at ``target``."""
    proxy = FaultProxy()

    class ProxyHandler(Handler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            proxy.seen.append(f"{self.command} {self.path}")
            body = self.body()
            fault = proxy.faults.popleft() if proxy.faults else None
            if isinstance(fault, Dropped):
                self.close_connection = True
            elif fault is not None:
                self.respond(fault.status, fault.body, fault.headers)
            else:
                status, content, kind = self.forward(target, body)
                self.respond(status, content, {"Content-Type": kind})

    with serving(ProxyHandler) as proxy.address:
        yield proxy
