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
        one_of: of the secrets with the same word, one is enough; none: it is needed.
        is_optional: whether the location also works while nobody has stored it.
    """

    path: str
    keys: tuple[str, ...]
    one_of: str | None = None
    is_optional: bool = False


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
        is_absent: whether nothing at all is at the path.
    """

    path: str
    state: SecretState
    remedy: str
    is_absent: bool = False


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
            is_absent = isinstance(error, SecretNotFoundError)
            examined.append(ExaminedSecret(path, state, str(error), is_absent))
    return examined


def unmet(
    needs: Iterable[SecretNeed], examined: Iterable[ExaminedSecret]
) -> dict[ExaminedSecret, str]:
    """The secrets that have to be put right, each with what to do.

    One that is absent is not among them where each location that declares it calls it optional, or
    has found another one of the same ``one_of``. One that is there and cannot be used always is.
    """
    paths: dict[str, set[str]] = {}
    groups: dict[str, set[str | None]] = {}
    for need in needs:
        of_path = groups.setdefault(need.path, set())
        if not need.is_optional:
            of_path.add(need.one_of)
        if need.one_of is not None:
            paths.setdefault(need.one_of, set()).add(need.path)
    results = list(examined)
    found = {one.path for one in results if one.state is SecretState.FOUND}
    problems: dict[ExaminedSecret, str] = {}
    for one in results:
        open_groups = [name for name in groups[one.path] if name is None or not paths[name] & found]
        if one.path in found or (one.is_absent and not open_groups):
            continue
        enough = [
            f"; one of {', '.join(sorted(paths[name]))} is enough"
            for name in open_groups
            if name is not None
        ]
        problems[one] = one.remedy + "".join(enough)
    return problems


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
