"""Headers whose value is a secret, which is read only when it is sent and never kept.

A variable holds ``secret:<path>#<key>`` instead of the value, and the code location sets the
reader with :func:`read_secrets_with`.
"""

from collections.abc import Callable, Mapping

from shared_lib.observability.background import NotSentError

PREFIX = "secret:"

# Called with the path of a secret and a key in it.
ReadSecret = Callable[[str, str], str]

_reader: ReadSecret | None = None


def read_secrets_with(reader: ReadSecret) -> None:
    """Use ``reader`` in this process for the values of headers that name a secret."""
    global _reader  # noqa: PLW0603 - one per process, like the variables that name the secrets
    _reader = reader


def revealed(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers, with each secret's name replaced by its value.

    Raises:
        NotSentError: a header names a secret that cannot be read; the text shows no value.
    """
    return {name: _value(name, value) for name, value in headers.items()}


def _value(name: str, value: str) -> str:
    if not value.startswith(PREFIX):
        return value
    path, separator, key = value.removeprefix(PREFIX).partition("#")
    if not separator:
        raise NotSentError(f"header {name}: allowed is {PREFIX}<path>#<key>")
    if _reader is None:
        raise NotSentError(f"header {name} names a secret, but no secrets reader is configured")
    return _reader(path, key)
