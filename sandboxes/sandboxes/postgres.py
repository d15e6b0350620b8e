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
def postgres_server() -> Iterator[int]:
    """Run a server while the body runs; yield its port.

    The superuser is ``postgres`` with :data:`PASSWORD`.
    """
    initdb, postgres = program("initdb"), program("postgres")
    assert initdb, "Postgres is not installed"
    assert postgres, "Postgres is not installed"
    directory = Path(tempfile.mkdtemp(prefix="postgres-"))
    # Postgres refuses to run as root.
    account: dict[str, Any] = {"user": "postgres"} if os.getuid() == 0 else {}
    if account:
        os.chown(directory, pwd.getpwnam("postgres").pw_uid, -1)
    try:
        (directory / "password").write_text(PASSWORD)
        (directory / "password").chmod(0o644)
        data = directory / "data"
        subprocess.run(
            [initdb, "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--no-sync",
             f"--pwfile={directory / 'password'}"],
            check=True, capture_output=True, cwd=directory, **account,
        )  # fmt: skip
        port = reserved_port()
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [postgres, "-D", data, "-p", str(port), "-k", directory,
                 "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
                stdout=log, stderr=subprocess.STDOUT, cwd=directory, **account,
            )  # fmt: skip
        try:
            _wait(port, process)
            yield port
        finally:
            # ends the connections that are open; SIGTERM waits for clients, of which we may be one
            process.send_signal(signal.SIGINT)
            process.wait()
    finally:
        shutil.rmtree(directory)


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
