"""Secrets that the server creates for us and revokes, such as a database account."""

import logging
import threading
import time
from typing import Any, Self

import hvac.exceptions

from shared_lib.secrets.errors import (
    SecretError,
    SecretForbiddenError,
    SecretNotFoundError,
    SecretsMisconfiguredError,
)
from shared_lib.secrets.value import Secret
from shared_lib.secrets.vault.answers import part
from shared_lib.secrets.vault.session import VaultSession

_log = logging.getLogger(__name__)

# A lease is renewed when half of it is left, which leaves time for a server that restarts.
_RENEWED_AFTER = 0.5
# The server grants shorter renewals near the end of a lease's maximum lifetime: below this share
# of the first grant a new lease is fetched while the old one is still valid.
_WORTH_KEEPING = 0.6
_SHORTEST_WAIT_SECONDS = 0.1


class Lease:
    """A leased secret, renewed while it is in use and revoked when it is closed.

    When a lease can no longer be renewed, another lease with other values replaces it: call
    :meth:`current` for each new connection, and take user name and password from the same result.
    """

    def __init__(self, session: VaultSession, path: str) -> None:
        """Lease the secret at ``path``, for example ``database/creds/reader``.

        Raises:
            SecretForbiddenError: no policy allows it; has the line that would.
            SecretNotFoundError: the role does not exist in the engine.
            SecretError: the login is refused, or the server unreachable, sealed or busy.
        """
        self._session = session
        self._path = path
        self._lock = threading.RLock()
        self._closing = threading.Event()
        self._lease_ids: list[str] = []
        self._fetch()
        self._renewing = threading.Thread(
            target=self._keep_alive, name=f"lease of {path}", daemon=True
        )
        self._renewing.start()

    def current(self) -> Secret:
        """Return the values that are valid now.

        Raises:
            SecretError: the lease has expired and no new one is available.
        """
        with self._lock:
            if time.monotonic() >= self._expires_at:
                self._fetch()
            return self._secret

    def close(self) -> None:
        """Revoke what was leased; a second call does nothing."""
        self._closing.set()
        self._renewing.join()
        with self._lock:
            for lease_id in self._lease_ids:
                self._revoke(lease_id)
            self._lease_ids.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fetch(self) -> None:
        answer: Any = None
        forbidden = False
        try:
            answer = self._session.ask(lambda client: client.read(self._path))
        except hvac.exceptions.Forbidden:
            forbidden = True
        except hvac.exceptions.InvalidRequest as error:
            # what the engine answers for an unknown role
            _log.debug("%s: %s", self._path, type(error).__name__)
        if forbidden:
            raise SecretForbiddenError(
                self._path,
                policy=f'path "{self._path}" {{ capabilities = ["read"] }}',
                identity=self._session.identity.description,
            )
        if answer is None:
            raise SecretNotFoundError(
                f"nothing is leased at {self._path}: check the role's name with "
                f"`vault list {self._path.rsplit('/', 2)[0]}/roles`"
            )
        lease_id = part(answer, "lease_id", kind=str)
        if not lease_id:
            raise SecretsMisconfiguredError(
                f"{self._path} is not leased: read it with `get`, below the key/value mount"
            )
        self._generation = self._session.generation
        self._first_grant = float(part(answer, "lease_duration", kind=int))
        self._lease_id = lease_id
        self._lease_ids.append(self._lease_id)
        values = {key: str(value) for key, value in part(answer, "data", kind=dict).items()}
        self._secret = Secret(self._path, values)
        self._granted(self._first_grant)

    def _granted(self, seconds: float) -> None:
        now = time.monotonic()
        self._expires_at = now + seconds
        # A lease ends with the token that requested it, so a new token means a new lease.
        self._look_again_at = now + min(seconds * _RENEWED_AFTER, self._session.seconds_left)

    def _keep_alive(self) -> None:
        while True:
            wait = max(_SHORTEST_WAIT_SECONDS, self._look_again_at - time.monotonic())
            if self._closing.wait(min(wait, threading.TIMEOUT_MAX)):
                return
            try:
                with self._lock:
                    self._renew_or_fetch()
            except SecretError as error:
                # If the lease has expired by then, the caller's next request raises its own error.
                _log.warning("the lease of %s could not be renewed: %s", self._path, error)
                left = self._expires_at - time.monotonic()
                self._look_again_at = time.monotonic() + max(1.0, left / 2)

    def _renew_or_fetch(self) -> None:
        try:
            answer: Any = self._session.ask(lambda client: client.sys.renew_lease(self._lease_id))
        except hvac.exceptions.VaultError as error:
            _log.info("lease of %s: %s, fetching a new one", self._path, type(error).__name__)
            self._fetch()
            return
        granted = float(part(answer, "lease_duration", kind=int))
        is_of_old_token = self._session.generation != self._generation
        if is_of_old_token or granted < self._first_grant * _WORTH_KEEPING:
            self._fetch()
        else:
            self._granted(granted)

    def _revoke(self, lease_id: str) -> None:
        try:
            self._session.ask(lambda client: client.sys.revoke_lease(lease_id))
        except hvac.exceptions.InvalidRequest:
            _log.debug("a lease of %s had already ended", self._path)
        except (hvac.exceptions.VaultError, SecretError) as error:
            # The work is done, and the lease expires automatically: no reason to fail the run.
            _log.warning(
                "a lease of %s could not be revoked (%s) and stays valid for at most %.0f s: allow "
                "`update` on sys/leases/revoke, or revoke it with `vault lease revoke`",
                self._path,
                type(error).__name__,
                self._first_grant,
            )
