"""Which encoding the bytes of a file have.

Detectors by statistics need pages of text. A statement has a few umlauts, and the question is only
which of the code pages that banks use puts letters of European languages in their places.
"""

import codecs
import re

from gocardless.statement_files.statement import StatementFileError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# in the order of preference where the text reads equally well
_CODE_PAGES = ("cp1252", "cp1250", "cp850", "mac_roman", "cp852")
_WORD = re.compile(r"[^\W\d_]+")
_USUAL = frozenset("äöüßéèêàâçñóíáúùôîëïåæøãõłąęśćżźńščřžěýůőűğışťďňľĺŕÄÖÜÉÈÀÇÑÓÅÆØŁŚĆŻŹŠČŘŽĐđșță")
_SIGNS = frozenset("€£§°«»–—’“”„…´·²³µ\u00a0ºª¿¡©®")  # noqa: RUF001 - they are meant


def encoding_of(content: bytes) -> str:
    """The name of the encoding, for :func:`bytes.decode`."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            return name
    if content[:200].count(0) > len(content[:200]) // 3:
        return "utf-16-be" if content[:1] == b"\0" else "utf-16-le"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return max(_CODE_PAGES, key=lambda name: _plausibility(content, name))
    return "utf-8"


def decoded(content: bytes, encoding: str, file_name: str) -> str:
    """The text of a file, with the ends of its lines as they are.

    Raises:
        StatementFileError: the bytes are not of this encoding; says where.
    """
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise StatementFileError(
            f"{file_name}:{line}: byte {content[error.start]:#04x} is not {encoding}: correct "
            "encoding in the mapping"
        ) from error


def _plausibility(content: bytes, name: str) -> float:
    try:
        text = content.decode(name)
    except UnicodeDecodeError:
        return float("-inf")
    points = 0.0
    for word in _WORD.findall(text):
        for place, letter in enumerate(word):
            if letter.isascii():
                continue
            points += 1 if letter in _USUAL else -1
            # a capital within a word of small letters
            if place and letter.isupper() and word[place - 1].islower():
                points -= 2
    points += sum(0.5 if c in _SIGNS else -1 for c in text if not c.isascii() and not c.isalpha())
    return points
