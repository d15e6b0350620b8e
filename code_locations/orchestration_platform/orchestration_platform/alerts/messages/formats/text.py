"""A message as plain text: for a terminal, a log, and the plain part of an e-mail."""

import textwrap
from collections.abc import Iterable

from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import clean
from orchestration_platform.alerts.messages.thread import Entry
from orchestration_platform.alerts.messages.wording import Span, SpanKind

_LONGEST_ERROR = 4000
_INDENT = "    "


def head_text(message: Message, *, with_traces: bool = False) -> str:
    """All that a message says, a line for each fact.

    Args:
        message: what it says.
        with_traces: whether the stack traces stand below the errors.
    """
    width = max((len(fact.label) for fact in message.facts), default=0) + 1
    lines = [message.title, ""]
    lines += [f"{f'{fact.label}:':{width}} {one_line(fact.value)}" for fact in message.facts]
    for problem, trace in zip(message.problems, message.traces, strict=True):
        times = f" ({problem.count} of its steps)" if problem.count > 1 else ""
        lines += ["", f"{problem.name}{times}"]
        if problem.place:
            lines.append(textwrap.indent(problem.place, _INDENT))
        lines.append(textwrap.indent(problem.said[:_LONGEST_ERROR], _INDENT))
        if with_traces and trace:
            lines += ["", textwrap.indent(trace, _INDENT)]
    if message.more_problems:
        lines += ["", message.more_than(len(message.problems))]
    if message.description:
        lines += ["", message.description]
    lines += ["", *(f"{link.label}: {link.url}" for link in message.links)]
    return clean("\n".join(lines)).rstrip()


def entry_text(entry: Entry, *, about: str = "") -> str:
    """An entry, and where there is no thread to tell what it is about."""
    lines = [about] if about else []
    lines.append(one_line(entry.line))
    for trace in entry.traces:
        lines += ["", trace.name, textwrap.indent(trace.text, _INDENT)]
    return clean("\n".join(lines))


def one_line(spans: Iterable[Span]) -> str:
    """Spans as text; a link with its address."""
    return " ".join(
        "".join(
            f"{span.text} ({span.url})" if span.kind is SpanKind.LINK else span.text
            for span in spans
        ).split()
    )
