"""``python -m sandboxes.vault``: run a local Vault on a laptop.

Starts OpenBao's server in memory on 127.0.0.1, applies ``deploy/vault`` to it as in production,
writes the example secrets, and prints what to export. Ctrl-C ends it and discards all data.
"""

import argparse
import signal
import sys
from collections.abc import Sequence

from sandboxes.vault.server import give_credentials, local_server, write_private
from shared_lib.configuration.environment import (
    DATA_DIRECTORY_VARIABLE,
    UnknownEnvironmentError,
    current_settings,
)
from shared_lib.secrets.errors import SecretError, SecretsMisconfiguredError

DEFAULT_PORT = 8200


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m sandboxes.vault")
    parser.description = __doc__
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="0 for a free one")
    asked = parser.parse_args(arguments)
    try:
        directory = current_settings().data_directory / "vault"
    except UnknownEnvironmentError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        message = f"{DATA_DIRECTORY_VARIABLE}: {directory} cannot be created: {error.strerror}"
        raise SecretsMisconfiguredError(message) from error
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with local_server(port=asked.port, log=directory / "server.log") as server:
        exported = give_credentials(server, directory)
        lines = [f"export {name}='{value}'" for name, value in exported.items()]
        write_private(directory / "environment.sh", "\n".join(lines) + "\n")
        write_private(directory / "root_token", server.root_token)
        print(
            *lines,
            f"# or: source '{directory / 'environment.sh'}', then: make dev",
            f"# to look around: export VAULT_TOKEN=\"$(cat '{directory / 'root_token'}')\"",
            "# serving until Ctrl-C",
            sep="\n",
            flush=True,
        )
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except SecretError as error:
        sys.exit(str(error))
