"""What is added to a message later on: a thread's entry, or where there are none a message."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from orchestration_platform.alerts.facts.alert import Alert, same_kind
from orchestration_platform.alerts.messages.links import run_url
from orchestration_platform.alerts.messages.message import Incident, step_name
from orchestration_platform.alerts.messages.text import cut
from orchestration_platform.alerts.messages.wording import (
    Span,
    SpanKind,
    code,
    duration,
    link,
    member,
    moment,
    owner,
    redacted,
    separated,
    words,
)

# More share the room of one message so that none has enough of it.
_SHOWN_TRACES = 20
# Of an error within a line.
_LONGEST_ERROR = 300


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


def trace_entry(failure: Alert) -> Entry | None:
    """The stack traces of a failure, for the thread; nothing when there are none."""
    traces = tuple(
        Trace(step_name(step, failure), step.trace)
        for step, _ in same_kind(failure.problems)
        if step.trace
    )
    if not traces:
        return None
    about = f"of run {failure.run_id}" if failure.run_id else f"of {failure.subject}"
    if len(traces) > _SHOWN_TRACES:
        about += f", {_SHOWN_TRACES} of {len(traces)} steps, the run's log has the others"
    return redacted(
        Entry(EntryKind.TRACE, (words(f"Stack trace {about}"),), traces[:_SHOWN_TRACES])
    )


def repeat_entry(failure: Alert, occurrences: int, *, ui_url: str) -> Entry:
    """A line for the thread when it has happened again."""
    again = "Failed again" if failure.problems else "Again"
    spans = [words(f"{again} at {moment(failure.at)}")]
    if failure.run_id:
        spans += [words(": "), link(f"run {failure.run_id[:8]}", run_url(failure, ui_url))]
    if failure.partition:
        spans += [words(", partition "), code(failure.partition)]
    spans.append(words(f", {occurrences} times"))
    if failure.problems and not failure.is_told_apart_by_error:
        # which may be another than that of the time before
        error = failure.problems[0]
        said = " ".join(f"{error.error_class}: {error.message}".split())
        spans.append(words(f": {cut(said, _LONGEST_ERROR)}"))
    return redacted(Entry(EntryKind.REPEAT, tuple(spans)), ui_url=ui_url)


def recovery_entry(incident: Incident) -> Entry:
    """A line for the thread when what had failed has succeeded, or is something else now."""
    recovered_at = incident.recovered_at or incident.latest.at
    after = duration(recovered_at - incident.first.at)
    times = "once" if incident.occurrences == 1 else f"{incident.occurrences} times"
    said = f"after {after}, having failed {times}"
    instead = incident.latest.instead
    said = f"Over {said}: {instead}" if instead else f"Recovered {said}"
    return redacted(Entry(EntryKind.RECOVERY, (words(said),)))


def escalation_entry(incident: Incident, *, now: float, note: str = "") -> Entry:
    """A line that calls people to what nobody has taken on.

    Args:
        incident: what it is, with whom to call.
        now: seconds since 1970.
        note: what else they should know.
    """
    called = [part for name in incident.escalated_to for part in (owner(name), words(" "))]
    since = f"Nobody has taken this on for {duration(now - incident.first.at)}"
    times = f", {incident.occurrences} times" if incident.occurrences > 1 else ""
    said = words(f"{since}{times}{f' ({note})' if note else ''}")
    return redacted(Entry(EntryKind.CALL, (*called, said)))


def reminder_entry(failure: Alert, *, occurrences: int, now: float) -> Entry:
    """A line that says that what nobody has taken on goes on.

    Args:
        failure: what it is.
        occurrences: how often it has happened.
        now: seconds since 1970.
    """
    times = f", {occurrences} times" if occurrences > 1 else ""
    said = f"This goes on for {duration(now - failure.at)}{times}, and nobody has taken it on"
    return Entry(EntryKind.CALL, (words(said),))


def acknowledgement_entry(people: Sequence[str]) -> Entry:
    """A line for those to whom it was escalated when somebody has taken it on."""
    return Entry(
        EntryKind.NOTICE, (words("Taken on by "), *separated([member(name) for name in people]))
    )
