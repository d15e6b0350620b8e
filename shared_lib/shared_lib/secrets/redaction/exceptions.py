"""Redact exceptions that leave the platform's code without a log record."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from shared_lib.secrets.redaction.registry import redact


class RedactedError(RuntimeError):
    """A replacement for an exception whose own text contained a secret."""


@contextmanager
def redacting_exceptions() -> Iterator[None]:
    """Replace an exception of the body if its text, or a cause's, contains a secret.

    For sensors and schedules: Dagster sends what they raise to its daemon, another process that
    does not know the secrets and stores it with the tick. An exception without secrets passes
    unchanged.

    Raises:
        RedactedError: has the original's type and trace, redacted, but none of its objects.
    """
    try:
        yield
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        clean = redact(text)
        if clean == text:
            raise
        kind = redact(type(error).__name__)
        message = f"{redact(str(error))} (a {kind}, redacted)\n{clean}"
    else:
        return
    redacted = RedactedError(message)
    try:
        raise redacted
    finally:
        # Python has just set the original as its context, which any handler could read.
        redacted.__context__ = None
