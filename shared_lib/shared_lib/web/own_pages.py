"""Only a server's own pages, and programs that are not browsers, may send it changes.

Any page in a browser that reaches a server can send it forms. A browser states where a request
comes from, and no page can forge that.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# of requests that change nothing, RFC 9110, section 9.2.1
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

# What a browser states about a request from the address bar, or from a page of the same origin.
_OWN_SITE = frozenset({"none", "same-origin"})

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


def is_own_page(headers: Headers, *, is_own_origin: Callable[[str], bool]) -> bool:
    """Return whether a request comes from a page of the server, or from a program.

    Args:
        headers: of the request.
        is_own_origin: whether a value of the header ``Origin`` is one of the server's; asked for
            browsers that send no ``Sec-Fetch-Site``.
    """
    # Only browsers send these two, and no page can forge them.
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OWN_SITE
    origin = headers.get("origin")
    return origin is None or is_own_origin(origin)


def refused_page(headers: Headers) -> str:
    """Return why a change from a page of another site is refused."""
    origin = headers.get("origin", "another site")
    return f"a page of {origin} sends no changes to {headers.get('host', '')}"


def with_security_headers(send: Send) -> Send:
    """Return ``send`` with the security headers that a response does not set itself."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in SECURITY_HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return send_with_headers


class OwnPages:
    """ASGI middleware that refuses changes from pages of another origin than the request's host.

    Which hosts are served is for another middleware before it to decide.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Guard ``app``."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with the reason for the refusal."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host = headers.get("host", "").lower()
        guarded = with_security_headers(send)
        if scope["method"] in SAFE_METHODS or is_own_page(
            headers, is_own_origin=lambda origin: urlsplit(origin).netloc.lower() == host
        ):
            await self._app(scope, receive, guarded)
            return
        response = PlainTextResponse(f"{refused_page(headers)}\n", HTTPStatus.FORBIDDEN)
        await response(scope, receive, guarded)
