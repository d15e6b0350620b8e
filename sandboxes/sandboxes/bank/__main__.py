"""``python -m sandboxes.bank``: three connected banks on this machine, until Ctrl-C."""

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sandboxes.bank.bank import demonstration
from sandboxes.bank.contract import CONTRACT_VARIABLE, ContractError
from sandboxes.bank.control import CONTROL_PATH
from sandboxes.bank.server import sandbox_server

DEFAULT_PORT = 8210
_HIGHEST_PORT = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return exit status 0, or 1 if the server cannot start."""
    asked = _parser().parse_args(arguments)
    state = demonstration()
    state.latency_seconds = asked.latency
    try:
        with sandbox_server(state, port=asked.port, contract=asked.contract) as server:
            print(
                "The sandbox runs. Set for the platform:\n"
                f"  export GOCARDLESS_API_URL={server.url}\n"
                f"  export GOCARDLESS_API__SECRET_ID={state.secret_id}\n"
                f"  export GOCARDLESS_API__SECRET_KEY={state.secret_key}\n"
                "Its clock moves with:\n"
                f"  curl {server.url}{CONTROL_PATH} --header 'Content-Type: application/json' "
                """--data '{"advance_seconds": 86400}'\n"""
                f"{_note_on(asked.contract)}",
                flush=True,
            )
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except ContractError as error:
        print(
            f"{error}: give the vendor's OpenAPI description by --contract or "
            f"{CONTRACT_VARIABLE}, or neither",
            file=sys.stderr,
        )
        return 1
    except OSError as error:
        print(f"port {asked.port}: {error}; choose another with --port", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sandboxes.bank", description=__doc__)
    parser.add_argument(
        "--port", type=_port, default=DEFAULT_PORT, help="on 127.0.0.1; 0: a free one"
    )
    parser.add_argument(
        "--latency", type=float, default=0.0, help="seconds that every answer takes at least"
    )
    given = os.environ.get(CONTRACT_VARIABLE)
    parser.add_argument(
        "--contract",
        type=Path,
        default=Path(given) if given else None,
        help="the vendor's OpenAPI description, against which every request and answer is "
        f"checked; by default what {CONTRACT_VARIABLE} says, else nothing is checked",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not a port, allowed is 0 to {_HIGHEST_PORT}")
    return int(text)


def _note_on(contract: Path | None) -> str:
    if contract is None:
        return "Requests and answers are not checked against the vendor's contract (--contract)."
    return f"Every request and answer is checked against {contract}."


if __name__ == "__main__":
    sys.exit(main())
