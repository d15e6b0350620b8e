"""The signed token of each call: RS256, with the application's id as ``kid``.

Rules: the security scheme ``bearerAuth`` of the vendor's API description.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import jwt

from gocardless.enable_banking.errors import KeyRefusedError
from shared_lib.secrets import know

LIFETIME = timedelta(hours=1)
_EARLY = timedelta(minutes=5)
_ISSUER, _AUDIENCE = "enablebanking.com", "api.enablebanking.com"


class SignedTokens:
    """Provides a token that stays valid for some minutes; safe to use from many threads."""

    def __init__(
        self,
        *,
        application_id: str,
        private_key: Callable[[], str],
        now: Callable[[], datetime],
    ) -> None:
        """Sign with ``private_key``, which returns a PEM text; ``now`` is the time, UTC."""
        self._application_id, self._private_key, self._now = application_id, private_key, now
        self._lock = threading.Lock()
        self._token: tuple[str, datetime] | None = None

    def token(self) -> str:
        """Return a valid token.

        Raises:
            KeyRefusedError: the private key is not an RSA key in PEM.
        """
        with self._lock:
            now = self._now()
            if self._token is None or now >= self._token[1] - _EARLY:
                self._token = self._signed(now), now + LIFETIME
                know(self._token[0], name="enable banking token")
            return self._token[0]

    def discard(self, token: str) -> None:
        """Forget ``token``, which the API has refused."""
        with self._lock:
            if self._token is not None and self._token[0] == token:
                self._token = None

    def _signed(self, now: datetime) -> str:
        issued = int(now.timestamp())
        claims = {
            "iss": _ISSUER,
            "aud": _AUDIENCE,
            "iat": issued,
            "exp": issued + int(LIFETIME.total_seconds()),
        }
        try:
            return jwt.encode(
                claims,
                self._private_key(),
                algorithm="RS256",
                headers={"kid": self._application_id},
            )
        except (jwt.InvalidKeyError, ValueError, TypeError) as error:
            # neither the key nor the library's text about it goes into the message
            message = "private_key of gocardless/enable_banking is not an RSA key in PEM"
            raise KeyRefusedError(message) from error
