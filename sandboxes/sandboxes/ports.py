"""Ports for programs that must know theirs before they listen. Test servers bind port 0."""

import fcntl
import os
import socket
import tempfile
from itertools import count
from pathlib import Path
from typing import IO

# Below those that the kernel assigns to port 0 and to outgoing connections.
_PORTS = range(20_000, 32_000)
_LOCKS = Path(tempfile.gettempdir()) / f"ports-of-tests-{os.getuid()}"
_numbers = count(os.getpid() * 37)
# each file stays open, so that it stays locked
_held: list[IO[bytes]] = []


def reserved_port() -> int:
    """Return a port on 127.0.0.1 that no other process of any test run gets before this ends."""
    _LOCKS.mkdir(exist_ok=True)
    for number in _numbers:
        port = _PORTS[number % len(_PORTS)]
        lock = (_LOCKS / str(port)).open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as other:
                # a test server may have ended a moment ago
                other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                other.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
        else:
            _held.append(lock)
            return port
    raise AssertionError
