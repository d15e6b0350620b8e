"""``python -m orchestration_platform.web``: Dagster's UI behind the front door."""

import argparse
import secrets
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestration_platform.dagster_home import DagsterHomeError, find_dagster_home

_DEFAULT_HOST = "127.0.0.1"
_DEFAULT_PORT = 3000


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until Ctrl-C or SIGTERM, the normal ends; return the exit status."""
    asked = _parser().parse_args(arguments)
    if asked.command == "token":
        return _print_token()
    # imported here so that --help and usage errors respond at once
    import dagster as dg
    from dagster._utils.log import configure_loggers

    from orchestration_platform.web.development import develop
    from orchestration_platform.web.hosts import AllowedHostsError
    from orchestration_platform.web.server import Webserver
    from shared_lib.configuration.environment import UnknownEnvironmentError
    from shared_lib.configuration.validated_yaml import ConfigurationError

    # as Dagster's own commands do: lines of all processes look alike
    configure_loggers()
    # both end what was started here too
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        find_dagster_home()
        if asked.command == "audit":
            _print_audit(asked.last)
        elif asked.command == "dev":
            develop(asked.workspace, *asked.also, host=asked.host, port=asked.port)
        else:
            with dg.DagsterInstance.get() as instance:
                Webserver(instance, asked.workspace, host=asked.host, port=asked.port).run()
    except (
        AllowedHostsError,
        ConfigurationError,
        DagsterHomeError,
        UnknownEnvironmentError,
    ) as error:
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
        "only (DAGSTER_ALLOWED_HOSTS adds some), accepts changes from its own pages and from "
        "programs, never from pages of other sites, and asks people to log in as PLATFORM_LOGIN "
        "says.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    text = "make a token for a program, and its digest for PLATFORM_LOGIN_FILE"
    commands.add_parser("token", help=text, description=text)
    text = "list who changed what, the newest first"
    audit = commands.add_parser("audit", help=text, description=text)
    audit.add_argument("--last", type=int, default=50, metavar="N", help="entries (default: 50)")
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
        if name == "dev":
            command.add_argument(
                "--also", type=_file, action="append", default=[], metavar="FILE",
                help="further code locations, in a file like workspace.yaml; may be repeated",
            )  # fmt: skip
    return parser


def _print_token() -> int:
    from orchestration_platform.web.login.ways import digest_of

    token = secrets.token_urlsafe(32)
    print(f"token:  {token}\nsha256: {digest_of(token)}")
    return 0


def _print_audit(last: int) -> None:
    import dagster as dg

    from orchestration_platform.web.audit import Audit
    from orchestration_platform.web.database import WebDatabase, database_url

    with dg.DagsterInstance.get() as instance:
        entries = Audit(WebDatabase(database_url(instance))).entries(last)
    for entry in entries:
        at = datetime.fromtimestamp(entry.at, UTC).isoformat(" ", "seconds")
        outcome = entry.outcome or "no outcome"
        print(f"{at}  {entry.person}  {entry.action}  {outcome}  {entry.arguments}")


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return path


if __name__ == "__main__":
    sys.exit(main())
