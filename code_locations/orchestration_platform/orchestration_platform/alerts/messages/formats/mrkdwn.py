"""Text in Slack's mrkdwn that shows as written and mentions nobody by accident."""

import re
from collections.abc import Mapping

from orchestration_platform.alerts.messages.text import clean, cut, plain
from orchestration_platform.alerts.messages.wording import Span, SpanKind

LONGEST_CODE = 400
_LONGEST_WORDS = 300
_LONGEST_LABEL = 100
_BACKTICKS = re.compile(r"`(?=`)")
_MENTION = re.compile(r"@(?=channel|here|everyone)", re.IGNORECASE)
_MEMBER = re.compile(r"[UW][A-Z0-9]+")
_INVISIBLE = "\u200b"
_ANGLES = str.maketrans("<>", "\u2039\u203a")


def escaped(text: str, limit: int) -> str:
    """Escape ``text`` for mrkdwn, at most ``limit`` long: no link, mention or fence of its own."""
    text = clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _BACKTICKS.sub(f"`{_INVISIBLE}", text)
    return cut(_MENTION.sub(f"@{_INVISIBLE}", text), limit)


def headed(text: str, limit: int) -> str:
    """Return ``text`` for a header, on one line, where mrkdwn does not work: nothing to expand."""
    text = _BACKTICKS.sub(f"`{_INVISIBLE}", text).translate(_ANGLES)
    return plain(_MENTION.sub(f"@{_INVISIBLE}", text), limit)


def fenced(text: str, limit: int) -> str:
    """Return ``text`` as a code block, at most ``limit`` long including its fences."""
    return fence(escaped(text, limit - 8))


def fence(inside: str) -> str:
    """Return text that is already escaped as a code block."""
    # a backtick at either end would lengthen the fence
    inside = re.sub(r"^`|`$", "'", inside.strip("\n"))
    return f"```\n{inside or ' '}\n```"


def coded(text: str, limit: int) -> str:
    """Return ``text`` on one line as code, at most ``limit`` long including its backticks."""
    inside = escaped(" ".join(text.replace("`", "'").split()), limit - 2)
    return f"`{inside}`" if inside else ""


def spanned(span: Span, mentions: Mapping[str, str], longest_code: int = LONGEST_CODE) -> str:
    """Return a part of a text; an owner without a Slack id in ``mentions`` is named as text."""
    match span.kind:
        case SpanKind.LINK:
            return f"<{span.url}|{escaped(span.text, _LONGEST_LABEL)}>"
        case SpanKind.CODE:
            return coded(span.text, longest_code)
        case SpanKind.OWNER if span.text in mentions:
            identifier = mentions[span.text]
            is_group = identifier.startswith("S")
            return f"<!subteam^{identifier}>" if is_group else f"<@{identifier}>"
        case SpanKind.MEMBER if _MEMBER.fullmatch(span.text):
            return f"<@{span.text}>"
        case SpanKind.TIME:
            # Slack shows it in the zone and language of the reader
            return f"<!date^{span.at}^{{date_short_pretty}} {{time}}|{span.text}>"
    return escaped(span.text, _LONGEST_WORDS)
