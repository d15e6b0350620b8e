"""What stops a backup or a restore."""

from typing import NoReturn


class BackupError(RuntimeError):
    """A backup cannot be made or used; the text says why and what to do."""


def refuse(problem: str) -> NoReturn:
    """Raise a :class:`BackupError` for ``problem``."""
    raise BackupError(problem)
