"""What stands in front of Dagster in production: TLS, a token, and now and then trouble."""

import datetime as dt
import http.client
import ipaddress
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    front: "Front"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        front = self.server.front
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if front.required and self.headers.get(front.required[0]) != front.required[1]:
            # as JSON, which must not be taken for an answer of Dagster's
            self._say(401, b'{"errors": [{"message": "who are you?"}]}')
        elif front.answer:
            self._say(front.answer, b"<html>trouble</html>")
        elif front.hold and b"launchPipelineExecution" in body:
            self._hold(body)
        else:
            self._say(*self._forward(body))

    def _hold(self, body: bytes) -> None:
        front = self.server.front
        if front.hold != "before":
            self._forward(body)
        front.held.set()
        self.close_connection = True
        if front.hold != "drop":
            front.released.wait(30)

    def _forward(self, body: bytes) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.server.front.target).netloc)
        kind = {"Content-Type": self.headers["Content-Type"]}
        connection.request("POST", self.path, body, kind)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/login")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


class Front:
    """Forwards to ``target``; a test sets the attributes that say what else it does.

    Attributes:
        target: the URL of the webserver.
        required: header and value without which it answers 401.
        answer: a status that it answers with instead of forwarding, to all requests.
        hold: of launches only: ``before`` does not forward and ``after`` forwards, and neither
            ever answers; ``drop`` forwards and breaks the connection off.
        held: is set when a launch is held.
        released: is set when whatever is held may end.
    """

    def __init__(self, target: str, certificate: Path | None = None) -> None:
        self.target = target
        self.required: tuple[str, str] | None = None
        self.answer: int | None = None
        self.hold = ""
        self.held, self.released = threading.Event(), threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.front = self
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        scheme = "https" if certificate else "http"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


def make_certificate(path: Path) -> Path:
    """Key and self-signed certificate of 127.0.0.1 in one file, which is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "front")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
