"""HTTP servers on 127.0.0.1, and addresses that refuse connections or never answer."""

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Handler(BaseHTTPRequestHandler):
    """Handles requests without writing a log; each kind of server adds its ``do_POST``."""

    protocol_version = "HTTP/1.1"
    # else a client that keeps its connection waits 40 ms for the body behind the headers
    disable_nagle_algorithm = True

    def body(self) -> bytes:
        """Return the body of the request; call it once."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def respond(
        self, status: int, content: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> None:
        """Send a complete response, unless the client has gone."""
        try:
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def forward(self, target: str, content: bytes) -> tuple[int, bytes, str]:
        """Send this request with the body ``content`` to the server at ``target``.

        Returns:
            Status, body and content type of the response.
        """
        connection = http.client.HTTPConnection(urlsplit(target).netloc)
        headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
        connection.request(self.command, self.path, content, headers)
        response = connection.getresponse()
        received = response.read()
        connection.close()
        return response.status, received, response.headers.get("Content-Type", "")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Write nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 128
    # a client may keep its connection open for longer than the test
    daemon_threads = True
    block_on_close = False


@contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], *, port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve while the body runs, each request in a thread; yield the URL without a path.

    Args:
        handler: handles the requests.
        port: the port on 127.0.0.1; 0 for a free one.
        tls: the TLS settings; without them the server speaks plain HTTP.

    Raises:
        OSError: the port is in use.
    """
    with _Server(("127.0.0.1", port), handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def nobody_listening() -> Iterator[str]:
    """Yield an address at which connections are refused."""
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{reserved.getsockname()[1]}"


@contextmanager
def never_answering() -> Iterator[str]:
    """Yield an address at which connections are accepted and nothing is ever sent."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
