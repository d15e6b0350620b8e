"""Errors of secrets; each says what to do and shows no value."""

from collections.abc import Iterable

import dagster as dg


class SecretError(dg.Failure):
    """A secret could not be obtained.

    A ``dg.Failure``, because Dagster shows its text as the step's own error instead of wrapping it,
    and because a retry is useless except for the server's own problems.
    """

    _worth_retrying = False

    def __init__(self, message: str) -> None:
        super().__init__(description=message, allow_retries=self._worth_retrying)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type, tuple[str]]:
        # pickle accepts any callable; typeshed requires a class
        return _remade, (type(self), self.message)  # pyright: ignore[reportReturnType]


def _remade(kind: type[SecretError], message: str) -> SecretError:
    error = kind.__new__(kind)
    SecretError.__init__(error, message)
    return error


class SecretsMisconfiguredError(SecretError):
    """The settings that say where secrets are stored are missing or not acceptable."""


class VaultUnreachableError(SecretError):
    """No server answers at the address, or the one that does cannot be trusted."""

    _worth_retrying = True


class NotVaultError(SecretError):
    """What answers at the address is not Vault, or sends its clients to another server."""


class VaultSealedError(SecretError):
    """The server reports that it is sealed or not initialised."""

    _worth_retrying = True


class VaultBusyError(SecretError):
    """The server kept answering 429 or 5xx for as long as the caller would wait."""

    _worth_retrying = True


class LoginRefusedError(SecretError):
    """The server does not accept the platform's identity."""


class SecretForbiddenError(SecretError):
    """The policies of the platform's identity do not allow the path."""

    def __init__(self, path: str, *, policy: str, identity: str) -> None:
        """Name the ``path`` refused to ``identity`` and the ``policy`` line that allows it."""
        super().__init__(
            f"{identity} may not read the secret at {path}: add to one of its policies\n  {policy}"
        )


class SecretNotFoundError(SecretError):
    """Nothing is stored at the path."""


class SecretKeyNotFoundError(SecretError):
    """The secret exists but does not have the key."""

    def __init__(self, path: str, key: str, *, present: Iterable[str]) -> None:
        """Name the ``key`` missing from the secret at ``path`` and the keys ``present``."""
        listed = ", ".join(sorted(present)) or "none"
        super().__init__(
            f"the secret {path} has no key {key!r}, its keys are: {listed}. "
            "Request one of them, or add the missing one"
        )


class SecretNotSerializableError(TypeError):
    """A secret was about to be serialised, by pickle for example."""
