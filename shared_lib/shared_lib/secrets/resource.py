"""The single resource that provides every secret."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, Self

import dagster as dg
from pydantic import Field, PrivateAttr

from shared_lib.configuration.environment import Environment, current_settings
from shared_lib.secrets.env_backend import EnvBackend
from shared_lib.secrets.errors import SecretsMisconfiguredError
from shared_lib.secrets.redaction.logs import install_redaction
from shared_lib.secrets.value import Secret
from shared_lib.secrets.vault.authentication import (
    AppRoleMethod,
    AwsMethod,
    CertificateMethod,
    FromEnvironment,
    JwtMethod,
    KubernetesMethod,
    TokenMethod,
    UserpassMethod,
    chosen_method,
)
from shared_lib.secrets.vault.server import vault_server

if TYPE_CHECKING:
    from shared_lib.secrets.vault.backend import VaultBackend

BACKEND_VARIABLE = "SECRETS_BACKEND"
_BACKENDS = ("env", "vault")
_PATH = re.compile(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")


class CurrentSecret(Protocol):
    """A secret that may change during use."""

    def current(self) -> Secret:
        """Return the values that are valid now."""
        ...

    def close(self) -> None:
        """Release the secret."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class _FixedSecret:
    """A replacement for a lease if nothing is leased."""

    def __init__(self, secret: Secret) -> None:
        self._secret = secret

    def current(self) -> Secret:
        return self._secret

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class SecretsResource(dg.ConfigurableResource):
    """Fetch secrets when they are used: ``secrets.get("gocardless/api")["secret_id"].reveal()``.

    Its configuration says where secrets are stored and which identity to use; it never contains a
    secret, because the UI shows a resource's configuration.
    """

    location: str = Field(description="The code location that reads secrets.")
    address: str = Field(default="", description="Address of the server. Empty: VAULT_ADDR.")
    namespace: str = Field(default="", description="Its namespace. Empty: VAULT_NAMESPACE.")
    mount: str = Field(default="secret", description="The key/value engine.")
    path_prefix: str = Field(default="", description="Prefix of every key/value path.")
    authentication: (
        FromEnvironment
        | TokenMethod
        | AppRoleMethod
        | KubernetesMethod
        | JwtMethod
        | AwsMethod
        | UserpassMethod
        | CertificateMethod
    ) = Field(
        default=FromEnvironment(), discriminator="method", description="How the platform logs in."
    )
    cache_seconds: float = Field(
        default=60.0, ge=0, description="Seconds for which a secret is cached."
    )
    patience_seconds: float = Field(
        default=8.0, ge=0, description="Seconds for which failed requests are retried."
    )
    timeout_seconds: float = Field(
        default=5.0, gt=0, description="Seconds to wait for a connection, and for each answer."
    )

    _open: ExitStack = PrivateAttr(default_factory=ExitStack)

    @contextmanager
    def yield_for_execution(
        self,
        context: dg.InitResourceContext,  # noqa: ARG002 - Dagster's signature
    ) -> Iterator["SecretsResource"]:
        """Redact from the start of the run; release the leases at its end."""
        install_redaction()
        with self._open:
            yield self

    def get(self, path: str, *, version: int | None = None) -> Secret:
        """Return the secret at ``path``.

        Args:
            path: for example ``gocardless/api``.
            version: the version of a versioned secret; the newest by default.

        Raises:
            SecretError: it is unavailable; the subclass and the text say why and what to do.
        """
        install_redaction()
        return Secret(path, self._backend().read(self._full(path), version=version))

    def lease(self, path: str) -> CurrentSecret:
        """Return a secret that the server creates for this run, renewed while in use.

        If secrets come from the environment, return the variables' values, which do not change.

        Args:
            path: the path of the engine and its role, for example ``database/creds/reader``.

        Raises:
            SecretError: it is unavailable; the subclass and the text say why and what to do.
        """
        install_redaction()
        backend = self._backend()
        if isinstance(backend, EnvBackend):
            return _FixedSecret(Secret(path, backend.read(_checked(path))))
        lease = backend.lease(_checked(path))
        self._open.callback(lease.close)
        return lease

    def close(self) -> None:
        """Release the leases; for use outside a run."""
        self._open.close()

    def key_names(self, path: str) -> frozenset[str]:
        """Return the keys of the secret at ``path``, for :func:`shared_lib.secrets.examine`.

        Raises:
            SecretError: as :meth:`get`.
        """
        return self._backend().key_names(self._full(path))

    def ends_of_secret_ids(self, roles: Iterable[str]) -> dict[str, list[datetime]]:
        """Return when each secret id of each AppRole in ``roles`` ends, UTC, the next first.

        The list of a role without any is empty. The result is empty where no AppRole logs in.

        Raises:
            SecretError: the server does not answer, or the policies do not allow it.
        """
        backend = self._backend()
        return {} if isinstance(backend, EnvBackend) else backend.ends_of_secret_ids(roles)

    def _full(self, path: str) -> str:
        return _checked(f"{self.path_prefix}/{path}" if self.path_prefix else path)

    def _backend(self) -> "EnvBackend | VaultBackend":
        if secrets_backend() == "env":
            return EnvBackend()
        # Here, because importing hvac takes 0.2 s and loading needs no secret.
        from shared_lib.secrets.vault.backend import VaultAccess, vault_backend

        return vault_backend(
            VaultAccess(
                server=vault_server(self.address, self.namespace),
                method=chosen_method(self.authentication, location=self.location),
                mount=self.mount,
                cache_seconds=self.cache_seconds,
                patience_seconds=self.patience_seconds,
                timeout_seconds=self.timeout_seconds,
            )
        )


def secrets_backend() -> str:
    """Return where secrets come from: ``env`` or ``vault``.

    The environment decides; ``SECRETS_BACKEND`` overrides it in ``local`` and ``ci``.

    Raises:
        SecretsMisconfiguredError: the variable does not name a backend, or names one other than
            ``vault`` where only ``vault`` is accepted.
        UnknownEnvironmentError: ``DAGSTER_ENVIRONMENT`` is not an environment.
    """
    settings = current_settings()
    chosen = os.environ.get(BACKEND_VARIABLE) or settings.secrets_backend
    if chosen not in _BACKENDS:
        raise SecretsMisconfiguredError(
            f"{BACKEND_VARIABLE}: {chosen!r} is not a backend, allowed is one of: "
            f"{', '.join(_BACKENDS)}"
        )
    may_choose = settings.environment in (Environment.LOCAL, Environment.CI)
    if chosen != "vault" and not may_choose:
        raise SecretsMisconfiguredError(
            f"{BACKEND_VARIABLE} is {chosen} and {settings.environment} accepts only vault: "
            "unset it"
        )
    return chosen


def _checked(path: str) -> str:
    if not _PATH.fullmatch(path) or ".." in path:
        raise SecretsMisconfiguredError(
            f"{path!r} is not the path of a secret: write letters, digits, _, . and - with "
            "slashes between, for example gocardless/api"
        )
    return path
