"""What Slack refuses in a message: its limits, and the fields that it does not know."""

import warnings
from typing import Any
from urllib.parse import urlsplit

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block


def texts_of(node: Any) -> list[str]:
    """Return every text of a message that people see."""
    if isinstance(node, list):
        return [text for entry in node for text in texts_of(entry)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return own + [text for value in node.values() for text in texts_of(value)]


def problem_of(asked: dict[str, Any]) -> str | None:
    """Return the error with which Slack refuses a message; None if Slack accepts it."""
    blocks, text = asked.get("blocks", []), asked.get("text", "")
    if not text and not blocks:
        return "no_text"
    if len(text) > 40_000 or sum(map(units, [text, *texts_of(blocks)])) > 12_000:
        return "msg_too_long"
    metadata = asked.get("metadata")
    if metadata is not None and not _is_metadata(metadata):
        return "invalid_metadata_format"
    if len(blocks) > 50 or not all(_is_block(block) for block in blocks):
        return "invalid_blocks"
    return None


def _is_metadata(metadata: Any) -> bool:
    return (
        isinstance(metadata, dict)
        and metadata.keys() == {"event_type", "event_payload"}
        and isinstance(metadata["event_type"], str)
        and all(isinstance(v, str | int | bool) for v in metadata["event_payload"].values())
    )


def units(text: str) -> int:
    """Return the length of a text as Slack counts it: in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


# What Slack knows of each kind of object here; it refuses what it does not know.
_KEYS = {
    "header": {"type", "block_id", "text"},
    "section": {"type", "block_id", "text", "fields", "accessory", "expand"},
    "context": {"type", "block_id", "elements"},
    "actions": {"type", "block_id", "elements"},
    "divider": {"type", "block_id"},
    "button": {"type", "text", "action_id", "url", "value", "style", "confirm"},
    "confirm": {"title", "text", "confirm", "deny", "style"},
    "plain_text": {"type", "text", "emoji"},
    "mrkdwn": {"type", "text", "verbatim"},
}


def _is_block(block: dict[str, Any]) -> bool:
    """Return whether slack-sdk's model of the block accepts it, and the limits beyond that."""
    kind = block.get("type", "")
    if block.keys() - _KEYS.get(kind, set()) or not _is_formed(block):
        return False
    elements = block.get("elements", [])
    match kind:
        case "header":
            return _is_text(block["text"], 150, "plain_text")
        case "section":
            return _is_text(block["text"], 3000, "mrkdwn", "plain_text")
        case "context":
            return 0 < len(elements) <= 10 and all(_is_text(e, 3000, "mrkdwn") for e in elements)
        case "actions":
            names = [element["action_id"] for element in elements if "action_id" in element]
            is_unique = len(names) == len(set(names))
            return 0 < len(elements) <= 25 and is_unique and all(map(_is_button, elements))
    return kind == "divider"


def _is_formed(block: dict[str, Any]) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            parsed = Block.parse(block)
            assert parsed is not None
            parsed.validate_json()
            for element in getattr(parsed, "elements", None) or []:
                assert element is not None
                element.validate_json()
    except (SlackObjectFormationError, AssertionError, TypeError, UserWarning):
        return False
    return True


def _is_button(button: dict[str, Any]) -> bool:
    return (
        button["type"] == "button"
        and not button.keys() - _KEYS["button"]
        and _is_text(button["text"], 75, "plain_text")
        and (_is_link(button) if "url" in button else _is_pressed(button))
        and ("confirm" not in button or _is_confirm(button["confirm"]))
    )


def _is_link(button: dict[str, Any]) -> bool:
    return len(button["url"]) <= 3000 and _is_address(button["url"])


def _is_pressed(button: dict[str, Any]) -> bool:
    """Return whether a listener can recognise it, which Slack does not require."""
    return 0 < len(button.get("action_id", "")) <= 255 and len(button.get("value", "")) <= 2000


def _is_confirm(confirm: dict[str, Any]) -> bool:
    limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    return not confirm.keys() - _KEYS["confirm"] and all(
        _is_text(confirm[name], limit, "plain_text") for name, limit in limits.items()
    )


def _is_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("http", "https")
    except ValueError:
        return False


def _is_text(text: dict[str, Any], limit: int, *kinds: str) -> bool:
    return (
        text["type"] in kinds
        and not text.keys() - _KEYS[text["type"]]
        and 0 < units(text["text"]) <= limit
    )
