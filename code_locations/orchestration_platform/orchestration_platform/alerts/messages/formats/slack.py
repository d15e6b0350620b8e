"""A message as Slack's blocks, within Slack's limits whatever the texts are."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestration_platform.alerts.messages.formats.slack_traces import trace_texts
from orchestration_platform.alerts.messages.message import Fact, Message, ShownProblem
from orchestration_platform.alerts.messages.text import (
    coded,
    cut,
    escaped,
    fenced,
    length,
    plain,
)
from orchestration_platform.alerts.messages.thread import Entry
from orchestration_platform.alerts.messages.wording import Link, Span, SpanKind

# Slack's limits, and what we keep to of the sum.
MOST_BLOCKS = 50
LONGEST_HEADER = 150
LONGEST_TEXT = 3000
LONGEST_MESSAGE = 11_000
_LONGEST_URL = 3000
_LONGEST_BUTTON = 75

# Beside header, facts, description, buttons, the names of the others and their number.
_SHOWN_PROBLEMS = 40
_LONGEST_FACTS = 2400
_LONGEST_VALUE = 1000
_LONGEST_WORDS = 300
_LONGEST_CODE = 400
_LONGEST_CODE_IN_LIST = 60
# Of many errors each says less, so that each has its say.
_LONGEST_ERRORS = (1200, 600, 300)
_LONGEST_NAME = 100
_LONGEST_SUMMARY = 600
_LONGEST_DESCRIPTION = 500
_ROOM_FOR_MORE = 60
_MEMBER = re.compile(r"[UW][A-Z0-9]+")
_MARKS = {"Recovered": ":white_check_mark: "}

Content = dict[str, Any]


def head_content(message: Message, *, mentions: Mapping[str, str]) -> Content:
    """The message of an incident, without channel.

    Args:
        message: what it says.
        mentions: Slack's ids of owners; an owner without one is named as text.
    """
    text = plain_text(message)
    before = [_header(message.title), _section(_facts(message.facts, mentions))]
    after: list[Content] = []
    description = escaped(message.description, _LONGEST_DESCRIPTION).strip()
    if description:
        after.append(_context(description))
    buttons = [_button(link) for link in message.links if len(link.url) <= _LONGEST_URL]
    if buttons:
        after.append({"type": "actions", "elements": buttons})
    room = LONGEST_MESSAGE - length(text) - _length(before) - _length(after)
    return {"text": text, "blocks": [*before, *_problems(message, room), *after]}


def plain_text(message: Message) -> str:
    """The message in one line: for notifications, and where Slack refuses the blocks."""
    return escaped(" ".join(message.summary.split()), _LONGEST_SUMMARY)


def entry_content(entry: Entry, *, mentions: Mapping[str, str], about: str = "") -> Content:
    """An entry of a thread.

    Args:
        entry: what it says.
        mentions: Slack's ids of owners.
        about: what it belongs to, where there is no thread to tell.
    """
    line = "".join(_span(span, mentions, _LONGEST_CODE) for span in entry.line)
    text = f"{escaped(' '.join(about.split()), _LONGEST_SUMMARY)}\n{line}" if about else line
    if not entry.traces:
        return {"text": text}
    room = LONGEST_MESSAGE - length(text)
    shown = trace_texts(entry.traces, room=room, longest=LONGEST_TEXT)
    return {"text": text, "blocks": list(map(_section, shown))}


def _facts(facts: Iterable[Fact], mentions: Mapping[str, str]) -> str:
    """A line for each fact; whole lines only, because a link or a mention has no half."""
    lines = [
        f"{_MARKS.get(fact.label, '')}*{escaped(fact.label, 100)}:* {_value(fact, mentions)}"
        for fact in facts
    ]
    kept = lines
    while length("\n".join(kept)) > _LONGEST_FACTS:
        kept = kept[:-1]
    dropped = len(lines) - len(kept)
    return "\n".join([*kept, f"and {dropped} more"] if dropped else kept)


def _value(fact: Fact, mentions: Mapping[str, str]) -> str:
    longest_code = _LONGEST_CODE if len(fact.value) == 1 else _LONGEST_CODE_IN_LIST
    text = ""
    for span in fact.value:
        part = _span(span, mentions, longest_code)
        if length(text) + length(part) > _LONGEST_VALUE:
            return f"{text} …"
        text += part
    return text


def _span(span: Span, mentions: Mapping[str, str], longest_code: int) -> str:
    match span.kind:
        case SpanKind.LINK:
            return f"<{span.url}|{escaped(span.text, 100)}>"
        case SpanKind.CODE:
            return coded(span.text, longest_code)
        case SpanKind.OWNER if span.text in mentions:
            identifier = mentions[span.text]
            is_group = identifier.startswith("S")
            return f"<!subteam^{identifier}>" if is_group else f"<@{identifier}>"
        case SpanKind.MEMBER if _MEMBER.fullmatch(span.text):
            return f"<@{span.text}>"
    return escaped(span.text, _LONGEST_WORDS)


def _problems(message: Message, room: int) -> list[Content]:
    """Each problem with what it says, the last ones by name only; then how many others."""
    room -= _ROOM_FOR_MORE
    full = _in_full(message.problems, room)
    names = [_name(problem) for problem in message.problems]
    while len(full) > 1 and _length(full) + _length_of_lines(names[len(full) :]) > room:
        full.pop()
    if _length(full) > room:
        full = []
    listed = names[len(full) :]
    while listed and _length(full) + _length_of_lines(listed) > room:
        listed.pop()
    more = message.more_than(len(full) + len(listed))
    return [*full, *_sections(listed), *([_context(more)] if more else [])]


def _in_full(problems: Sequence[ShownProblem], room: int) -> list[Content]:
    """What is said of the problems, shortened where it is too much for ``room``."""
    full: list[Content] = []
    for longest in _LONGEST_ERRORS:
        full = [_section(_problem(problem, longest)) for problem in problems]
        if _length(full) <= room:
            break
    return full[:_SHOWN_PROBLEMS]


def _problem(problem: ShownProblem, longest: int) -> str:
    times = f" ({problem.count} of its steps)" if problem.count > 1 else ""
    lines = [f"*{escaped(problem.name, 200)}*{times}"]
    if problem.place:
        lines.append(coded(problem.place, 300))
    lines.append(fenced(problem.said, longest))
    return "\n".join(lines)


def _name(problem: ShownProblem) -> str:
    return f"• {escaped(' '.join(problem.short_name.split()), _LONGEST_NAME)}"


def _sections(lines: list[str]) -> list[Content]:
    """Lines, none of them long, in as many sections as they take."""
    texts: list[str] = []
    for line in lines:
        if texts and length(f"{texts[-1]}\n{line}") <= LONGEST_TEXT:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return list(map(_section, texts))


def _length_of_lines(lines: list[str]) -> int:
    return sum(length(line) + 1 for line in lines)


def _header(text: str) -> Content:
    return {"type": "header", "text": {"type": "plain_text", "text": plain(text, LONGEST_HEADER)}}


def _button(link: Link) -> Content:
    text = {"type": "plain_text", "text": plain(link.label, _LONGEST_BUTTON)}
    return {"type": "button", "text": text, "url": link.url}


def _section(text: str) -> Content:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, LONGEST_TEXT)}}


def _context(text: str) -> Content:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}


def _length(node: Any) -> int:
    """Of all that people read in it."""
    if isinstance(node, list):
        return sum(map(_length, node))
    if not isinstance(node, dict):
        return 0
    own = length(node["text"]) if isinstance(node.get("text"), str) else 0
    return own + sum(map(_length, node.values()))
