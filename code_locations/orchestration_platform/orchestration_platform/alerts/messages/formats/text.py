"""A message as plain text: for a terminal, a log, and the plain part of an e-mail."""

import textwrap
from collections.abc import Iterable

from orchestration_platform.alerts.facts.alert import Detail
from orchestration_platform.alerts.messages import blocks
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import aligned, clean
from orchestration_platform.alerts.messages.thread import Entry, Trace
from orchestration_platform.alerts.messages.wording import Span, SpanKind

_INDENT = "    "


def head_text(message: Message, *, with_traces: bool = False) -> str:
    """Return the whole message, one line per fact.

    Args:
        message: the message.
        with_traces: whether to show the stack traces below the errors.
    """
    return _document(blocks.of_message(message, blocks.Room(traces=with_traces)))


def entry_text(entry: Entry, *, about: str = "") -> str:
    """Return an entry, with its subject if no thread shows that."""
    return _document(blocks.of_entry(entry, about=about))


def _document(shown: Iterable[blocks.Block]) -> str:
    return clean("\n\n".join(map(laid_out, shown)))


def laid_out(block: blocks.Block) -> str:  # noqa: PLR0911 - one per block
    """Return one block, without the empty line after it."""
    match block:
        case blocks.Header(text) | blocks.Note(text):
            return text
        case blocks.Facts(facts):
            width = max((len(fact.label) for fact in facts), default=0) + 1
            return "\n".join(f"{f'{fact.label}:':{width}} {one_line(fact.value)}" for fact in facts)
        case blocks.Failure(problem, longest):
            details = map(_detail, problem.details)
            lines = filter(None, [problem.place, problem.error[:longest], *details])
            return f"{problem.name}{problem.times}\n{_indented(*lines)}"
        case Trace(name, text):
            return f"{name}\n{_indented(text)}".lstrip("\n")
        case blocks.Names(names):
            return "\n".join(names)
        case blocks.Buttons(links):
            return "\n".join(f"{link.label}: {link.url}" for link in links)
        case blocks.Line(spans, about):
            return f"{about}\n{one_line(spans)}".lstrip("\n")


def _detail(detail: Detail) -> str:
    if detail.rows:
        return f"{detail.label}:\n{_indented(aligned(detail.rows))}"
    return f"{detail.label}: {detail.url or detail.text}"


def _indented(*texts: str) -> str:
    return textwrap.indent("\n".join(texts), _INDENT)


def one_line(spans: Iterable[Span]) -> str:
    """Return spans as text; a link with its address."""
    return " ".join(
        "".join(
            f"{span.text} ({span.url})" if span.kind is SpanKind.LINK else span.text
            for span in spans
        ).split()
    )
