"""What is added to a message later: a thread entry, or a message if there are no threads."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

from orchestration_platform.alerts.facts.alert import Alert, same_kind
from orchestration_platform.alerts.messages.head import over, step_name
from orchestration_platform.alerts.messages.links import run_url
from orchestration_platform.alerts.messages.message import Incident
from orchestration_platform.alerts.messages.text import cut
from orchestration_platform.alerts.messages.wording import (
    Span,
    SpanKind,
    code,
    duration,
    link,
    member,
    owner,
    redacted,
    separated,
    time,
    words,
)

# With more, none would have enough of the room of one message.
_SHOWN_TRACES = 20
# The length of an error within a line.
_LONGEST_ERROR = 300


class EntryKind(StrEnum):
    """Why an entry exists."""

    TRACE = "trace"
    REPEAT = "repeat"
    RECOVERY = "recovery"
    NOTICE = "notice"
    CALL = "call"


@dataclass(frozen=True)
class Trace:
    """A stack trace and its subject."""

    name: str
    text: str


@dataclass(frozen=True)
class Entry:
    """A thread entry: a line, with stack traces below it."""

    kind: EntryKind
    line: tuple[Span, ...]
    traces: tuple[Trace, ...] = ()

    def to_json(self) -> str:
        """Serialise the entry for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Entry":
        """Parse the output of :meth:`to_json`."""
        values = json.loads(text)
        return cls(
            EntryKind(values["kind"]),
            tuple(
                # earlier releases stored no time
                Span(span["text"], SpanKind(span["kind"]), span["url"], span.get("at", 0))
                for span in values["line"]
            ),
            tuple(Trace(**trace) for trace in values["traces"]),
        )


def trace_entry(failure: Alert) -> Entry | None:
    """Return the stack traces of a failure for the thread, or None if it has none."""
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
    """Return a line for the thread about a repeat."""
    again = "Failed again" if failure.problems else "Again"
    spans = [words(f"{again} at "), time(failure.at)]
    if failure.run_id:
        spans += [words(": "), link(f"run {failure.run_id[:8]}", run_url(failure, ui_url))]
    if failure.partition:
        spans += [words(", partition "), code(failure.partition)]
    spans.append(words(f", {occurrences} times"))
    if failure.problems and not failure.is_distinguished_by_error:
        # which may differ from the previous one
        error = failure.problems[0]
        text = " ".join(f"{error.error_class}: {error.message}".split())
        spans.append(words(f": {cut(text, _LONGEST_ERROR)}"))
    return redacted(Entry(EntryKind.REPEAT, tuple(spans)), ui_url=ui_url)


def recovery_entry(incident: Incident) -> Entry:
    """Return a line for the thread when the failure has recovered or has changed."""
    recovered_at = incident.recovered_at or incident.latest.at
    after = duration(recovered_at - incident.first.at)
    times = "once" if incident.occurrences == 1 else f"{incident.occurrences} times"
    failed = f", having failed {times}" if incident.first.problems else ""
    instead = incident.latest.instead
    ended = "Ended" if instead else over(incident).capitalize()
    text = f"{ended} after {after}{failed}{f': {instead}' if instead else ''}"
    return redacted(Entry(EntryKind.RECOVERY, (words(text),)))


def escalation_entry(incident: Incident, *, now: float, note: str = "") -> Entry:
    """Return a line that calls people to an incident that nobody has acknowledged.

    Args:
        incident: the incident, with whom to call.
        now: seconds since 1970.
        note: what else they should know.
    """
    called = [part for name in incident.escalated_to for part in (owner(name), words(" "))]
    since = f"Nobody has acknowledged this for {duration(now - incident.first.at)}"
    times = f", {incident.occurrences} times" if incident.occurrences > 1 else ""
    text = words(f"{since}{times}{f' ({note})' if note else ''}")
    return redacted(Entry(EntryKind.CALL, (*called, text)))


def reminder_entry(failure: Alert, *, occurrences: int, now: float) -> Entry:
    """Return a reminder that an unacknowledged failure goes on.

    Args:
        failure: the failure.
        occurrences: how often it has happened.
        now: seconds since 1970.
    """
    times = f", {occurrences} times" if occurrences > 1 else ""
    since = duration(now - failure.at)
    text = f"This has continued for {since}{times}, and nobody has acknowledged it"
    return Entry(EntryKind.CALL, (words(text),))


def acknowledgement_entry(people: Sequence[str]) -> Entry:
    """Return a line, for those called by the escalation, that someone has acknowledged it."""
    return Entry(
        EntryKind.NOTICE, (words("Acknowledged by "), *separated([member(name) for name in people]))
    )


def mute_entry(subject: str, hand: str, *, until: float) -> Entry:
    """Return a line that nobody is notified of ``subject`` until ``until``, and by whom."""
    line = (words(f"Muted by {hand}: {subject}, until "), time(until))
    return redacted(Entry(EntryKind.NOTICE, line))
