"""A server with the API of S3, and what can go wrong with it."""

import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from sandboxes.waiting import PATIENCE_SECONDS

BUCKET = "backups"
_ERROR = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>later</Message></Error>"
_STATUS = {500: "500 Internal Server Error", 503: "503 Slow Down"}

# a status; or the connection breaks, before the request is served or before it is answered; or
# nothing happens until the client closes it; or the answer comes late, and in pieces
Fault = Literal[500, 503, "drop", "serve_and_drop", "silence", "slow"]
_PIECES = 5


def answer(_method: str, _path: str) -> None:
    """Let the server answer."""


class ObjectStore:
    """The server as an application.

    Attributes:
        url: its address.
        before: called with the method and path of each request; what it returns goes wrong.
        pause_seconds: what a slow answer waits for each piece.
    """

    url = ""

    def __init__(self) -> None:
        self._served = DomainDispatcherApplication(create_backend_app)
        self.before: Callable[[str, str], Fault | None] = answer
        self.pause_seconds = 0.002

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        fault = self.before(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if isinstance(fault, int):
            start_response(_STATUS[fault], [("Content-Type", "application/xml")])
            return [_ERROR]
        if fault == "silence":
            while environ["werkzeug.socket"].recv(65536):
                pass
        if fault in {"drop", "silence"}:
            return self._drop(environ)
        answered = self._served(environ, start_response)
        if fault == "slow":
            return self._slowly(b"".join(answered))
        return self._drop(environ) if fault == "serve_and_drop" else answered

    def _slowly(self, body: bytes) -> Iterator[bytes]:
        length = -(-len(body) // _PIECES)
        for piece in range(_PIECES):
            time.sleep(self.pause_seconds)
            yield body[piece * length : (piece + 1) * length]

    def _drop(self, environ: dict[str, Any]) -> Iterable[bytes]:
        with suppress(OSError):  # the client has closed it
            environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        raise ConnectionResetError  # which the server expects, and reports to nobody


class _Silent(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - the base's name
        pass


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """Serve an empty store on this machine."""
    store = ObjectStore()
    server = make_server("127.0.0.1", 0, store, threaded=True, request_handler=_Silent)
    store.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        # its objects are the module's
        requests.post(f"{store.url}/moto-api/reset", timeout=PATIENCE_SECONDS).raise_for_status()
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
