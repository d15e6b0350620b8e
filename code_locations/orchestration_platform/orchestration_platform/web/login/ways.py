"""The ways to find the person of a request, except for OpenID Connect."""

import datetime as dt
import getpass
import hashlib
import ipaddress
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from orchestration_platform.web.login.person import PROGRAM_PREFIX, Grant, Person, Role
from orchestration_platform.web.login.settings import LoginFile, Proxy, Token

_BEARER = "bearer"


class NotAdmittedError(Exception):
    """A request without a person who may send it; the text is the answer to it."""

    def __init__(self, reason: str, status: HTTPStatus = HTTPStatus.UNAUTHORIZED) -> None:
        super().__init__(reason)
        self.status = status


def unauthorized(reason: str) -> Response:
    """Return the answer to a program that has not logged in."""
    headers = {"WWW-Authenticate": "Bearer"}
    return PlainTextResponse(f"{reason}\n", HTTPStatus.UNAUTHORIZED, headers)


class Entrance(ABC):
    """Finds the person of a request."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """The pages to log in and out."""
        return ()

    def is_open(self, path: str) -> bool:  # noqa: ARG002 - nothing is
        """Return whether ``path`` is for people who have not logged in."""
        return False

    @abstractmethod
    async def person(self, connection: HTTPConnection) -> Person | None:
        """Return the person, or None if the request does not say who sends it.

        Raises:
            NotAdmittedError: the request says so, but must not pass.
        """

    def invitation(self, connection: HTTPConnection) -> Response:  # noqa: ARG002 - one for all
        """Return the answer to a request without a person."""
        return unauthorized("send a token: Authorization: Bearer ...")


class NoLogin(Entrance):
    """Everyone on this machine is the person who runs the webserver, and may do everything."""

    def __init__(self) -> None:
        self._person = Person(getpass.getuser(), (Grant(Role.ADMIN),))

    async def person(self, connection: HTTPConnection) -> Person:  # noqa: ARG002 - always the same
        """Return the person who runs the webserver."""
        return self._person


class TokensOnly(Entrance):
    """Nobody but programs with a token."""

    async def person(self, connection: HTTPConnection) -> None:
        """Return None: the token has already been looked for."""


class ProxyHeader(Entrance):
    """A proxy has logged the person in and sends the name."""

    def __init__(self, file: LoginFile, proxy: Proxy) -> None:
        self._file = file
        self._settings = proxy
        self._networks = [ipaddress.ip_network(text) for text in proxy.addresses]

    async def person(self, connection: HTTPConnection) -> Person | None:
        """Return the person whom the proxy names.

        Raises:
            NotAdmittedError: the request does not come from the proxy, or the person has no role.
        """
        if not self._is_proxy(connection):
            raise NotAdmittedError("requests come through the proxy", HTTPStatus.FORBIDDEN)
        names = connection.headers.getlist(self._settings.name_header)
        if len(names) != 1 or not names[0].strip():
            return None
        listed = connection.headers.getlist(self._settings.groups_header)
        if len(listed) > 1:
            # a proxy that adds its header leaves the one that a browser sends
            reason = f"the proxy must send one header {self._settings.groups_header}"
            raise NotAdmittedError(reason, HTTPStatus.FORBIDDEN)
        groups = [group.strip() for group in "".join(listed).split(",") if group.strip()]
        person = self._file.person(names[0].strip(), groups)
        if person is None:
            raise NotAdmittedError(f"{names[0].strip()} has no role here", HTTPStatus.FORBIDDEN)
        return person

    def invitation(self, connection: HTTPConnection) -> Response:  # noqa: ARG002 - one for all
        """Explain that the proxy has to send a name."""
        return unauthorized(f"the proxy must send one name in {self._settings.name_header}")

    def _is_proxy(self, connection: HTTPConnection) -> bool:
        try:
            address = ipaddress.ip_address(connection.client.host if connection.client else "")
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._networks)


class ServiceTokens:
    """Programs that send a token: ``Authorization: Bearer ...``."""

    def __init__(self, tokens: Sequence[Token], *, now: Callable[[], float] = time.time) -> None:
        self._tokens: Mapping[str, Token] = {token.sha256: token for token in tokens}
        self._now = now

    def person(self, connection: HTTPConnection) -> Person | None:
        """Return the program whose token the request has; None if it has none.

        Raises:
            NotAdmittedError: the token is unknown or has expired.
        """
        values = connection.headers.getlist("authorization")
        if not values:
            return None
        kind, _, sent = values[0].partition(" ")
        if len(values) != 1 or kind.lower() != _BEARER:
            raise NotAdmittedError("one token is accepted: Authorization: Bearer ...")
        # found by its digest, so that the time of the search says nothing about the token
        token = self._tokens.get(digest_of(sent.strip()))
        if token is None:
            raise NotAdmittedError("this token is not known here")
        expires = dt.datetime.combine(token.expires, dt.time(), dt.UTC)
        if self._now() >= expires.timestamp():
            raise NotAdmittedError(f"the token {token.name} has expired on {token.expires}")
        return Person(f"{PROGRAM_PREFIX}{token.name}", (token.grant,))


def digest_of(token: str) -> str:
    """Return the digest under which a token of 32 random bytes is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
