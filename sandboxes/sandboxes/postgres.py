"""A real Postgres, from the machine's own programs, in a directory that is deleted afterwards."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from sandboxes.ports import reserved_port
from sandboxes.waiting import wait_until

PASSWORD = "canary-postgres-superuser"


def program(name: str) -> Path | None:
    """Return where the machine has a program of Postgres; None if it has none."""
    found = shutil.which(name)
    if found:
        return Path(found)
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), default=None)


@contextmanager
def postgres_server(certificate: tuple[Path, Path] | None = None) -> Iterator[int]:
    """Run a server while the body runs; yield its port.

    The superuser is ``postgres`` with :data:`PASSWORD`.

    Args:
        certificate: the files of a certificate and its key, by which clients may verify the server.
    """
    with postgres_directory() as directory:
        port = reserved_port()
        with serving(directory, port, *_with_tls(directory, certificate)):
            yield port


def _with_tls(directory: Path, certificate: tuple[Path, Path] | None) -> list[str]:
    """Copy the files to where the server reads them; return its options."""
    if certificate is None:
        return []
    names = ("server.pem", "server.key")
    for file, name in zip(certificate, names, strict=True):
        copy = Path(shutil.copyfile(file, directory / name))
        copy.chmod(0o600)
        if os.getuid() == 0:
            os.chown(copy, pwd.getpwnam("postgres").pw_uid, -1)
    certificate_file, key_file = (directory / name for name in names)
    settings = ("ssl=on", f"ssl_cert_file={certificate_file}", f"ssl_key_file={key_file}")
    return [option for setting in settings for option in ("-c", setting)]


@contextmanager
def postgres_directory() -> Iterator[Path]:
    """Create a server's data in a directory that is deleted afterwards."""
    initdb = program("initdb")
    assert initdb, "Postgres is not installed"
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    if os.getuid() == 0:
        os.chown(directory, pwd.getpwnam("postgres").pw_uid, -1)
    try:
        (directory / "password").write_text(PASSWORD)
        (directory / "password").chmod(0o644)
        subprocess.run(
            [initdb, "-D", directory / "data", "-U", "postgres", "-A", "scram-sha-256", "--no-sync",
             f"--pwfile={directory / 'password'}"],
            check=True, capture_output=True, cwd=directory, **_account(),
        )  # fmt: skip
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def serving(directory: Path, port: int, *options: str) -> Iterator[subprocess.Popen[Any]]:
    """Run a server on the data in ``directory``, which a server may have left in a crash."""
    postgres = program("postgres")
    assert postgres, "Postgres is not installed"
    with (directory / "log").open("ab") as log:
        process = subprocess.Popen(
            [postgres, "-D", directory / "data", "-p", str(port), "-k", directory,
             "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", *options],
            stdout=log, stderr=subprocess.STDOUT, cwd=directory, **_account(),
        )  # fmt: skip
    try:
        _wait(port, process)
        yield process
    finally:
        # ends the connections that are open; SIGTERM waits for clients, of which we may be one
        process.send_signal(signal.SIGINT)
        process.wait()


def _account() -> dict[str, Any]:
    # Postgres refuses to run as root.
    return {"user": "postgres"} if os.getuid() == 0 else {}


def connect(port: int, user: str, password: str) -> psycopg.Connection:
    """Open a connection that commits each statement."""
    return psycopg.connect(
        host="127.0.0.1",
        port=port,
        dbname="postgres",
        user=user,
        password=password,
        autocommit=True,
    )


def _wait(port: int, process: subprocess.Popen[Any]) -> None:
    def is_up() -> bool:
        assert process.poll() is None, "Postgres ended"
        try:
            connect(port, "postgres", PASSWORD).close()
        except psycopg.OperationalError:
            return False
        return True

    wait_until(is_up, seconds=90)
