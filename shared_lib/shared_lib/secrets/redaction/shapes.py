"""Recognise secrets by their shape, without knowing their values."""

import re
from functools import lru_cache

REDACTED = "[redacted]"

# Text that the redaction itself wrote is not redacted again.
_NOT_YET = r"(?!\[(?:redacted\]|secret ))"

_NAMED = (
    # a name starts after anything but a letter, or after a newline as Python escapes it
    r"(?:(?<![A-Za-z])|(?<=\\[nrt]))(?:pass(?:word|wd|phrase)|pwd|secret[_-]?(?:id|key|access[_-]?key)|client[_-]?secret|api[_-]?key"
    r"|(?:access|refresh|client|session|security|vault)[_-]?token|x-amz-signature)"
)

# The possessive quantifiers read each run of letters once: a search from every "eyJ" in a long run
# would take the square of its length.
_JWT = (
    r"(?<![A-Za-z0-9_-])((?:(?!(?<![A-Za-z0-9])eyJ)[A-Za-z0-9_-])*+)"
    r"eyJ[A-Za-z0-9_-]{6,}+\.eyJ[A-Za-z0-9_-]{6,}+\.[A-Za-z0-9_-]*+"
)

# Each with its replacement: the part that is not secret stays readable.
_SHAPES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (
            r"(?s)-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----.*?(?:-----END (?P=kind)-----|\Z)",
            REDACTED,
        ),
        (r"\bxox[a-z]-[A-Za-z0-9-]{8,}|\bxapp-[A-Za-z0-9-]{8,}", REDACTED),
        (r"(hooks\.slack\.com/(?:services|workflows)/)[A-Za-z0-9/_-]+", rf"\1{REDACTED}"),
        (r"\bhv[sbr]\.[A-Za-z0-9_-]{8,}|\b[sbr]\.[A-Za-z0-9]{24,}(?![A-Za-z0-9_(])", REDACTED),
        (r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", REDACTED),
        (_JWT, rf"\1{REDACTED}"),
        # session tokens of AWS STS
        (r"\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/_-]{8,}=*", REDACTED),
        (rf"(?i)\b((?:Bearer|Basic) ){_NOT_YET}[A-Za-z0-9+/=._~-]{{8,}}", rf"\1{REDACTED}"),
        (rf"(://[^\s:/@\"']*:){_NOT_YET}[^\s/@\"']+@", rf"\1{REDACTED}@"),
        (
            rf"(?i)({_NAMED}\\?[\"']?\s*[:=]\s*\\?[\"']){_NOT_YET}(?:[^\"'\\]|\\[^\"'])+",
            rf"\1{REDACTED}",
        ),
        (
            rf"(?i)({_NAMED}\s*[:=]\s*){_NOT_YET}[^\s\"',;&\\)}}\]]+",
            rf"\1{REDACTED}",
        ),
    )
)


# The events of a run repeat most of their texts: column descriptions, keys, names of types.
@lru_cache(maxsize=4096)
def without_known_shapes(text: str) -> str:
    """Return ``text`` without tokens, private keys and passwords of any owner.

    It recognises Slack, Vault and AWS tokens, JWTs, and passwords in settings and URLs.
    """
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text
