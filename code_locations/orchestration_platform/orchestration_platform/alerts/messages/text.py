"""Text without what no service can show, cut only where that is safe."""

import re
import unicodedata
from collections.abc import Sequence

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_OPEN_ENTITY = re.compile(r"&[a-z]{0,4}$")
_MORE = " …"
_JOINER = "\u200d"


def length(text: str) -> int:
    """Return the length of ``text`` for Slack, which may count an emoji as two, so we do too."""
    return len(text.encode("utf-16-le")) // 2


def clean(text: str) -> str:
    """Return ``text`` without colours, control characters and halves of characters."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")
    return _CONTROL.sub("", _ANSI.sub("", text)).replace("\t", "    ")


def plain(text: str, limit: int) -> str:
    """Return ``text`` on one line, for a header or a button, where mrkdwn does not work."""
    return cut(" ".join(clean(text).split()), limit)


def aligned(rows: Sequence[Sequence[str]]) -> str:
    """Return a table as lines of equal columns, for a font in which all characters are as wide."""
    lines = [[" ".join(clean(cell).split()) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def cut(text: str, limit: int) -> str:
    """Cut ``text`` to ``limit``, but never inside an entity or an emoji."""
    if length(text) <= limit:
        return text
    kept = text.encode("utf-16-le")[: 2 * (limit - len(_MORE))].decode("utf-16-le", "ignore")
    rest = text[len(kept) :]
    while kept and (_belongs_to_last(rest[:1]) or kept[-1] == _JOINER):
        rest, kept = kept[-1] + rest, kept[:-1]
    if _is_flag_half(rest[:1]) and _flag_halves(kept) % 2:
        kept = kept[:-1]
    return _OPEN_ENTITY.sub("", kept) + _MORE


def _belongs_to_last(character: str) -> bool:
    """Return whether a character modifies the one before: accents, skin tones, joined emoji."""
    return bool(character) and (
        unicodedata.combining(character) != 0
        or unicodedata.category(character) in ("Mn", "Me", "Mc")
        or character == _JOINER
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _flag_halves(text: str) -> int:
    count = 0
    for character in reversed(text):
        if not _is_flag_half(character):
            break
        count += 1
    return count
