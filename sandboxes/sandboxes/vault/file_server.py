"""A server with files and TLS, for what one in memory cannot do: be sealed, killed, restarted."""

import os
import subprocess
from pathlib import Path
from typing import Any

import hvac

from sandboxes.certificates import Authority
from sandboxes.ports import reserved_port
from sandboxes.vault.server import server_binary
from shared_lib.secrets.vault.login import new_client
from shared_lib.secrets.vault.retrying import Patience
from shared_lib.secrets.vault.server import VaultServer

CONFIGURATION = """
storage "raft" {{
  path = "{directory}/storage"
  node_id = "one"
  performance_multiplier = 1
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  tls_cert_file = "{directory}/server.pem"
  tls_key_file = "{directory}/server.key"
}}
api_addr = "https://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster_port}"
"""


class FileServer:
    """Starts and stops; what it stores stays."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = Authority("authority", directory)
        self.authority.issue("server", directory)
        (directory / "storage").mkdir()
        self.port = reserved_port()
        (directory / "server.hcl").write_text(
            CONFIGURATION.format(directory=directory, port=self.port, cluster_port=reserved_port())
        )
        self._process: subprocess.Popen[bytes] | None = None

    def set_up(self) -> None:
        """Start it, initialize it and unseal it."""
        self.start()
        keys: Any = self.client().sys.initialize(secret_shares=1, secret_threshold=1)
        self.unseal_key, self.root_token = keys["keys"][0], keys["root_token"]
        self.unseal()

    @property
    def address(self) -> str:
        """Its URL."""
        return f"https://127.0.0.1:{self.port}"

    def client(self) -> hvac.Client:
        """Return a client with the root token, once there is one."""
        server = VaultServer(self.address, namespace="", trusted=str(self.authority.certificate))
        patience = Patience(total_seconds=15, longest_pause_seconds=0.1)
        client = new_client(server, patience=patience, timeout_seconds=5)
        client.token = getattr(self, "root_token", "")
        return client

    def start(self) -> None:
        """Start the process; the server is sealed."""
        log = (self.directory / "server.log").open("ab")
        self._process = subprocess.Popen(
            [server_binary(), "server", f"-config={self.directory / 'server.hcl'}"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(self.directory)},
        )
        log.close()
        self.client().sys.read_seal_status()

    def unseal(self) -> None:
        """Unseal it, and wait until it answers."""
        self.client().sys.submit_unseal_key(self.unseal_key)
        # unsealed is not yet ready
        self.client().sys.list_auth_methods()

    def seal(self) -> None:
        """Seal it."""
        self.client().sys.seal()

    def kill(self) -> None:
        """Kill the process."""
        if self._process:
            self._process.kill()
            self._process.wait()
