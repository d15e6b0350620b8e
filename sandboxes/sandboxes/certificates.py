"""Certificates for 127.0.0.1 that only those trust who are given them."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


class Authority:
    """A certificate authority that issues to files."""

    def __init__(self, name: str, directory: Path) -> None:
        """Make the authority and write its own certificate to the directory."""
        self._name = name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = directory / f"{name}.pem"
        self.certificate.write_bytes(_certificate(name, self._key, name, self._key))

    def issue(self, name: str, directory: Path, *, host: str | None = None) -> tuple[Path, Path]:
        """Write a certificate and its key to the directory, and return their paths.

        It is for ``host``; by default for 127.0.0.1.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, key_file = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_bytes(_certificate(name, key, self._name, self._key, host=host))
        key_file.write_bytes(_key_text(key))
        return certificate, key_file


def write_certificate(directory: Path) -> Path:
    """Write a file with a certificate and its key, which is its own authority; return its path."""
    key = ec.generate_private_key(ec.SECP256R1())
    path = directory / "stand-in.pem"
    path.write_bytes(_key_text(key) + _certificate("stand-in", key, "stand-in", key))
    return path


def server_context(certificate: Path) -> ssl.SSLContext:
    """Return the TLS settings of a server with the certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def _key_text(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    host: str | None = None,
) -> bytes:
    """Return a certificate, which is that of an authority if it signs itself."""
    now = datetime.now(UTC)
    authority = x509.BasicConstraints(ca=key is issuer_key, path_length=None)
    address = x509.SubjectAlternativeName(
        [x509.DNSName(host) if host else x509.IPAddress(ip_address("127.0.0.1"))]
    )
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(authority, critical=True)
        .add_extension(address, critical=False)
        .add_extension(identifier, critical=False)
        .add_extension(issued_by, critical=False)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
