"""``python -m orchestration_platform.web``: Dagster's UI behind the front door."""

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from orchestration_platform.dagster_home import DagsterHomeError, check_dagster_home

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 3000


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM, the normal ends; return the exit status."""
    asked = _parser().parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    import dagster as dg
    from dagster._utils.log import configure_loggers

    from orchestration_platform.web.development import develop
    from orchestration_platform.web.hosts import AllowedHostsError
    from orchestration_platform.web.server import Webserver
    from shared_lib.configuration.environment import UnknownEnvironmentError

    # as Dagster's own commands do: lines of all processes look alike
    configure_loggers()
    # both end what was started here too
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        check_dagster_home()
        if asked.command == "dev":
            develop(asked.workspace, host=asked.host, port=asked.port)
        else:
            with dg.DagsterInstance.get() as instance:
                Webserver(instance, asked.workspace, host=asked.host, port=asked.port).run()
    except (AllowedHostsError, DagsterHomeError, UnknownEnvironmentError) as error:
        print(error, file=sys.stderr)
        return 2
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.web",
        description="Serves Dagster's UI behind a front door: it answers under known host names "
        "only (DAGSTER_ALLOWED_HOSTS adds some), and accepts changes from its own pages and from "
        "programs, never from pages of other sites.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in {
        "serve": "the webserver alone, for production",
        "dev": "also the daemon and the code servers, for a laptop",
    }.items():
        command = commands.add_parser(name, help=text, description=text, add_help=False)
        command.add_argument("--help", action="help", help="show this text and exit")
        command.add_argument(
            "-w", "--workspace", type=_file, default=Path("workspace.yaml"), metavar="FILE",
            help="the code locations (default: workspace.yaml)",
        )  # fmt: skip
        command.add_argument(
            "-h", "--host", default=_DEFAULT_HOST, help=f"listens there (default: {_DEFAULT_HOST})"
        )
        command.add_argument(
            "-p", "--port", type=int, default=_DEFAULT_PORT, help=f"default: {_DEFAULT_PORT}"
        )
    return parser


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return path


if __name__ == "__main__":
    sys.exit(main())
