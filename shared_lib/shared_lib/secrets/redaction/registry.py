"""The secret values handed out in this process, and their removal from texts."""

import re
import threading

from shared_lib.secrets.redaction.forms import written_forms
from shared_lib.secrets.redaction.shapes import without_known_shapes

_lock = threading.Lock()
_names: dict[str, str] = {}
# Compiled when the next text is redacted, so that reading many secrets compiles once.
_compiled: re.Pattern[str] | None = None


def placeholder(name: str) -> str:
    """Return the text that replaces the secret ``name``."""
    return f"[secret {name}]"


def know(value: str, *, name: str) -> None:
    """Remove ``value`` from every text from now on, in every form in which it may be written.

    A value of fewer than 6 characters is replaced only where the text itself says what it is, such
    as ``password=``.

    Args:
        value: the secret.
        name: the name of the secret, which replaces it.
    """
    global _compiled  # noqa: PLW0603 - one process has one memory
    if value in _names:
        return
    forms = written_forms(value)
    if forms:
        with _lock:
            for form in forms:
                _names.setdefault(form, name)
            _compiled = None


def redact(text: str) -> str:
    """Return ``text`` without the secrets handed out so far or anything that looks like one."""
    if _names:
        text = _pattern().sub(lambda found: placeholder(_names[found[0]]), text)
    return without_known_shapes(text)


def secret_in(content: bytes) -> str | None:
    """Return the name of a secret that ``content`` contains as text, None if it has none.

    Text may be in UTF-8, or in UTF-16 or UTF-32 as in arrays.
    """
    for form, name in list(_names.items()):
        for encoding in ("utf-8", "utf-16-le", "utf-32-le"):
            if form.encode(encoding) in content:
                return name
    return None


def _pattern() -> re.Pattern[str]:
    global _compiled  # noqa: PLW0603 - one process has one memory
    with _lock:
        if _compiled is None:
            # The longest first: if a secret contains another, no part of it may remain.
            longest_first = sorted(_names, key=lambda form: (-len(form), form))
            _compiled = re.compile("|".join(map(re.escape, longest_first)))
        return _compiled
