"""What is added to a message later on: a thread's entry, or where there are none a message."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from orchestration_platform.alerts.messages.wording import Span, SpanKind


class EntryKind(StrEnum):
    """Why there is an entry."""

    TRACE = "trace"
    REPEAT = "repeat"
    RECOVERY = "recovery"
    NOTICE = "notice"
    CALL = "call"


@dataclass(frozen=True)
class Trace:
    """A stack trace, and of what."""

    name: str
    text: str


@dataclass(frozen=True)
class Entry:
    """An entry of a thread: a line, and below it stack traces."""

    kind: EntryKind
    line: tuple[Span, ...]
    traces: tuple[Trace, ...] = ()

    def to_json(self) -> str:
        """As text, for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Entry":
        """From :meth:`to_json`."""
        values = json.loads(text)
        return cls(
            EntryKind(values["kind"]),
            tuple(
                Span(span["text"], SpanKind(span["kind"]), span["url"]) for span in values["line"]
            ),
            tuple(Trace(**trace) for trace in values["traces"]),
        )
