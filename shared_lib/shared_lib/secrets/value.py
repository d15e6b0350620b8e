"""Secret values that are not shown by accident."""

import hmac
from collections.abc import Iterator, Mapping
from typing import NoReturn

from shared_lib.secrets.errors import SecretKeyNotFoundError, SecretNotSerializableError
from shared_lib.secrets.redaction.registry import know, placeholder


class SecretValue:
    """A value of a secret, which only :meth:`reveal` shows.

    ``str``, ``repr`` and formatting show only which secret it is, a copy is the same object, and
    JSON and pickle refuse it. As soon as it exists, :func:`shared_lib.secrets.redact` hides it.
    """

    __slots__ = ("_name", "_revealed")

    def __init__(self, value: str, *, path: str, key: str) -> None:
        """Keep ``value`` and register it for redaction as ``key`` of ``path``."""
        self._name = f"{path} {key}"
        # A function, because any listing of an object's fields shows their repr.
        self._revealed = lambda: value
        know(value, name=self._name)

    def reveal(self) -> str:
        """Return the value itself, for the call that needs it; do not keep or print it."""
        return self._revealed()

    def __repr__(self) -> str:
        return f"SecretValue({self._name})"

    def __str__(self) -> str:
        return placeholder(self._name)

    def __format__(self, specification: str) -> str:
        return format(str(self), specification)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretValue):
            return NotImplemented
        return hmac.compare_digest(self.reveal().encode(), other.reveal().encode())

    def __hash__(self) -> int:
        return hash(self.reveal())

    def __copy__(self) -> "SecretValue":
        return self

    def __deepcopy__(self, memo: object) -> "SecretValue":
        return self

    def __getstate__(self) -> NoReturn:
        self.__reduce__()

    def __reduce__(self) -> NoReturn:
        raise SecretNotSerializableError(
            f"the secret {self._name} must not be serialised: do not return it from an asset "
            "or pass it to another process, ask the secrets resource for it where it is used"
        )

    # the protocol number, whose type differs between Python versions
    def __reduce_ex__(self, _protocol: object) -> NoReturn:  # pyright: ignore[reportIncompatibleMethodOverride]
        self.__reduce__()


class Secret:
    """The keys of one secret and their values: ``secret["secret_id"].reveal()``."""

    __slots__ = ("_values", "path")

    def __init__(self, path: str, values: Mapping[str, str]) -> None:
        """Provide ``values``, which were found at ``path``."""
        self.path = path
        self._values = {
            key: SecretValue(value, path=path, key=key) for key, value in values.items()
        }

    def __getitem__(self, key: str) -> SecretValue:
        """Return the value of ``key``.

        Raises:
            SecretKeyNotFoundError: the key does not exist; the text names the keys that do.
        """
        if key not in self._values:
            raise SecretKeyNotFoundError(self.path, key, present=self._values)
        return self._values[key]

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def keys(self) -> frozenset[str]:
        """Return the names of the keys."""
        return frozenset(self._values)

    def __repr__(self) -> str:
        return f"Secret({self.path}: {', '.join(sorted(self._values))})"
