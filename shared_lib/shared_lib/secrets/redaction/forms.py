"""The forms in which a value may be written."""

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

# Shorter values are not redacted: "prod" or "1234" would vanish from half of all texts.
SHORTEST_VALUE = 6
# A line of a key or certificate on its own in a text; shorter lines may be anything.
_SHORTEST_LINE = 16

_BITS_OF_BYTE = 8
_BITS_OF_LETTER = 6
_BYTES_OF_GROUP = 3


def written_forms(value: str) -> frozenset[str]:
    """Return ``value`` unchanged and as written in JSON, URLs, Python and base64.

    The result is empty for a value of fewer than 6 characters.
    """
    if len(value) < SHORTEST_VALUE:
        return frozenset()
    forms = {value}
    for plain in (value, *_lines(value)):
        forms |= {plain, *_escaped(plain), *_url_encoded(plain), *_base64(plain.encode())}
    return frozenset(form for form in forms if len(form) >= SHORTEST_VALUE)


def _lines(value: str) -> Iterator[str]:
    lines = value.splitlines()
    if len(lines) > 1:
        for line in lines:
            # The first and last lines of a PEM text are not secret: all PEM texts share them.
            if len(line) >= _SHORTEST_LINE and not line.startswith("-----"):
                yield line


def _escaped(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        once = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield once
        yield json.dumps(once, ensure_ascii=ascii_only)[1:-1]  # JSON as a string within JSON
    yield repr(value)[1:-1]
    yield repr(value.encode())[2:-1]


def _url_encoded(value: str) -> Iterator[str]:
    for encoded in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield encoded
        yield _with_small_hexadecimals(encoded)


def _with_small_hexadecimals(encoded: str) -> str:
    first, *rest = encoded.split("%")
    return "%".join([first, *(part[:2].lower() + part[2:] for part in rest)])


def _base64(value: bytes) -> Iterator[str]:
    """Yield the letters that depend only on ``value``, for each offset in the encoded bytes.

    A basic authentication header encodes user and password together, so that the password may
    start at any of three offsets within a group of letters.
    """
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        yield encode(value).decode()
        for before in range(_BYTES_OF_GROUP):
            letters = encode(b"\0" * before + value).decode()
            first = -(-before * _BITS_OF_BYTE // _BITS_OF_LETTER)
            last = (before + len(value)) * _BITS_OF_BYTE // _BITS_OF_LETTER
            yield letters[first:last]
