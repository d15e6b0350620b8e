"""A real OpenID Connect provider, pyop, that requires PKCE and can be made to misbehave."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from Cryptodome.PublicKey import RSA
from jwkest.jwk import RSAKey
from jwkest.jws import JWS, factory
from pyop.authz_state import AuthorizationState
from pyop.exceptions import InvalidAuthenticationRequest, OAuthError
from pyop.provider import Provider
from pyop.subject_identifier import HashBasedSubjectIdentifierFactory
from pyop.userinfo import Userinfo

from sandboxes.certificates import server_context
from sandboxes.serving import Handler, serving

CLIENT, SECRET = "dagster", "the client's secret"


def _key() -> RSAKey:
    return RSAKey(key=RSA.generate(2048), kid="one", use="sig", alg="RS256")


class OidcProvider(Provider):
    """The provider, and how it is to misbehave.

    Attributes:
        changed: claims to replace in each ID token; None removes one.
        signs_with: ``RS256``, ``none``, or ``another key`` under the same name.
        sends_id_token: whether an answer has an ID token.
        requests: what clients asked at the authorisation endpoint.
    """

    def __init__(self, url: str, redirect: str, people: dict[str, dict[str, Any]]) -> None:
        self.url = url
        self.changed: dict[str, Any] = {}
        self.signs_with = "RS256"
        self.sends_id_token = True
        self.requests: list[dict[str, str]] = []
        self.people = people
        super().__init__(
            _key(),
            {
                "issuer": url,
                "authorization_endpoint": f"{url}/authorize",
                "token_endpoint": f"{url}/token",
                "jwks_uri": f"{url}/jwks",
                "scopes_supported": ["openid", "email", "profile"],
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
            },
            AuthorizationState(HashBasedSubjectIdentifierFactory("salt")),
            {
                CLIENT: {
                    "client_secret": SECRET,
                    "redirect_uris": [redirect],
                    "response_types": ["code"],
                    "subject_type": "public",
                    "token_endpoint_auth_method": "client_secret_basic",
                }
            },
            Userinfo(people),
        )

    def authorize_person(self, query: str, person: str) -> str:
        """Return where the browser of ``person``, who has logged in here, is sent."""
        asked = dict(parse_qsl(query))
        self.requests.append(asked)
        request = self.parse_authentication_request(query)
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            raise InvalidAuthenticationRequest("PKCE with S256 is required", request)
        return self.authorize(request, person).request(request["redirect_uri"])

    def token(self, body: str, headers: Any) -> dict[str, Any]:
        """Return the answer of the token endpoint, with the person's claims in the ID token."""

        def claims(person: str, _client: str) -> dict[str, Any]:
            return dict(self.people[person])

        answer = self.handle_token_request(body, headers, claims).to_dict()
        if not self.sends_id_token:
            del answer["id_token"]
        return answer

    def _create_signed_id_token(self, *arguments: Any, **named: Any) -> str:
        token = super()._create_signed_id_token(*arguments, **named)
        claims = json.loads(factory(token).jwt.part[1]) | self.changed
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.signs_with == "none":
            return JWS(json.dumps(claims), alg="none").sign_compact([])
        key = _key() if self.signs_with == "another key" else self.signing_key
        return JWS(json.dumps(claims), alg="RS256", kid="one").sign_compact([key])


@contextmanager
def oidc_provider(
    redirect: str, people: dict[str, dict[str, Any]], *, certificate: Path
) -> Iterator[OidcProvider]:
    """Serve the provider; ``/authorize?...&person=ada`` has that person logged in."""
    served: OidcProvider

    class Pages(Handler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/.well-known/openid-configuration":
                self._answer(200, served.provider_configuration.to_dict())
            elif parts.path == "/jwks":
                self._answer(200, served.jwks)
            else:
                query, _, person = parts.query.rpartition("&person=")
                try:
                    self._answer(302, {}, served.authorize_person(query, person))
                except InvalidAuthenticationRequest as error:
                    self._answer(400, {"error": str(error)})

        def do_POST(self) -> None:
            body, headers = self.body().decode(), {"Authorization": self.headers["Authorization"]}
            try:
                self._answer(200, served.token(body, headers))
            except (OAuthError, ValueError) as error:
                code = getattr(error, "oauth_error", "invalid_grant")
                self._answer(400, {"error": code, "error_description": str(error)})

        def _answer(self, status: int, content: Any, location: str = "") -> None:
            headers = {"Content-Type": "application/json"}
            if location:
                headers["Location"] = location
            self.respond(status, json.dumps(content).encode(), headers)

    with serving(Pages, tls=server_context(certificate)) as url:
        served = OidcProvider(url, redirect, people)
        yield served
