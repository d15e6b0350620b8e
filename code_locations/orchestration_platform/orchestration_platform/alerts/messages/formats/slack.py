"""A message as Slack's blocks, within Slack's limits whatever the texts are."""

import re
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from orchestration_platform.alerts.facts.alert import Detail
from orchestration_platform.alerts.messages import blocks
from orchestration_platform.alerts.messages.formats.mrkdwn import (
    LONGEST_CODE,
    coded,
    escaped,
    fenced,
    headed,
    spanned,
)
from orchestration_platform.alerts.messages.formats.slack_traces import trace_texts
from orchestration_platform.alerts.messages.message import Fact, Message
from orchestration_platform.alerts.messages.text import aligned, cut, length, plain
from orchestration_platform.alerts.messages.thread import Entry
from orchestration_platform.alerts.messages.wording import Link, link

# Slack's limits, and the limit we keep for the sum.
MOST_BLOCKS = 50
LONGEST_HEADER = 150
LONGEST_TEXT = 3000
LONGEST_MESSAGE = 11_000
_LONGEST_URL = 3000
# of one block of actions
_MOST_BUTTONS = 25
_LONGEST_BUTTON = 75

# In addition to header, facts, description, buttons, and the names and number of the others.
_SHOWN_PROBLEMS = 40
_MOST_NOTES = 20
_LONGEST_FACTS = 2400
_LONGEST_VALUE = 1000
_LONGEST_CODE_IN_LIST = 60
# When there are many errors, each is shortened so that all are shown.
_LONGEST_ERRORS = (1200, 600, 300)
_LONGEST_NAME = 100
_LONGEST_LABEL = 60
_LONGEST_TABLE = 900
_LONGEST_DETAILS = 1200
_URL = re.compile(r"https?://[^\s<>|]{1,800}")
_LONGEST_SUMMARY = 600
_LONGEST_NOTE = 500
_ROOM_FOR_MORE = 60
_MARKS = {"Recovered": ":white_check_mark: ", "Finished": ":white_check_mark: "}

Content = dict[str, Any]


def head_content(message: Message, *, mentions: Mapping[str, str]) -> Content:
    """Return the message of an incident, without a channel.

    Args:
        message: what it says.
        mentions: Slack's ids of owners; an owner without one is named as text.
    """
    text = plain_text(message)
    laid_out = partial(_laid_out, mentions=mentions)
    room = blocks.Room(
        problems=_SHOWN_PROBLEMS - min(len(message.notes), _MOST_NOTES),
        notes=_MOST_NOTES,
        errors=_LONGEST_ERRORS,
        lists_names=True,
        # a line of names ends with a line break
        size=lambda block: _length(laid_out(block)) + isinstance(block, blocks.Names),
        total=LONGEST_MESSAGE - length(text) - _ROOM_FOR_MORE,
    )
    shown = blocks.of_message(message, room)
    return {"text": text, "blocks": [found for block in shown for found in laid_out(block)]}


def plain_text(message: Message) -> str:
    """Return the message in one line: for notifications, and when Slack refuses the blocks."""
    return escaped(" ".join(message.summary.split()), _LONGEST_SUMMARY)


def entry_content(entry: Entry, *, mentions: Mapping[str, str], about: str = "") -> Content:
    """Return an entry of a thread.

    Args:
        entry: what it says.
        mentions: Slack's ids of owners.
        about: what it belongs to, if no thread shows that.
    """
    line, *traces = blocks.of_entry(entry, about=" ".join(about.split()))
    text = "".join(spanned(span, mentions) for span in line.spans)
    if line.about:
        text = f"{escaped(line.about, _LONGEST_SUMMARY)}\n{text}"
    if not traces:
        return {"text": text}
    shown = trace_texts(traces, room=LONGEST_MESSAGE - length(text), longest=LONGEST_TEXT)
    return {"text": text, "blocks": list(map(_section, shown))}


