"""A server with files and TLS, for what one in memory cannot do: be sealed, killed, restarted."""

import os
import subprocess
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import hvac
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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


class Authority:
    """A certificate authority that issues to files."""

    def __init__(self, name: str, directory: Path) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = directory / f"{name}.pem"
        self._issue(self._name, self._key, self.certificate, authority=True)

    def issue(self, name: str, directory: Path) -> tuple[Path, Path]:
        """Write a certificate and its key to the directory, and return their paths."""
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, key_file = directory / f"{name}.pem", directory / f"{name}.key"
        self._issue(subject, key, certificate, authority=False)
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, key_file

    def _issue(self, subject: x509.Name, key: Any, path: Path, *, authority: bool) -> None:
        now = datetime.now(UTC)
        issuer = self._key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer), critical=False
            )
        )
        if not authority:
            address = x509.IPAddress(ip_address("127.0.0.1"))
            uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
            builder = builder.add_extension(x509.SubjectAlternativeName([address]), critical=False)
            builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


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
