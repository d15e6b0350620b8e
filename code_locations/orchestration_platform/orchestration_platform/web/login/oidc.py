"""Login by OpenID Connect: the authorisation code flow with PKCE, by Authlib.

``/auth/login`` sends the browser to the provider, which sends it back to ``/auth/callback`` with a
code. Authlib exchanges the code and checks the ID token: signature, issuer, audience, time and
nonce. State, nonce and verifier wait in a signed cookie of ten minutes; the session's cookie holds
nothing but a random key.
"""

import hashlib
import html
import logging
import re
import ssl
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import quote

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.starlette_client import OAuth, StarletteOAuth2App
from joserfc.errors import JoseError
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from orchestration_platform.web.login.person import Person
from orchestration_platform.web.login.sessions import Session, Sessions
from orchestration_platform.web.login.settings import LoginFile, Oidc
from orchestration_platform.web.login.ways import Entrance, NotAdmittedError, unauthorized
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.secrets.file_access import require_private

logger = logging.getLogger("dagster.platform_webserver.login")

_PREFIX = "/auth"
_FLOW_COOKIE = "platform_login"
_FLOW_SECONDS = 600
_LEEWAY_SECONDS = 60
# A page of ours: no other host, scheme or backslash, which browsers read as a slash.
_OWN_PAGE = re.compile(r"/(?![/\\])[^\\\s]*")


