"""Read the credentials of a login from files and variables, and check that they can be used."""

import os
from pathlib import Path

from shared_lib.secrets.errors import SecretsMisconfiguredError
from shared_lib.secrets.file_access import require_private
from shared_lib.secrets.redaction.registry import know

# Tokens, ids and JWTs are far shorter; a longer file is another one.
_LONGEST_BYTES = 64 * 1024


def credential(
    file: str,
    variable: str,
    meaning: str,
    *,
    is_phrase: bool = False,
    is_private: bool = True,
) -> str:
    """Return the content of ``file``, or of ``variable`` if no file is named, as a secret.

    Args:
        file: the path of the file; empty for none.
        variable: the environment variable; empty for none.
        meaning: what it is, with an article, for messages: ``the token``.
        is_phrase: whether it may have spaces and letters of any alphabet, as passwords do.
        is_private: whether the file's permissions are checked; not for an id that is not secret,
            nor where Kubernetes writes the file for its pod alone, with permissions of its own.

    Raises:
        SecretsMisconfiguredError: it is missing, empty, not what it should be, or readable by
            others in production; the text describes what was found and does not show it.
    """
    if file:
        held, source = _content(Path(file), meaning, is_private=is_private), f"the file {file}"
    else:
        held = os.environ.get(variable, "")
        source = (
            f"the variable {variable}"
            if variable
            else "the configured file (no file is configured)"
        )
    held = held.strip()
    if not held:
        raise SecretsMisconfiguredError(
            f"{meaning} for Vault is expected in {source}, which is empty: see docs/secrets.md"
        )
    for line in held.splitlines():
        know(line.strip(), name=f"vault {meaning.removeprefix('the ')}")
    found = _defect(held, is_phrase=is_phrase)
    if found:
        raise SecretsMisconfiguredError(
            f"{meaning} for Vault is expected in {source}, which {found}: write {meaning} alone, "
            "on one line"
        )
    return held


def _content(path: Path, meaning: str, *, is_private: bool) -> str:
    def refused(found: str, remedy: str) -> SecretsMisconfiguredError:
        return SecretsMisconfiguredError(
            f"{meaning} for Vault is expected in the file {path}, which {found}: {remedy}"
        )

    try:
        if path.is_dir():
            raise refused("is a directory", "name the file in it")
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            content = file.read(_LONGEST_BYTES + 1)
    except FileNotFoundError:
        raise refused("does not exist", "create it, readable only by the platform") from None
    except OSError as error:
        raise refused(f"cannot be read ({error.strerror})", "make the platform its owner") from None
    if is_private:
        require_private(path, state, meaning=meaning)
    if len(content) > _LONGEST_BYTES:
        raise refused(f"has {state.st_size:,} bytes", f"write {meaning} alone")
    if content.startswith(b"\xef\xbb\xbf"):
        raise refused("has a byte order mark", "save it as UTF-8 without one")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        # without the cause, whose text and fields have the content
        raise refused("is not text in UTF-8", f"write {meaning} alone, as text") from None


def _defect(held: str, *, is_phrase: bool) -> str | None:
    """Describe why ``held`` is not a credential; ``None`` if it can be one."""
    lines = len(held.splitlines())
    if lines > 1:
        return f"has {lines} lines"
    if is_phrase:
        return None if held.isprintable() else "has characters that cannot be printed"
    if any(letter.isspace() for letter in held):
        return "has spaces"
    if not held.isascii() or not held.isprintable():
        return "has characters that no credential of Vault has"
    return None
