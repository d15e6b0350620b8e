"""The values that were handed out in this process, and their removal from a text."""

import re
import threading

from shared_lib.secrets.redaction.forms import written_forms
from shared_lib.secrets.redaction.shapes import without_known_shapes

_lock = threading.Lock()
_names: dict[str, str] = {}
# Compiled when a text is next redacted, so that reading many secrets compiles once.
_compiled: re.Pattern[str] | None = None


def placeholder(name: str) -> str:
    """What stands in a text instead of the secret ``name``."""
    return f"[secret {name}]"


def know(value: str, *, name: str) -> None:
    """From now on take ``value`` out of every text, in all the ways in which it may be written.

    A value of fewer than 6 characters is not replaced blindly, but where the text itself says
    what it is, such as ``password=``.

    Args:
        value: the secret.
        name: which secret it is; stands in its place.
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
    """``text`` without the secrets handed out so far, and without whatever looks like one."""
    if _names:
        text = _pattern().sub(lambda found: placeholder(_names[found[0]]), text)
    return without_known_shapes(text)


def _pattern() -> re.Pattern[str]:
    global _compiled  # noqa: PLW0603 - one process has one memory
    with _lock:
        if _compiled is None:
            # The longest first: of a secret within another one nothing must stay behind.
            longest_first = sorted(_names, key=lambda form: (-len(form), form))
            _compiled = re.compile("|".join(map(re.escape, longest_first)))
        return _compiled