class OidcLogin(Entrance):
    """The entrance for people with a session, and the pages that open and end one."""

    def __init__(self, file: LoginFile, settings: Oidc, sessions: Sessions, origin: str) -> None:
        """Log people in by the provider of ``settings``.

        Args:
            file: the roles.
            settings: the provider and what it calls us.
            sessions: where sessions are kept.
            origin: scheme, host and port of the address that people open.

        Raises:
            ConfigurationError: the file with the client's secret is missing or empty.
        """
        self._file = file
        self._settings = settings
        self._sessions = sessions
        self._origin = origin
        self._is_encrypted = origin.startswith("https://")
        # browsers accept the prefix only of this host, over TLS
        self.cookie = "__Host-platform_session" if self._is_encrypted else "platform_session"
        secret = _secret(settings)
        # Starlette signs with it; replicas share it, since they share the client's secret
        self._flow_key = hashlib.sha256(b"platform login\0" + secret.encode()).hexdigest()
        oauth = OAuth()
        issuer = settings.issuer.rstrip("/")
        oauth.register(
            "provider",
            client_id=settings.client_id,
            client_secret=secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": settings.scope,
                "code_challenge_method": "S256",
                # the machine's authorities, or those of SSL_CERT_FILE
                "verify": ssl.create_default_context(),
            },
        )
        self._provider = cast("StarletteOAuth2App", oauth.create_client("provider"))

    @property
    def routes(self) -> list[BaseRoute]:
        """The pages to log in and out."""
        flow = Middleware(
            SessionMiddleware,
            secret_key=self._flow_key,
            session_cookie=_FLOW_COOKIE,
            max_age=_FLOW_SECONDS,
            path=_PREFIX,
            same_site="lax",
            https_only=self._is_encrypted,
        )
        pages = [
            Route("/", self.page),
            Route("/login", self.login),
            Route("/callback", self.callback),
            Route("/logout", self.logout, methods=["POST"]),
        ]
        return [Mount(_PREFIX, routes=pages, middleware=[flow])]

    def is_open(self, path: str) -> bool:
        """Return whether ``path`` is one of the pages to log in and out."""
        return path.startswith(f"{_PREFIX}/")

    async def person(self, connection: HTTPConnection) -> Person | None:
        """Return the person whose session the request has.

        Raises:
            NotAdmittedError: the person no longer has a role.
        """
        session = await self._session(connection)
        if session is None:
            return None
        person = self._file.person(session.person, session.groups)
        if person is None:
            raise NotAdmittedError(f"{session.person} has no role here", HTTPStatus.FORBIDDEN)
        return person

    def invitation(self, connection: HTTPConnection) -> Response:
        """Send a browser to log in; ask a program for a token."""
        wants_page = "text/html" in connection.headers.get("accept", "")
        if connection.scope.get("method") != "GET" or not wants_page:
            return unauthorized("log in, or send a token: Authorization: Bearer ...")
        query = f"?{connection.url.query}" if connection.url.query else ""
        target = quote(f"{connection.url.path}{query}", safe="")
        return RedirectResponse(f"{_PREFIX}/login?next={target}", HTTPStatus.SEE_OTHER)

    async def page(self, request: Request) -> HTMLResponse:
        """Answer with who is logged in, and a button to log out or in."""
        session = await self._session(request)
        if session is None:
            return _page(f'<p>You are logged out.</p><p><a href="{_PREFIX}/login">Log in</a></p>')
        return _page(
            f"<p>You are logged in as <strong>{html.escape(session.person)}</strong>.</p>"
            f'<form method="post" action="{_PREFIX}/logout"><button>Log out</button></form>'
        )

    async def login(self, request: Request) -> Response:
        """Send the browser to the provider."""
        target = request.query_params.get("next", "/")
        request.session["next"] = target if _OWN_PAGE.fullmatch(target) else "/"
        try:
            return await self._provider.authorize_redirect(
                request, f"{self._origin}{_PREFIX}/callback"
            )
        except (httpx2.HTTPError, AuthlibBaseError, RuntimeError) as error:
            logger.warning("the provider cannot be used: %s: %s", type(error).__name__, error)
            return _page("<p>The login provider does not answer.</p>", HTTPStatus.BAD_GATEWAY)

    async def callback(self, request: Request) -> Response:
        """Check what the provider sends, and open a session."""
        target = request.session.pop("next", "/")
        try:
            claims = await self._claims(request)
            session = self._session_of(claims)
        except (httpx2.HTTPError, AuthlibBaseError, JoseError, ValueError) as error:
            # the provider's words, which may be anybody's: for the log alone
            logger.warning("login refused: %s: %r", type(error).__name__, str(error))
            return _page(
                f'<p>The login failed.</p><p><a href="{_PREFIX}/login">Try again</a></p>',
                HTTPStatus.FORBIDDEN,
            )
        if self._file.person(session.person, session.groups) is None:
            logger.warning("login refused: %r has no role", session.person)
            person = html.escape(session.person)
            return _page(f"<p>{person} has no role here.</p>", HTTPStatus.FORBIDDEN)
        key = await run_in_threadpool(self._sessions.open, session)
        logger.info("%s has logged in", session.person)
        response = RedirectResponse(target, HTTPStatus.SEE_OTHER)
        response.set_cookie(
            self.cookie, key, path="/", secure=self._is_encrypted, httponly=True, samesite="lax"
        )
        return response

    async def logout(self, request: Request) -> Response:
        """End the session."""
        key = request.cookies.get(self.cookie)
        if key is not None:
            await run_in_threadpool(self._sessions.end, key)
        response = RedirectResponse(f"{_PREFIX}/", HTTPStatus.SEE_OTHER)
        response.delete_cookie(
            self.cookie, path="/", secure=self._is_encrypted, httponly=True, samesite="lax"
        )
        return response

    async def _session(self, connection: HTTPConnection) -> Session | None:
        key = connection.cookies.get(self.cookie)
        return None if key is None else await run_in_threadpool(self._sessions.find, key)

    async def _claims(self, request: Request) -> dict[str, Any]:
        settings = self._settings
        token = await self._provider.authorize_access_token(
            request,
            # Authlib itself does not compare the audience, nor the issuer with what is configured
            claims_options={
                "iss": {"essential": True, "values": [settings.issuer]},
                "aud": {"essential": True, "values": [settings.client_id]},
            },
            leeway=_LEEWAY_SECONDS,
        )
        claims = token.get("userinfo")
        if claims is None:
            raise ValueError("the provider sent no ID token")
        return dict(claims)

    def _session_of(self, claims: dict[str, Any]) -> Session:
        """Return the session of a person.

        Raises:
            ValueError: the claims do not name one.
        """
        claim = self._settings.name_claim
        name = claims.get(claim)
        if not isinstance(name, str) or not name:
            raise ValueError(f"the ID token has no text in the claim {claim}")
        if claim == "email" and claims.get("email_verified", True) not in (True, "true"):
            raise ValueError(f"the provider has not verified the address {name}")
        groups = claims.get(self._settings.groups_claim) or []
        if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
            raise ValueError(f"the claim {self._settings.groups_claim} is not a list of texts")
        return Session(name, groups)


def _secret(settings: Oidc) -> str:
    path = settings.client_secret_file
    try:
        require_private(path, path.stat(), meaning="the client's secret of the login")
        secret = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigurationError(f"oidc.client_secret_file: {path}: {error.strerror}") from error
    if not secret:
        raise ConfigurationError(f"oidc.client_secret_file: {path} is empty")
    return secret


def _page(body: str, status: HTTPStatus = HTTPStatus.OK) -> HTMLResponse:
    return HTMLResponse(
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><title>Dagster</title>'
        f'<body style="font: 1rem sans-serif; margin: 4rem auto; max-width: 30rem">{body}',
        status,
    )
