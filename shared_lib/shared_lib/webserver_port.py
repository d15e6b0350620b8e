"""``python -m shared_lib.webserver_port 3000``: check that the port is free for ``make dev``."""

import argparse
import socket
import sys
from collections.abc import Sequence

_HOST = "127.0.0.1"
_LAST_PORT = 65535


def is_free(port: int) -> bool:
    """Return whether a server can listen on ``port`` of 127.0.0.1 now."""
    with socket.socket() as server:
        # as servers do: a recently closed connection does not block the port
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind((_HOST, port))
        except OSError:
            return False
    return True


def _port(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _LAST_PORT):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to {_LAST_PORT}")
    return int(text)


def main(arguments: Sequence[str] | None = None) -> None:
    """Exit with status 1, and a message that names the next free port, if the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m shared_lib.webserver_port")
    parser.add_argument("port", type=_port)
    wanted: int = parser.parse_args(arguments).port
    if is_free(wanted):
        return
    following = next(filter(is_free, range(wanted + 1, _LAST_PORT + 1)), None)
    advice = "" if following is None else f", the next free one is: make dev PORT={following}"
    sys.exit(f"port {wanted} of {_HOST} is taken{advice}")


if __name__ == "__main__":
    main()
