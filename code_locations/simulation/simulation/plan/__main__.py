"""``python -m simulation.plan``: a page to change assumptions of a stored scenario."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

_DEFAULT_PORT = 3100


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until Ctrl-C; the exit status is 2 on a refusal."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.plan",
        description=(
            "Serve a page on this machine, to change assumptions of a stored scenario, see what "
            "the main figures come to, and save them as a scenario. The warehouse is only read."
        ),
    )
    parser.add_argument("--scenario", default="baseline", help="the stored scenario to start from")
    parser.add_argument(
        "--port",
        type=int,
        default=_DEFAULT_PORT,
        help=f"of 127.0.0.1; 0 is a free one (default: {_DEFAULT_PORT})",
    )
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from simulation.command_line import run_command
    from simulation.plan.preparing import prepared
    from simulation.plan.server import HOST, PortRefusedError, listening, serve
    from simulation.scratch.models import ScratchFailedError

    def work(progress: Callable[[str], None]) -> int:
        with (
            listening(asked.port) as listener,
            prepared(asked.scenario, on_progress=progress) as plan,
        ):
            port = listener.getsockname()[1]
            print(f"plan on {asked.scenario}: http://{HOST}:{port} (Ctrl-C ends it)", flush=True)
            with suppress(KeyboardInterrupt):
                serve(plan, listener)
        return 0

    # both remove the scratch files
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    return run_command(work, PortRefusedError, ScratchFailedError)


if __name__ == "__main__":
    sys.exit(main())
