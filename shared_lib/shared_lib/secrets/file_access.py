"""Check that only their owner may read the files with credentials."""

import logging
import os
from pathlib import Path

from shared_lib.configuration.environment import Environment, current_environment
from shared_lib.secrets.errors import SecretsMisconfiguredError

_log = logging.getLogger(__name__)

# read and write, of the group and of all others
_OTHERS = 0o066
_PERMISSIONS = 0o777
_reported: set[str] = set()


def require_private(path: Path, state: os.stat_result, *, meaning: str) -> None:
    """Refuse in production, and report elsewhere, a file that others may read or write.

    Args:
        path: the file, for the message.
        state: its state; that of the open file where it is read, so that nobody replaces it after
            the check.
        meaning: what it holds, for the message: ``the token``.

    Raises:
        SecretsMisconfiguredError: the platform runs in production and the file is not private.
    """
    if not state.st_mode & _OTHERS:
        return
    message = (
        f"the file {path} with {meaning} has the permissions {state.st_mode & _PERMISSIONS:04o}, "
        f"so that other users may read or write it: run `chmod 600 {path}`"
    )
    if current_environment() is Environment.PRODUCTION:
        raise SecretsMisconfiguredError(message)
    if str(path) not in _reported:
        _reported.add(str(path))
        _log.warning(message)
