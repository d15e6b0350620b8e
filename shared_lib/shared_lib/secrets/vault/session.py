"""One login for the whole process, kept alive and replaced when it ends."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

import hvac
import hvac.exceptions
import requests.adapters

from shared_lib.secrets.single_flight import SingleFlight
from shared_lib.secrets.vault.answers import part
from shared_lib.secrets.vault.login import Identity, Login, new_client
from shared_lib.secrets.vault.retrying import Patience
from shared_lib.secrets.vault.server import VaultServer

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")

# Open connections to keep: as many as threads are likely to send requests at once.
_CONNECTIONS = 64
# A token is replaced in the last tenth of its lifetime, or in its last minute if shorter.
_LAST_SHARE = 0.1
_LAST_SECONDS = 60.0


class VaultSession:
    """An hvac client that is logged in whenever it is used, by any number of threads."""

    def __init__(
        self,
        server: VaultServer,
        identity: Identity,
        *,
        patience: Patience,
        timeout_seconds: float,
    ) -> None:
        """Use ``server`` as ``identity``; nothing is sent before the first use."""
        self.identity = identity
        self._flight = SingleFlight()
        self._generation = 0
        self._login: Login | None = None
        self._replace_at = 0.0
        self._client = new_client(
            server,
            patience=patience,
            timeout_seconds=timeout_seconds,
            certificate=identity.certificate,
        )
        self._client.session.mount(
            server.address, requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS)
        )
        self._new_client = lambda: new_client(
            server,
            patience=patience,
            timeout_seconds=timeout_seconds,
            certificate=identity.certificate,
        )

    def ask(self, question: Callable[[hvac.Client], Answer]) -> Answer:
        """Call ``question`` with a client that is logged in, and return the answer.

        If the token turns out to be invalid, because it expired or was revoked, get a new one and
        ask the question once more.

        Raises:
            hvac.exceptions.VaultError: the server answers the question with an error.
            SecretError: the login is refused, or the server unreachable, sealed or busy.
        """
        generation = self._logged_in()
        try:
            return question(self._client)
        except hvac.exceptions.Forbidden:
            # The server returns the same answer for an invalid token and for a forbidden path.
            if not self._replaced(generation):
                raise
        return question(self._client)

    @property
    def generation(self) -> int:
        """The number of logins so far: whatever depends on a token ends with its generation."""
        return self._generation

    @property
    def seconds_left(self) -> float:
        """The seconds until the token is replaced; infinite if it never expires."""
        return self._replace_at - time.monotonic()

    def _logged_in(self) -> int:
        if not self._is_logged_in():
            self._flight.attempt(self._renew_or_log_in, unless=self._is_logged_in)
        return self._generation

    def _is_logged_in(self) -> bool:
        return self._login is not None and self.seconds_left > 0

    def _replaced(self, generation: int) -> bool:
        """Replace the token of ``generation`` if invalid; return whether another is in use."""
        self._flight.attempt(self._replace_if_dead, unless=lambda: self._generation != generation)
        return self._generation != generation

    def _replace_if_dead(self) -> None:
        if self._token_is_dead():
            _log.info("the Vault token is no longer valid: logging in again")
            self._log_in()

    def _token_is_dead(self) -> bool:
        try:
            self._client.auth.token.lookup_self()
        except (hvac.exceptions.Forbidden, hvac.exceptions.Unauthorized):
            return True
        return False

    def _renew_or_log_in(self) -> None:
        """Renew a token that was given to us; any other is cheaper to replace."""
        login = self._login
        if login is not None and login.renewable and self.identity.method.method == "token":
            try:
                granted: Any = self._client.auth.token.renew_self()
            except hvac.exceptions.VaultError as error:
                _log.info("the Vault token cannot be renewed (%s)", type(error).__name__)
            else:
                lifetime = part(granted, "auth", "lease_duration", kind=int) or None
                renewable = part(granted, "auth", "renewable", kind=bool)
                self._use(Login(login.token, lifetime, renewable))
                return
        self._log_in()

    def _log_in(self) -> None:
        # With a separate client: the other threads continue with the token that they have.
        self._use(self.identity.log_in(self._new_client()))
        self._generation += 1

    def _use(self, login: Login) -> None:
        lifetime = login.lifetime_seconds
        if lifetime is None:
            self._replace_at = float("inf")
        else:
            self._replace_at = (
                time.monotonic() + lifetime - min(lifetime * _LAST_SHARE, _LAST_SECONDS)
            )
        self._login = login
        self._client.token = login.token
