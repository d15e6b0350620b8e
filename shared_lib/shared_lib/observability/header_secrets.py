"""Headers whose value is a secret: read where it is sent, and held nowhere else.

A variable holds ``secret:<path>#<key>`` instead of the value, and the code location says with
:func:`read_secrets_with` what reads it.
"""

from collections.abc import Callable, Mapping

from shared_lib.observability.background import NotSentError

PREFIX = "secret:"

# Takes the path of a secret and the key in it.
ReadSecret = Callable[[str, str], str]

_reader: ReadSecret | None = None


def read_secrets_with(reader: ReadSecret) -> None:
    """Let ``reader`` give the values of headers that name a secret, in this process."""
    global _reader  # noqa: PLW0603 - one per process, like the variables that name the secrets
    _reader = reader


def revealed(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with every secret in place of its name.

    Raises:
        NotSentError: a header names a secret that cannot be read; the text has no value.
    """
    return {name: _value(name, value) for name, value in headers.items()}


def _value(name: str, value: str) -> str:
    if not value.startswith(PREFIX):
        return value
    path, separator, key = value.removeprefix(PREFIX).partition("#")
    if not separator:
        raise NotSentError(f"header {name}: allowed is {PREFIX}<path>#<key>")
    if _reader is None:
        raise NotSentError(f"header {name} names a secret, and nothing was set up to read it")
    return _reader(path, key)
