"""What the code locations declare that they need, and whether it is there."""

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
    """A secret that somebody declared as needed.

    Attributes:
        path: where it is, for example ``gocardless/api``.
        keys: which of its keys are used.
    """

    path: str
    keys: tuple[str, ...]


class SecretState(StrEnum):
    """What was found out about a secret."""

    FOUND = "found"
    MISSING = "missing"
    FORBIDDEN = "forbidden"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class ExaminedSecret:
    """What was found out about one needed secret.

    Attributes:
        path: the secret.
        state: found only if every needed key is there.
        remedy: what to do; empty when it was found. Holds no value.
    """

    path: str
    state: SecretState
    remedy: str


class KeyNames(Protocol):
    """Whatever can say which keys a secret has."""

    def key_names(self, path: str) -> frozenset[str]:
        """The keys of the secret at ``path``."""
        ...


def examine(needs: Iterable[SecretNeed], *, secrets: KeyNames) -> list[ExaminedSecret]:
    """Look for each needed secret, asking for the names of its keys alone.

    Args:
        needs: what the locations declare; several for one path are one question.
        secrets: where to look. If that is not configured, everything is unreachable.
    """
    keys: dict[str, set[str]] = {}
    for need in needs:
        keys.setdefault(need.path, set()).update(need.keys)
    examined: list[ExaminedSecret] = []
    # Once the server cannot be reached, the rest is not worth waiting for one after the other.
    outage: SecretError | None = None
    for path in sorted(keys):
        try:
            if outage is not None:
                raise outage
            examined.append(_compared(path, keys[path], present=secrets.key_names(path)))
        except SecretError as error:
            state = _state_after(error)
            # A mistake in the configuration costs no waiting, and may be of this path alone.
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
    remedy = f"the secret {path} lacks {', '.join(missing)}: write what is missing"
    return ExaminedSecret(path, SecretState.MISSING, remedy)


def _state_after(error: SecretError) -> SecretState:
    match error:
        case SecretNotFoundError():
            return SecretState.MISSING
        case SecretForbiddenError():
            return SecretState.FORBIDDEN
        case _:
            return SecretState.UNREACHABLE