def _laid_out(  # noqa: PLR0911 - one per block
    block: blocks.Block, *, mentions: Mapping[str, str]
) -> list[Content]:
    match block:
        case blocks.Header(text):
            title = {"type": "plain_text", "text": headed(text, LONGEST_HEADER)}
            return [{"type": "header", "text": title}]
        case blocks.Facts(facts):
            return [_section(_facts(facts, mentions))]
        case blocks.Failure(problem, longest):
            lines = [f"*{escaped(problem.name, 200)}*{problem.times}"]
            if problem.place:
                lines.append(coded(problem.place, 300))
            details = _details(problem.details)
            return [_section("\n".join([*lines, fenced(problem.error, longest), *details]))]
        case blocks.Names(names):
            return _list(names)
        case blocks.Note(text):
            return _context(escaped(text, _LONGEST_NOTE).strip())
        case blocks.Buttons(links):
            return _actions([_button(link) for link in links if _is_button(link)])
    # a trace or a line, which belongs in the thread
    return []


def _details(details: Iterable[Detail]) -> list[str]:
    """Return what the author of a step attached, whole details only."""
    shown = list(map(_detail, details))
    kept = shown
    while length("\n".join(kept)) > _LONGEST_DETAILS:
        kept = kept[:-1]
    dropped = len(shown) - len(kept)
    return [*kept, f"and {dropped} more in the run's log"] if dropped else kept


def _detail(detail: Detail) -> str:
    label = f"*{escaped(' '.join(detail.label.split()), _LONGEST_LABEL)}:*"
    if detail.rows:
        return f"{label}\n{fenced(aligned(detail.rows), _LONGEST_TABLE)}"
    if detail.url and _URL.fullmatch(detail.url):
        return f"{label} {spanned(link(detail.text, detail.url), {})}"
    return f"{label} {escaped(' '.join(detail.text.split()), _LONGEST_VALUE)}"


def _facts(facts: Iterable[Fact], mentions: Mapping[str, str]) -> str:
    """Return one line per fact; whole lines only, because half a link or mention is useless."""
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
    longest_code = LONGEST_CODE if len(fact.value) == 1 else _LONGEST_CODE_IN_LIST
    text = ""
    for span in fact.value:
        part = spanned(span, mentions, longest_code)
        if length(text) + length(part) > _LONGEST_VALUE:
            return f"{text} …"
        text += part
    return text


def _list(names: Iterable[str]) -> list[Content]:
    """Return the names, one per line, in as many sections as needed."""
    texts: list[str] = []
    for name in names:
        line = f"• {escaped(' '.join(name.split()), _LONGEST_NAME)}"
        if texts and length(f"{texts[-1]}\n{line}") <= LONGEST_TEXT:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return list(map(_section, texts))


def _context(text: str) -> list[Content]:
    return [{"type": "context", "elements": [{"type": "mrkdwn", "text": text}]}] if text else []


def _actions(buttons: list[Content]) -> list[Content]:
    if not buttons:
        return []
    more = len(buttons) - _MOST_BUTTONS
    shown = {"type": "actions", "elements": buttons[:_MOST_BUTTONS]}
    return [shown, *(_context(f"and {more} more links") if more > 0 else [])]


def _is_button(link: Link) -> bool:
    """Whether Slack accepts it; a button of a team may have nothing to fill in."""
    has_label = bool(plain(link.label, _LONGEST_BUTTON).strip())
    return has_label and bool(urlsplit(link.url).netloc) and len(link.url) <= _LONGEST_URL


def _button(link: Link) -> Content:
    text = {"type": "plain_text", "text": plain(link.label, _LONGEST_BUTTON)}
    return {"type": "button", "text": text, "url": link.url}


def _section(text: str) -> Content:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, LONGEST_TEXT)}}


def _length(node: Any) -> int:
    """Return the length of everything in it that people read."""
    if isinstance(node, list):
        return sum(map(_length, node))
    if not isinstance(node, dict):
        return 0
    own = length(node["text"]) if isinstance(node.get("text"), str) else 0
    return own + sum(map(_length, node.values()))
