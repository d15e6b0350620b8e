"""``python -m sandboxes.enable_banking``: three banks to connect on this machine, until Ctrl-C."""

import argparse
import os
import shlex
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sandboxes.bank.contract import ContractError
from sandboxes.enable_banking.server import enable_banking_server
from sandboxes.enable_banking.state import EnableBankingState

CONTRACT_VARIABLE = "ENABLE_BANKING_SANDBOX_CONTRACT"
DEFAULT_PORT = 8211


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return exit status 0, or 1 if the server cannot start."""
    parser = argparse.ArgumentParser(prog="python -m sandboxes.enable_banking", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="on 127.0.0.1; 0: a free one"
    )
    given = os.environ.get(CONTRACT_VARIABLE)
    parser.add_argument(
        "--contract",
        type=Path,
        default=Path(given) if given else None,
        help="the vendor's OpenAPI description, against which every request and answer is checked",
    )
    asked = parser.parse_args(arguments)
    state = EnableBankingState()
    try:
        with enable_banking_server(state, port=asked.port, contract=asked.contract) as url:
            print(
                "The sandbox runs. Set for the platform:\n"
                f"  export ENABLE_BANKING_API_URL={url}\n"
                f"  export GOCARDLESS_ENABLE_BANKING__APPLICATION_ID={state.application_id}\n"
                "  export GOCARDLESS_ENABLE_BANKING__PRIVATE_KEY="
                f"{shlex.quote(state.private_key)}\n"
                f"Its banks: {', '.join(bank.name for bank in state.banks.banks)}",
                flush=True,
            )
            threading.Event().wait()
    except KeyboardInterrupt:
        return 0
    except (ContractError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
