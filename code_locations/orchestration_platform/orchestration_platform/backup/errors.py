"""What stops a backup or a restore."""


class BackupError(RuntimeError):
    """A backup cannot be made or used; the text says why and what to do."""
