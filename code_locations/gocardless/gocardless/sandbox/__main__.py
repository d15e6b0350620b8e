"""``python -m gocardless.sandbox``: three connected banks on this machine, until Ctrl-C."""

import argparse
import sys
import threading
from collections.abc import Sequence

from gocardless.sandbox.bank import demonstration
from gocardless.sandbox.server import CONTROL_PATH, sandbox_server

DEFAULT_PORT = 8210


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; the exit status is 0, or 1 when the port is taken."""
    parser = argparse.ArgumentParser(prog="python -m gocardless.sandbox", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="on 127.0.0.1; 0: a free one"
    )
    asked = parser.parse_args(arguments)
    state = demonstration()
    try:
        with sandbox_server(state, port=asked.port) as server:
            print(  # noqa: T201 - the command's output
                "The sandbox runs. Set for the platform:\n"
                f"  GOCARDLESS_API_URL={server.url}\n"
                f"  GOCARDLESS_API__SECRET_ID={state.secret_id}\n"
                f"  GOCARDLESS_API__SECRET_KEY={state.secret_key}\n"
                f"Its clock moves with: POST {server.url}{CONTROL_PATH} "
                '{"advance_seconds": 86400}',
                flush=True,
            )
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except OSError as error:
        print(f"port {asked.port}: {error}; choose another with --port", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
