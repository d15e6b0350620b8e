"""Slack's blocks as a page that looks the way Slack would show them."""

import re
from datetime import UTC, datetime
from html import escape
from typing import Any

from orchestration_platform.alerts.messages.formats.slack import Content
from orchestration_platform.alerts.messages.text import clean

_STYLE = """
body { margin: 0; background: #fff; color: #1d1c1d; font: 15px/1.46 Lato, "Helvetica Neue",
  Helvetica, Arial, sans-serif; }
.channel { border-bottom: 1px solid #e2e2e2; padding: 14px 20px; font-weight: 900;
  font-size: 18px; }
.message { display: grid; grid-template-columns: 36px minmax(0, 680px); gap: 8px;
  padding: 16px 20px 4px; }
.avatar { width: 36px; height: 36px; border-radius: 8px; background: #4f43dd; color: #fff;
  display: grid; place-items: center; font-weight: 900; }
.who b { font-weight: 900; margin-right: 6px; }
.app { background: #e8e8e8; color: #616061; font-size: 10px; font-weight: 700; padding: 1px 3px;
  border-radius: 2px; margin-right: 6px; }
.when, .context { color: #616061; font-size: 12px; }
h1 { font-size: 18px; margin: 6px 0; font-weight: 900; }
.section, .context { margin: 8px 0; overflow-wrap: anywhere; }
code { background: #f6f6f6; border: 1px solid #ddd; border-radius: 3px; color: #c01343;
  font: 12px/1.5 Monaco, Menlo, Consolas, monospace; padding: 2px 3px 1px; }
pre { background: #f8f8f8; border: 1px solid #ddd; border-radius: 4px; padding: 8px; margin: 4px 0;
  font: 12px/1.5 Monaco, Menlo, Consolas, monospace; white-space: pre-wrap; }
a { color: #1264a3; text-decoration: none; }
.mention { background: #f2c74466; color: #1264a3; border-radius: 3px; padding: 0 2px 1px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; margin: 8px 0; }
.actions a { border: 1px solid #bbb; border-radius: 4px; color: #1d1c1d; font-weight: 700;
  font-size: 13px; padding: 5px 11px; }
.thread { border-top: 1px solid #e2e2e2; margin: 12px 0 0 64px; color: #616061;
  font-size: 13px; padding-top: 6px; max-width: 680px; }
"""
# All that messages consist of; anything else in a text is plain text.
_PARTS = re.compile(
    r"```\n(?P<fence>.*?)\n```"
    r"|`(?P<code>[^`\n]+)`"
    r"|<(?P<url>https?://[^|>]+)\|(?P<label>[^<>]*)>"
    r"|<(?:@|!subteam\^)(?P<mention>[A-Z0-9]+)>"
    r"|<!date\^\d+\^[^|^>]+\|(?P<time>[^<>]+)>"
    r"|\*(?P<bold>[^*\n]+)\*"
    r"|:(?P<emoji>white_check_mark):",
    re.DOTALL,
)
_EMOJI = {"white_check_mark": "✅"}


def page(head: Content, *, channel: str, at: float, thread: list[Content] | None = None) -> str:
    """Return a self-contained document.

    Args:
        head: the message, as it is sent.
        channel: where it goes.
        at: when it is sent, in seconds since 1970.
        thread: the entries below it, as they are sent.
    """
    name = escape(clean(channel))
    entries = "".join(_message(entry, at) for entry in thread or [])
    below = f'<div class="thread">{len(thread)} in the thread</div>{entries}' if thread else ""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{name}</title><style>{_STYLE}</style></head><body>"
        f'<div class="channel">{name}</div>{_message(head, at)}{below}</body></html>\n'
    )


def _message(content: Content, at: float) -> str:
    when = datetime.fromtimestamp(at, UTC).strftime("%H:%M")
    blocks = content.get("blocks") or [
        {"type": "section", "text": {"type": "mrkdwn", "text": content["text"]}}
    ]
    return (
        '<div class="message"><div class="avatar">D</div><div><div class="who"><b>Dagster</b>'
        f'<span class="app">APP</span><span class="when">{when}</span></div>'
        f"{''.join(map(_block, blocks))}</div></div>"
    )


def _block(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"<h1>{escape(block['text']['text'])}</h1>"
        case "section":
            return f'<div class="section">{mrkdwn(block["text"]["text"])}</div>'
        case "context":
            texts = "".join(mrkdwn(element["text"]) for element in block["elements"])
            return f'<div class="context">{texts}</div>'
        case "actions":
            buttons = "".join(
                f'<a href="{escape(button["url"])}">{escape(button["text"]["text"])}</a>'
                for button in block["elements"]
            )
            return f'<div class="actions">{buttons}</div>'
    raise ValueError(f"{block['type']!r} is not a kind of block that messages have: add it here")


def mrkdwn(text: str) -> str:
    """Convert a Slack text to HTML. Its ``&``, ``<`` and ``>`` are already escaped."""
    parts: list[str] = []
    end = 0
    for found in _PARTS.finditer(text):
        parts += [_words(text[end : found.start()]), _part(found)]
        end = found.end()
    return "".join([*parts, _words(text[end:])])


def _part(found: re.Match[str]) -> str:
    inside = found[str(found.lastgroup)]
    match found.lastgroup:
        case "fence":
            return f"<pre>{_words(inside, line_end=chr(10))}</pre>"
        case "code":
            return f"<code>{_words(inside)}</code>"
        case "label":
            return f'<a href="{escape(found["url"])}">{_words(inside)}</a>'
        case "mention":
            return f'<span class="mention">@{inside}</span>'
        case "bold":
            return f"<b>{_words(inside)}</b>"
    return _EMOJI.get(inside) or _words(inside)  # else a time


def _words(text: str, *, line_end: str = "<br>") -> str:
    unescaped = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return escape(unescaped).replace("\n", line_end)
