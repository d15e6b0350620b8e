"""What can go wrong with a secret; each error says what to do and shows no value."""

from collections.abc import Iterable

import dagster as dg


class SecretError(dg.Failure):
    """A secret could not be had.

    A ``dg.Failure``, because Dagster shows its text as the step's own error instead of wrapping
    it, and because trying again is useless for all but the server's own troubles.
    """

    _worth_retrying = False

    def __init__(self, message: str) -> None:
        super().__init__(description=message, allow_retries=self._worth_retrying)
        self.message = message

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[type, tuple[str]]:
        # pickle wants any callable; typeshed says that it is a class
        return _remade, (type(self), self.message)  # pyright: ignore[reportReturnType]


def _remade(kind: type[SecretError], message: str) -> SecretError:
    error = kind.__new__(kind)
    SecretError.__init__(error, message)
    return error


class SecretsMisconfiguredError(SecretError):
    """The platform was not told where its secrets are, or was told something it refuses."""


class VaultUnreachableError(SecretError):
    """Nothing answers at the address, or what answers cannot be trusted."""

    _worth_retrying = True


class VaultSealedError(SecretError):
    """The server answers that it is sealed, or not initialised."""

    _worth_retrying = True


class VaultBusyError(SecretError):
    """The server went on answering 429 or 5xx for as long as the caller would wait."""

    _worth_retrying = True


class LoginRefusedError(SecretError):
    """The server does not accept who the platform says it is."""


class SecretForbiddenError(SecretError):
    """The policies of the platform's identity do not allow the path."""

    def __init__(self, path: str, *, policy: str, identity: str) -> None:
        """Say which ``path`` was refused to ``identity`` and which ``policy`` line allows it."""
        super().__init__(
            f"{identity} may not read the secret at {path}: add to one of its policies\n  {policy}"
        )


class SecretNotFoundError(SecretError):
    """Nothing is stored at the path."""


class SecretKeyNotFoundError(SecretError):
    """The secret is there, and has no such key."""

    def __init__(self, path: str, key: str, *, present: Iterable[str]) -> None:
        """Say which ``key`` the secret at ``path`` lacks, and which keys are ``present``."""
        listed = ", ".join(sorted(present)) or "none"
        super().__init__(
            f"the secret {path} has no key {key!r}, its keys are: {listed}. "
            "Ask for one of them, or write the missing one"
        )


class SecretNotSerializableError(TypeError):
    """A secret was about to be written down by pickle or the like."""
