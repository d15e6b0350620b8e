"""Redact everything that is logged or printed in this process."""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TextIO

from shared_lib.secrets.redaction.registry import redact

_lock = threading.Lock()
# The event is redacted by the record's property, the rest is Dagster's own.
_OF_DAGSTER = ("dagster_event", "dagster_event_batch_metadata", "dagster_meta")
_RecordFactory = Callable[..., logging.LogRecord]


class _RedactedFields(dict[str, Any]):
    """The fields of a log record, which redact what is added after the record was made.

    ``logging`` writes the ``extra`` of a call there directly, past every method of the record.
    """

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value if key in _OF_DAGSTER else _clean_extra(value))

    # a record's fields are named, so that pairs without names are not accepted
    def update(self, *fields: Mapping[str, Any], **named: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for key, value in dict(*fields, **named).items():
            self[key] = value

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        return dict, (dict(self),)


class _RedactedRecord(logging.LogRecord):
    """A log record whose Dagster event is redacted before any handler can read it.

    Dagster attaches the event after creating the record, directly in its ``__dict__``; a property
    takes precedence over that on access.
    """

    @property
    def dagster_event(self) -> Any:
        """The event that Dagster's log manager attached."""
        if "dagster_event" not in self.__dict__:
            raise AttributeError("dagster_event")
        event = self.__dict__["dagster_event"]
        if event is not None and not self.__dict__.get("_event_is_clean"):
            # Here, because importing Dagster is slow and this record proves that it is loaded.
            from shared_lib.secrets.redaction.events import redacted_event

            event = redacted_event(event)
            self.__dict__.update(dagster_event=event, _event_is_clean=True)
        return event

    @dagster_event.setter
    def dagster_event(self, event: Any) -> None:
        self.__dict__.update(dagster_event=event, _event_is_clean=False)


class RedactedStream:
    """A text stream that redacts what is written to it; otherwise like the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        """Write everything except secrets to ``stream``."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text`` without its secrets; return the length of the original text."""
        self._stream.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write the lines without their secrets."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def install_redaction() -> None:
    """Redact every log record, Dagster event and print in this process from now on.

    Log records are redacted where they are created, so that no logger, handler or formatter sees
    the secret. Standard output and error are redacted as well, because Python's ``http.client``
    prints its debug output. Calling this function again does no harm.
    """
    with _lock:
        present = logging.getLogRecordFactory()
        if not getattr(present, "redacts_secrets", False):
            logging.setLogRecordFactory(_redacting(present))
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            # None in a process without console
            if stream is not None and not isinstance(stream, RedactedStream):
                setattr(sys, name, RedactedStream(stream))


def _redacting(make: _RecordFactory) -> _RecordFactory:
    def make_redacted(*arguments: Any, **named: Any) -> logging.LogRecord:
        record = make(*arguments, **named)
        _clean(record)
        if type(record) is logging.LogRecord:
            record.__class__ = _RedactedRecord
            record.__dict__ = _RedactedFields(record.__dict__)
        return record

    # a marker that identifies the function even if something else has wrapped it meanwhile
    make_redacted.redacts_secrets = True  # pyright: ignore[reportFunctionMemberAccess]
    return make_redacted


def _clean_extra(value: Any) -> Any:
    """Return ``value`` if nothing in it shows a secret, else what it shows without the secret."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact(value)
    if type(value) is dict:
        return {_clean_extra(key): _clean_extra(held) for key, held in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(map(_clean_extra, value))
    try:
        shown = (str(value), repr(value))
    except Exception as error:  # noqa: BLE001 - a log call does not fail because of what it logs
        return f"<{type(value).__name__} that raises {type(error).__name__}>"
    return value if all(redact(text) == text for text in shown) else redact(shown[0])


def _clean(record: logging.LogRecord) -> None:
    if record.stack_info:
        record.stack_info = redact(record.stack_info)
    try:
        text = record.getMessage()
    except (TypeError, ValueError):
        # The arguments do not fit: logging itself reports that, on the redacted stderr.
        return
    clean = redact(text)
    if clean != text:
        record.msg, record.args = clean, None
    if record.exc_info and record.exc_info[0] is not None:
        trace = "".join(traceback.format_exception(*record.exc_info)).rstrip("\n")
        clean = redact(trace)
        if clean != trace:
            # A formatter that finds the text does not build it again from the exception.
            record.exc_text = clean
            record.exc_info = None
