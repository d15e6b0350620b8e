"""The secrets that the code locations declare as needed, and whether they exist."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from shared_lib.secrets.errors import (
    SecretError,
    SecretForbiddenError,
    SecretNotFoundError,
    SecretsMisconfiguredError,
)


@dataclass(frozen=True, order=True)
class SecretNeed:
    """A secret that a code location declares as needed.

    Attributes:
        path: the path of the secret, for example ``gocardless/api``.
        keys: the keys of the secret that are used.
    """

    path: str
    keys: tuple[str, ...]


class SecretState(StrEnum):
    """The result of examining a secret."""

    FOUND = "found"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class ExaminedSecret:
    """The result of examining one needed secret.

    Attributes:
        path: the path of the secret.
        state: found only if every needed key exists.
        remedy: what to do; empty if the secret was found. Contains no value.
    """

    path: str
    state: SecretState
    remedy: str


class KeyNames(Protocol):
    """A source of the key names of secrets."""

    def key_names(self, path: str) -> frozenset[str]:
        """Return the keys of the secret at ``path``."""
        ...


def examine(needs: Iterable[SecretNeed], *, secrets: KeyNames) -> list[ExaminedSecret]:
    """Look up each needed secret, requesting only the names of its keys.

    Args:
        needs: what the locations declare; several needs for one path become one request.
        secrets: where to look. If it is not configured, everything is unreachable.
    """
    keys: dict[str, set[str]] = {}
    for need in needs:
        keys.setdefault(need.path, set()).update(need.keys)
    examined: list[ExaminedSecret] = []
    # If the server is unreachable, do not wait again for each of the remaining secrets.
    outage: SecretError | None = None
    for path in sorted(keys):
        try:
            if outage is not None:
                raise outage
            examined.append(_compared(path, keys[path], present=secrets.key_names(path)))
        except SecretError as error:
            state = _state_after(error)
            # A configuration mistake causes no waiting and may concern only this path.
            if state is SecretState.UNREACHABLE and not isinstance(
                error, SecretsMisconfiguredError
            ):
                outage = error
            examined.append(ExaminedSecret(path, state, str(error)))
    return examined


def _compared(path: str, needed: set[str], *, present: frozenset[str]) -> ExaminedSecret:
    missing = sorted(needed - present)
    if not missing:
        return ExaminedSecret(path, SecretState.FOUND, "")
    remedy = f"the secret {path} lacks {', '.join(missing)}: add the missing keys"
    return ExaminedSecret(path, SecretState.MISSING, remedy)


def _state_after(error: SecretError) -> SecretState:
    match error:
        case SecretNotFoundError():
            return SecretState.MISSING
        case SecretForbiddenError():
            return SecretState.FORBIDDEN
        case _:
            return SecretState.UNREACHABLE
