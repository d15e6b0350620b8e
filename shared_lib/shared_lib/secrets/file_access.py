"""Check that only their owner may read the files with credentials."""

import logging
import os
from pathlib import Path

from shared_lib.configuration.environment import current_environment
from shared_lib.secrets.errors import SecretsMisconfiguredError

_log = logging.getLogger(__name__)

# read and write, of the group and of all others
_OTHERS = 0o066
# write, of the group, and anything of all others
_ALL_BUT_GROUP_READ = 0o026
_PERMISSIONS = 0o777
_reported: set[str] = set()


def require_private(path: Path, state: os.stat_result, *, meaning: str) -> None:
    """Refuse in qa and production, and report elsewhere, a file that others may read or write.

    A file of root that only root and the group of this process can read is private: Kubernetes
    mounts secrets like that for a pod with ``fsGroup``.

    Args:
        path: the file, for the message.
        state: its state; that of the open file where it is read, so that nobody replaces it after
            the check.
        meaning: what it holds, for the message: ``the token``.

    Raises:
        SecretsMisconfiguredError: it is refused.
    """
    if not state.st_mode & _OTHERS or _is_mounted_for_us(state):
        return
    message = (
        f"the file {path} with {meaning} has the permissions {state.st_mode & _PERMISSIONS:04o}, "
        f"so that other users may read or write it: run `chmod 600 {path}`"
    )
    if current_environment().is_deployed:
        raise SecretsMisconfiguredError(message)
    if str(path) not in _reported:
        _reported.add(str(path))
        _log.warning(message)


def _is_mounted_for_us(state: os.stat_result) -> bool:
    of_our_group = state.st_gid in (os.getegid(), *os.getgroups()) and state.st_gid != 0
    return state.st_uid == 0 and of_our_group and not state.st_mode & _ALL_BUT_GROUP_READ
