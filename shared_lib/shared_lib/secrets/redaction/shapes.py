"""Recognise secrets by their shape, without knowing their values."""

import re

REDACTED = "[redacted]"

# Text that the redaction itself wrote is not redacted again.
_NOT_YET = r"(?!\[(?:redacted\]|secret ))"

_NAMED = (
    # a name starts after anything but a letter, or after a newline as Python escapes it
    r"(?:(?<![A-Za-z])|(?<=\\[nrt]))(?:pass(?:word|wd|phrase)|pwd|secret_?(?:id|key|access_?key)|client_?secret|api_?key"
    r"|(?:access|refresh|client|session)_?token|x-vault-token)"
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
        (r"\beyJ[A-Za-z0-9_-]{6,}\.eyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]*", REDACTED),
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


def without_known_shapes(text: str) -> str:
    """Return ``text`` without tokens, private keys and passwords of any owner.

    It recognises Slack, Vault and AWS tokens, JWTs, and passwords in settings and URLs.
    """
    for shape, replacement in _SHAPES:
        text = shape.sub(replacement, text)
    return text
