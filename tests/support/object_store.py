"""A server with the API of S3, and what can go wrong with it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "backups"
_SLOW_DOWN = b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>later</Message></Error>"


def answer(_method: str, _path: str) -> None:
    """Let the server answer."""


class ObjectStore:
    """The server as an application.

    Attributes:
        url: its address.
        before: called with the method and path of each request; it is answered with 503 if it
            returns true.
    """

    url = ""

    def __init__(self) -> None:
        self._served = DomainDispatcherApplication(create_backend_app)
        self.before: Callable[[str, str], object] = answer

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if self.before(environ["REQUEST_METHOD"], environ["PATH_INFO"]):
            start_response("503 Slow Down", [("Content-Type", "application/xml")])
            return [_SLOW_DOWN]
        return self._served(environ, start_response)


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
        requests.post(f"{store.url}/moto-api/reset", timeout=10).raise_for_status()
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
