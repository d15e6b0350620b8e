"""Names for processes that no later process can have."""

import socket

import psutil


def this_process() -> str:
    """Return a name for this process that no later one can have: host, id and start time."""
    return _name(psutil.Process())


def is_alive(process: str) -> bool:
    """Return whether the process with the name ``process`` may still run.

    Of another host that cannot be known, and is taken for granted.
    """
    host, pid, _ = process.rsplit(":", 2)
    if host != socket.gethostname():
        return True
    try:
        found = psutil.Process(int(pid))
        # A killed process keeps its id and start time until its parent waits for it, which the
        # first process of a container may never do.
        return _name(found) == process and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _name(process: psutil.Process) -> str:
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"
