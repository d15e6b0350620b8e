"""A message as HTML, for e-mail: no style sheet, no script, nothing fetched from elsewhere."""

from collections.abc import Iterable
from html import escape

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.messages.message import Message, ShownProblem
from orchestration_platform.alerts.messages.text import clean
from orchestration_platform.alerts.messages.thread import Entry
from orchestration_platform.alerts.messages.wording import Link, Span, SpanKind

COLOURS = {
    Severity.INFO: "#2eb67d",
    Severity.WARNING: "#ecb22e",
    Severity.ERROR: "#e01e5a",
    Severity.CRITICAL: "#8b0000",
}
RECOVERED_COLOUR = "#2eb67d"

_LONGEST_ERROR = 4000
_FONT = "font-family:Helvetica,Arial,sans-serif;font-size:14px;color:#1d1c1d"
_CODE = "font-family:Menlo,Consolas,monospace;font-size:12px"
_BOX = f"{_CODE};background:#f8f8f8;border:1px solid #ddd;padding:8px;white-space:pre-wrap"
_BUTTON = (
    "display:inline-block;border:1px solid #bbb;border-radius:4px;padding:6px 12px;"
    "margin-right:8px;color:#1d1c1d;text-decoration:none"
)


def head_html(message: Message) -> str:
    """All that a message says, with the stack traces, as a document."""
    rows = "".join(
        f'<tr><td style="padding:2px 12px 2px 0;color:#616061">{_text(fact.label)}</td>'
        f"<td>{_spans(fact.value)}</td></tr>"
        for fact in message.facts
    )
    problems = "".join(map(_problem, message.problems, message.traces))
    if message.more_problems:
        problems += f"<p>{message.more_than(len(message.problems))}</p>"
    if message.description:
        problems += f'<p style="color:#616061">{_text(message.description)}</p>'
    buttons = "".join(map(_button, message.links))
    return _document(
        f'<div style="border-left:4px solid {colour_of(message)};padding-left:12px">'
        f'<h2 style="font-size:18px">{_text(message.title)}</h2>'
        f'<table style="border-collapse:collapse">{rows}</table>{problems}<p>{buttons}</p></div>',
        title=message.title,
    )


def entry_html(entry: Entry, *, about: str) -> str:
    """An entry as a document."""
    traces = "".join(
        f"<p><b>{_text(trace.name)}</b></p>{_box(trace.text)}" for trace in entry.traces
    )
    said = f"<p>{_spans(entry.line)}</p>{traces}"
    return _document(f'{said}<p style="color:#616061">{_text(about)}</p>', title=about)


def colour_of(message: Message) -> str:
    """Of the message's edge."""
    return RECOVERED_COLOUR if message.is_in_order else COLOURS[message.severity]


def _document(body: str, *, title: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f'</head><body style="{_FONT}">{body}</body></html>'
    )


def _problem(problem: ShownProblem, trace: str) -> str:
    times = f" ({problem.count} of its steps)" if problem.count > 1 else ""
    place = f'<br><code style="{_CODE}">{_text(problem.place)}</code>' if problem.place else ""
    return (
        f"<p><b>{_text(problem.name)}</b>{times}{place}</p>"
        f"{_box(problem.said[:_LONGEST_ERROR])}{_box(trace) if trace else ''}"
    )


def _box(text: str) -> str:
    return f'<pre style="{_BOX}">{_text(text)}</pre>'


def _button(link: Link) -> str:
    return f'<a style="{_BUTTON}" href="{_text(link.url)}">{_text(link.label)}</a>'


def _spans(spans: Iterable[Span]) -> str:
    return "".join(map(_span, spans))


def _span(span: Span) -> str:
    match span.kind:
        case SpanKind.LINK:
            return f'<a href="{_text(span.url)}">{_text(span.text)}</a>'
        case SpanKind.CODE:
            return f'<code style="{_CODE}">{_text(span.text)}</code>'
    return _text(span.text)


def _text(text: str) -> str:
    return escape(clean(text))
