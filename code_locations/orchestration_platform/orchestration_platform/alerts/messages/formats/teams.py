"""A message as an adaptive card of Microsoft Teams."""

import json
from typing import Any

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.messages.formats.text import entry_text, one_line
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import clean, cut
from orchestration_platform.alerts.messages.thread import Entry

# Teams refuses more; counted as what is sent.
LARGEST_CARD = 28_000
_LARGEST_USED = 24_000
_VERSION = "1.5"
_SHOWN_PROBLEMS = 4
_LONGEST_ERROR = 1200
_LONGEST_VALUE = 600
_LONGEST_TITLE = 300
_MOST_FACTS = 25
# Teams refuses a card with an empty text.
_NOTHING = "-"
_COLOURS = {
    Severity.INFO: "good",
    Severity.WARNING: "warning",
    Severity.ERROR: "attention",
    Severity.CRITICAL: "attention",
}
# What Teams would take for Markdown.
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|~"})

Card = dict[str, Any]


def head_card(message: Message) -> Card:
    """The message of an incident, as large as Teams allows."""
    for shown in range(min(len(message.problems), _SHOWN_PROBLEMS), -1, -1):
        card = _card(_body(message, shown), _actions(message))
        if len(json.dumps(card)) <= _LARGEST_USED:
            return card
    return plain_card(message)


def plain_card(message: Message) -> Card:
    """The message in one line."""
    return _card([_block(message.summary, _LONGEST_VALUE)], [])


def entry_card(entry: Entry, *, about: str) -> Card:
    """An entry with what it is about: Teams' webhooks know no threads."""
    body = [
        _block(about, _LONGEST_VALUE, weight="bolder"),
        _block(entry_text(entry), _LONGEST_ERROR),
    ]
    return _card(body, [])


def _body(message: Message, shown: int) -> list[Card]:
    recovered = message.is_in_order
    colour = "good" if recovered else _COLOURS[message.severity]
    title = _block(message.title, _LONGEST_TITLE, weight="bolder", size="large", color=colour)
    facts = [
        {"title": _text(fact.label, 100), "value": _text(one_line(fact.value), _LONGEST_VALUE)}
        for fact in message.facts[:_MOST_FACTS]
    ]
    body = [title, {"type": "FactSet", "facts": facts}]
    for problem in message.problems[:shown]:
        times = f" ({problem.count} of its steps)" if problem.count > 1 else ""
        body.append(_block(f"{problem.name}{times}", 300, weight="bolder"))
        if problem.place:
            body.append(_block(problem.place, 300, fontType="monospace", isSubtle=True))
        body.append(_block(problem.said, _LONGEST_ERROR, fontType="monospace"))
    more = message.more_than(shown)
    if more:
        body.append(_block(more, 100, isSubtle=True))
    if message.description:
        body.append(_block(message.description, _LONGEST_VALUE, isSubtle=True))
    return body


def _actions(message: Message) -> list[Card]:
    return [
        {"type": "Action.OpenUrl", "title": link.label, "url": link.url} for link in message.links
    ]


def _card(body: list[Card], actions: list[Card]) -> Card:
    from dagster_msteams.adaptive_card import AdaptiveCard

    payload = AdaptiveCard(adaptive_card_version=_VERSION).payload
    [attachment] = payload["attachments"]
    content = {**attachment["content"], "body": body, "msteams": {"width": "Full"}}
    if actions:
        content["actions"] = actions
    return {**payload, "attachments": [{**attachment, "content": content}]}


def _block(text: str, limit: int, **look: Any) -> Card:
    return {"type": "TextBlock", "text": _text(text, limit), "wrap": True, **look}


def _text(text: str, limit: int) -> str:
    # two line ends make a new line
    shown = cut(clean(text), limit).translate(_MARKDOWN).replace("\n", "\n\n")
    return shown.strip() or _NOTHING
