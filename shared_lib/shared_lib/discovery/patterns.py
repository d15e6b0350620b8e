"""Patterns of asset keys."""

import re
from functools import cache


def fits(pattern: str, key: str) -> bool:
    """Whether a key with slashes matches: ``*`` excludes slashes, ``**`` matches anything."""
    return _expression(pattern).fullmatch(key) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*|\*|\?)", pattern)
    wild = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(wild.get(part, re.escape(part)) for part in parts))
