"""A message as HTML, for e-mail: no style sheet, no script, nothing fetched from elsewhere."""

from collections.abc import Iterable
from html import escape

from orchestration_platform.alerts.facts.alert import Detail, Severity
from orchestration_platform.alerts.messages import blocks
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import clean
from orchestration_platform.alerts.messages.thread import Entry, Trace
from orchestration_platform.alerts.messages.wording import Link, Span, SpanKind

_COLOURS = {
    Severity.INFO: "#2eb67d",
    Severity.WARNING: "#ecb22e",
    Severity.ERROR: "#e01e5a",
    Severity.CRITICAL: "#8b0000",
}
_ROOM = blocks.Room(traces=True)
_GREY = "color:#616061"
_FONT = "font-family:Helvetica,Arial,sans-serif;font-size:14px;color:#1d1c1d"
_CODE = "font-family:Menlo,Consolas,monospace;font-size:12px"
_BOX = f"{_CODE};background:#f8f8f8;border:1px solid #ddd;padding:8px;white-space:pre-wrap"
_CELL = "border:1px solid #ddd;padding:2px 8px;text-align:left"
_BUTTON = (
    "display:inline-block;border:1px solid #bbb;border-radius:4px;padding:6px 12px;"
    "margin-right:8px;color:#1d1c1d;text-decoration:none"
)


def head_html(message: Message) -> str:
    """Return the whole message, with the stack traces, as a document."""
    edge = f"border-left:4px solid {_COLOURS[message.tone]};padding-left:12px"
    body = _all(blocks.of_message(message, _ROOM))
    return _document(f'<div style="{edge}">{body}</div>', title=message.title)


def entry_html(entry: Entry, *, about: str) -> str:
    """Return an entry as a document."""
    return _document(_all(blocks.of_entry(entry, about=about)), title=about)


def _document(body: str, *, title: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{_text(title)}</title>'
        f'</head><body style="{_FONT}">{body}</body></html>'
    )


def _all(shown: Iterable[blocks.Block]) -> str:
    return "".join(map(_laid_out, shown))


def _laid_out(block: blocks.Block) -> str:  # noqa: PLR0911 - one per block
    match block:
        case blocks.Header(text):
            return f'<h2 style="font-size:18px">{_text(text)}</h2>'
        case blocks.Facts(facts):
            rows = "".join(
                f'<tr><td style="padding:2px 12px 2px 0;{_GREY}">{_text(fact.label)}</td>'
                f"<td>{_spans(fact.value)}</td></tr>"
                for fact in facts
            )
            return f'<table style="border-collapse:collapse">{rows}</table>'
        case blocks.Failure(problem, longest):
            place = problem.place and f'<br><code style="{_CODE}">{_text(problem.place)}</code>'
            name = f"<p><b>{_text(problem.name)}</b>{problem.times}{place}</p>"
            return f"{name}{_box(problem.error[:longest])}{''.join(map(_detail, problem.details))}"
        case Trace(name, text):
            return f"{name and f'<p><b>{_text(name)}</b></p>'}{_box(text)}"
        case blocks.Names(names):
            return f"<p>{'<br>'.join(map(_text, names))}</p>"
        case blocks.Note(text):
            return f'<p style="{_GREY}">{_text(text)}</p>'
        case blocks.Buttons(links):
            return f"<p>{''.join(map(_button, links))}</p>"
        case blocks.Line(spans, about):
            return f'<p>{_spans(spans)}</p><p style="{_GREY}">{_text(about)}</p>'


def _detail(detail: Detail) -> str:
    label = f'<span style="{_GREY}">{_text(detail.label)}</span>'
    if not detail.rows:
        text = _text(detail.text)
        # what a step attaches may be any scheme, javascript: too
        is_web = detail.url.startswith(("http://", "https://"))
        shown = f'<a href="{_text(detail.url)}">{text}</a>' if is_web else text
        return f"<p>{label} {shown}</p>"
    names, *records = detail.rows
    rows = [_row("th", names), *(_row("td", record) for record in records)]
    return f'<p>{label}</p><table style="border-collapse:collapse">{"".join(rows)}</table>'


def _row(tag: str, cells: Iterable[str]) -> str:
    laid_out = (f'<{tag} style="{_CELL}">{_text(cell)}</{tag}>' for cell in cells)
    return f"<tr>{''.join(laid_out)}</tr>"


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
