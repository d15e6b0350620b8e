"""Secrets from Vault: one session, one cache and one engine per process."""

import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from shared_lib.secrets.cache import ReadThroughCache
from shared_lib.secrets.vault.authentication import AppRoleMethod, Method
from shared_lib.secrets.vault.key_value import KeyValueEngine
from shared_lib.secrets.vault.leases import Lease
from shared_lib.secrets.vault.login import Identity
from shared_lib.secrets.vault.retrying import Patience
from shared_lib.secrets.vault.secret_ids import ends_of_secret_ids
from shared_lib.secrets.vault.server import VaultServer
from shared_lib.secrets.vault.session import VaultSession


@dataclass(frozen=True)
class VaultAccess:
    """Everything that distinguishes one way of reading secrets from another.

    Attributes:
        server: the server.
        method: the identity, as the JSON of a configured method.
        mount: the mount of the key/value engine.
        cache_seconds: how long a secret is reused before it is read again.
        patience_seconds: how long requests to a failing server are retried.
        timeout_seconds: the timeout for a connection and for each answer.
    """

    server: VaultServer
    method: Method
    mount: str
    cache_seconds: float
    patience_seconds: float
    timeout_seconds: float


class VaultBackend:
    """Read secrets from Vault; nothing is sent before the first request."""

    def __init__(self, access: VaultAccess) -> None:
        """Read as ``access`` says."""
        self._session = VaultSession(
            access.server,
            Identity(access.method),
            patience=Patience(total_seconds=access.patience_seconds),
            timeout_seconds=access.timeout_seconds,
        )
        self._engine = KeyValueEngine(self._session, mount=access.mount)
        self._cache = ReadThroughCache[dict[str, str]](lifetime_seconds=access.cache_seconds)

    def read(self, path: str, *, version: int | None = None) -> dict[str, str]:
        """Return keys and values; see :meth:`KeyValueEngine.read`."""
        return self._cache.get((path, version), lambda: self._engine.read(path, version=version))

    def key_names(self, path: str) -> frozenset[str]:
        """Return keys without values; see :meth:`KeyValueEngine.key_names`."""
        return self._engine.key_names(path)

    def ends_of_secret_ids(self, roles: Iterable[str]) -> dict[str, list[datetime]]:
        """Return when the roles' secret ids end; empty if the login needs none."""
        method = self._session.identity.method
        if not isinstance(method, AppRoleMethod):
            return {}
        return ends_of_secret_ids(self._session, mount=method.mount, roles=roles)

    def lease(self, path: str) -> Lease:
        """Return a leased secret; see :class:`Lease`."""
        return Lease(self._session, path)


_lock = threading.Lock()
_backends: dict[str, VaultBackend] = {}


def vault_backend(access: VaultAccess) -> VaultBackend:
    """Return this process's one backend for ``access``, so that it logs in once."""
    with _lock:
        key = repr(access)
        if key not in _backends:
            _backends[key] = VaultBackend(access)
        return _backends[key]


def forget_backends() -> None:
    """Forget every login and cached secret of this process."""
    with _lock:
        _backends.clear()


# A forked child cannot use the connections and locks of its parent.
os.register_at_fork(after_in_child=_backends.clear)
