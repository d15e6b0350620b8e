"""``python -m simulation.plan``: a page to change assumptions of a stored scenario."""

import argparse
import signal
import sys
from collections.abc import Sequence

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
    from rich.console import Console

    from shared_lib.configuration.environment import UnknownEnvironmentError
    from shared_lib.configuration.validated_yaml import ConfigurationError
    from shared_lib.warehouse import WarehouseBusyError
    from simulation.plan.preparing import ScratchFailedError, prepared
    from simulation.plan.server import HOST, PortRefusedError, listening, serve
    from simulation.stored.scenarios import ComparisonRefusedError

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    # both remove the scratch files
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    is_serving = False
    try:
        with (
            listening(asked.port) as listener,
            prepared(
                asked.scenario, on_progress=lambda line: errors.print(line, markup=False)
            ) as plan,
        ):
            port = listener.getsockname()[1]
            print(f"plan on {asked.scenario}: http://{HOST}:{port} (Ctrl-C ends it)", flush=True)
            is_serving = True
            serve(plan, listener)
    except (
        ComparisonRefusedError,
        ConfigurationError,
        PortRefusedError,
        ScratchFailedError,
        UnknownEnvironmentError,
        WarehouseBusyError,
    ) as error:
        errors.print(str(error), style="bold red", markup=False)
        return 2
    except KeyboardInterrupt:
        if is_serving:
            return 0
        errors.print("interrupted; nothing of the warehouse was changed")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
