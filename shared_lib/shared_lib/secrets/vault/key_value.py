"""The key/value secrets engine, versions 1 and 2."""

import json
from collections.abc import Callable
from typing import Any, TypeVar, cast

import hvac
import hvac.exceptions

from shared_lib.secrets.errors import (
    SecretError,
    SecretForbiddenError,
    SecretNotFoundError,
    SecretsMisconfiguredError,
)
from shared_lib.secrets.single_flight import SingleFlight
from shared_lib.secrets.vault.answers import part
from shared_lib.secrets.vault.session import VaultSession

Answer = TypeVar("Answer")

_KV1, _KV2 = 1, 2


class KeyValueEngine:
    """Read the secrets below one mount of either version."""

    def __init__(self, session: VaultSession, *, mount: str) -> None:
        """Read below ``mount`` through ``session``."""
        self._session = session
        self._mount = mount.strip("/")
        self._flight = SingleFlight()
        self._version: int | None = None

    def read(self, path: str, *, version: int | None = None) -> dict[str, str]:
        """Return keys and values at ``path``; values that are not text in Vault become JSON.

        Args:
            path: the path below the mount.
            version: the version of a version 2 secret; the newest by default.

        Raises:
            SecretNotFoundError: the secret does not exist, or that version is deleted.
            SecretForbiddenError: no policy allows it; the text has the line that would.
            SecretsMisconfiguredError: a version is requested from a version 1 mount.
            SecretError: the login is refused, or the server is unreachable, sealed or busy.
        """
        if self._engine_version() == _KV1:
            if version is not None:
                raise SecretsMisconfiguredError(
                    f"version {version} of {path} was requested, but {self._mount}/ is a key/value "
                    f"engine without versions: run `vault kv enable-versioning {self._mount}`"
                )
            answer: Any = self._ask(
                path,
                "read",
                lambda client: client.secrets.kv.v1.read_secret(path, mount_point=self._mount),
            )
            found = part(answer, "data", kind=dict)
        else:
            answer = self._ask(
                path,
                "read",
                lambda client: client.secrets.kv.v2.read_secret_version(
                    path,
                    version=version,
                    mount_point=self._mount,
                    raise_on_deleted_version=True,
                ),
                version=version,
            )
            found = part(answer, "data", "data", kind=dict)
        return {key: _text(value) for key, value in found.items()}

    def key_names(self, path: str) -> frozenset[str]:
        """Return the keys at ``path``; a version 2 engine sends no values for this.

        Raises:
            SecretError: as :meth:`read`.
        """
        if self._engine_version() == _KV1:
            return frozenset(self.read(path))
        found = self._ask(
            path,
            "list the keys of",
            lambda client: client.adapter.get(f"/v1/{self._mount}/subkeys/{path}"),
        )
        return frozenset(part(found, "data", "subkeys", kind=dict))

    def _engine_version(self) -> int:
        self._flight.attempt(self._recognise, unless=lambda: self._version is not None)
        return cast("int", self._version)

    def _recognise(self) -> None:
        answer = self._ask(
            "",
            "recognise",
            lambda client: client.adapter.get(f"/v1/sys/internal/ui/mounts/{self._mount}"),
        )
        mounted = part(answer, "data", kind=dict)
        kind = part(answer, "data", "type", kind=str)
        if kind not in ("kv", "generic"):
            raise SecretsMisconfiguredError(
                f"{self._mount}/ is a {kind} engine, not a key/value one: set "
                "the resource's mount to the one that holds the secrets"
            )
        options = mounted.get("options") or {}
        self._version = _KV2 if options.get("version") == "2" else _KV1

    def _ask(
        self,
        path: str,
        purpose: str,
        question: Callable[[hvac.Client], Answer],
        *,
        version: int | None = None,
    ) -> Answer:
        place = f"{self._mount}/{path}"
        try:
            return self._session.ask(question)
        except hvac.exceptions.VaultError as error:
            refusal = type(error)
        # Outside the handler: hvac's errors contain the whole answer, and this one must not.
        if refusal is hvac.exceptions.Forbidden:
            raise SecretForbiddenError(
                place,
                policy=self._policy(path, purpose),
                identity=self._session.identity.description,
            )
        if refusal is not hvac.exceptions.InvalidPath:
            raise SecretError(
                f"Vault refuses to {purpose} {place} ({refusal.__name__}): see the server's "
                "log for the reason"
            )
        which = "" if version is None else f" in version {version}"
        raise SecretNotFoundError(
            f"no secret {place}{which}: write it with "
            f"`vault kv put -mount={self._mount} {path} KEY=VALUE`"
        )

    def _policy(self, path: str, purpose: str) -> str:
        if purpose == "recognise":
            # Any permission below a mount allows reading what it is, so the identity has none.
            place = f"{self._mount}/*"
        elif self._version == _KV2:
            place = f"{self._mount}/{'data' if purpose == 'read' else 'subkeys'}/{path}"
        else:
            place = f"{self._mount}/{path}"
        return f'path "{place}" {{ capabilities = ["read"] }}'


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
