"""OpenMetadata's names of entities."""

import hashlib

# what separates names in its links and paths, in the words that its own ingestion writes instead
_SEPARATORS = {
    "::": "__reserved__colon__",
    ">": "__reserved__arrow__",
    '"': "__reserved__quote__",
    "\n": "__reserved__newline__",
    "\r": "__reserved__carriage_return__",
    "\t": "__reserved__tab__",
}
_MOST_LETTERS = 256
_DIGITS = 16


def entity_name(name: str) -> str:
    """Return the name as OpenMetadata accepts it; one that is too long ends with a digest."""
    for separator, word in _SEPARATORS.items():
        name = name.replace(separator, word)
    if len(name) <= _MOST_LETTERS:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGITS]
    return f"{name[: _MOST_LETTERS - _DIGITS - 1]}_{digest}"


def qualified(*parts: str) -> str:
    """Return the names of entities joined by dots; one with a dot is quoted."""
    names = map(entity_name, parts)
    return ".".join(f'"{name}"' if "." in name else name for name in names)
