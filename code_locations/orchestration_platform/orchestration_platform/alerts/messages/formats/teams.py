"""A message as an adaptive card of Microsoft Teams."""

import json
from collections.abc import Iterable
from typing import Any

from orchestration_platform.alerts.facts.alert import Detail, Severity
from orchestration_platform.alerts.messages import blocks
from orchestration_platform.alerts.messages.formats.text import one_line
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import aligned, clean, cut
from orchestration_platform.alerts.messages.thread import Entry
from orchestration_platform.alerts.messages.wording import words

# Teams refuses more; measured as sent.
LARGEST_CARD = 28_000
# For the blocks; the rest of a card is the same for all.
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
# What Teams would interpret as Markdown.
_MARKDOWN = str.maketrans({character: f"\\{character}" for character in "\\`*_{}[]<>#|~"})

Card = dict[str, Any]


def head_card(message: Message) -> Card:
    """Return the message of an incident, as large as Teams allows."""
    room = blocks.Room(
        problems=_SHOWN_PROBLEMS,
        errors=(_LONGEST_ERROR,),
        size=lambda block: len(json.dumps(_laid_out(block))),
        total=_LARGEST_USED,
    )
    card = _card(blocks.of_message(message, room))
    return card if len(json.dumps(card)) <= LARGEST_CARD else plain_card(message)


def plain_card(message: Message) -> Card:
    """Return the message in one line."""
    return _card([blocks.Line((words(message.summary),), about="")])


def entry_card(entry: Entry, *, about: str) -> Card:
    """Return an entry with its subject: Teams' webhooks have no threads."""
    return _card(blocks.of_entry(entry, about=about))


def _laid_out(block: blocks.Block) -> list[Card]:  # noqa: PLR0911 - one per block
    match block:
        case blocks.Header(text, tone):
            look = {"weight": "bolder", "size": "large", "color": _COLOURS[tone]}
            return [_block(text, _LONGEST_TITLE, **look)]
        case blocks.Facts(facts):
            rows = [
                {"title": _text(fact.label, 100), "value": _text(one_line(fact.value))}
                for fact in facts[:_MOST_FACTS]
            ]
            if len(facts) > _MOST_FACTS:
                rows.append({"title": "…", "value": f"and {len(facts) - _MOST_FACTS} more"})
            return [{"type": "FactSet", "facts": rows}]
        case blocks.Failure(problem, longest):
            name = _block(f"{problem.name}{problem.times}", 300, weight="bolder")
            place = _block(problem.place, 300, fontType="monospace", isSubtle=True)
            error = _block(problem.error, longest, fontType="monospace")
            details = [laid for one in problem.details for laid in _detail(one)]
            return [name, place, error, *details] if problem.place else [name, error, *details]
        case blocks.Names(names):
            return [_block("\n".join(names))]
        case blocks.Note(text):
            return [_block(text, isSubtle=True)]
        case blocks.Buttons(links):
            return [
                {"type": "Action.OpenUrl", "title": link.label, "url": link.url} for link in links
            ]
        case blocks.Line(spans, about):
            line = _block(one_line(spans), _LONGEST_ERROR)
            return [_block(about, weight="bolder"), line] if about else [line]
    # a trace, for which there is no room
    return []


def _detail(detail: Detail) -> list[Card]:
    if detail.rows:
        table = _block(aligned(detail.rows), fontType="monospace")
        return [_block(detail.label, isSubtle=True), table]
    fact = {"title": _text(detail.label, 100), "value": _text(detail.url or detail.text)}
    return [{"type": "FactSet", "facts": [fact]}]


def _card(shown: Iterable[blocks.Block]) -> Card:
    from dagster_msteams.adaptive_card import AdaptiveCard

    body: list[Card] = []
    actions: list[Card] = []
    for block in shown:
        (actions if isinstance(block, blocks.Buttons) else body).extend(_laid_out(block))
    payload = AdaptiveCard(adaptive_card_version=_VERSION).payload
    [attachment] = payload["attachments"]
    content = {**attachment["content"], "body": body, "msteams": {"width": "Full"}}
    if actions:
        content["actions"] = actions
    return {**payload, "attachments": [{**attachment, "content": content}]}


def _block(text: str, limit: int = _LONGEST_VALUE, **look: Any) -> Card:
    return {"type": "TextBlock", "text": _text(text, limit), "wrap": True, **look}


def _text(text: str, limit: int = _LONGEST_VALUE) -> str:
    # two line breaks make a new line
    shown = cut(clean(text), limit).translate(_MARKDOWN).replace("\n", "\n\n")
    return shown.strip() or _NOTHING
