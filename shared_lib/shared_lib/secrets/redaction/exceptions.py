"""Exceptions that leave the platform's code, where no log record is between."""

import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from shared_lib.secrets.redaction.registry import redact


class RedactedError(RuntimeError):
    """Stands for an exception whose own text held a secret."""


@contextmanager
def redacting_exceptions() -> Iterator[None]:
    """Replace an exception of the body whose text, or that of its causes, holds a secret.

    For sensors and schedules: Dagster sends what they raise to its daemon, another process, that
    knows no secret and writes it to the tick. An exception without secrets passes as it is.

    Raises:
        RedactedError: with type and trace of the original, redacted, and without its objects.
    """
    try:
        yield
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        clean = redact(text)
        if clean == text:
            raise
        message = f"{redact(str(error))} (a {type(error).__name__}, redacted)\n{clean}"
    else:
        return
    redacted = RedactedError(message)
    try:
        raise redacted
    finally:
        # Python has just made the original its context, from which any handler could take it.
        redacted.__context__ = None
