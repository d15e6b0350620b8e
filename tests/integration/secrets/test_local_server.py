"""``make vault``: a server whose printed variables are all that the platform needs."""

import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sandboxes.vault.server import EXAMPLE_SECRETS
from shared_lib.configuration.validated_yaml import load_yaml
from shared_lib.definitions_check import workspace_modules
from shared_lib.secrets import SecretsResource

COMMAND = (sys.executable, "-m", "sandboxes.vault")


def test_its_output_is_enough_to_log_in_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = subprocess.Popen(
        [*COMMAND, "--port", "0"],
        env={**os.environ, "PLATFORM_DATA_DIRECTORY": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        printed = ""
        for line in process.stdout:
            printed += line
            if line.startswith("export "):
                name, _, value = shlex.split(line)[1].partition("=")
                monkeypatch.setenv(name, value)
            if "until Ctrl-C" in line:
                break
        for path, values in load_yaml(EXAMPLE_SECRETS).items():
            secrets = SecretsResource(location=path.split("/")[0])
            for key, value in values.items():
                assert secrets.get(path)[key].reveal() == value
        refused = subprocess.run(
            [sys.executable, "-m", "shared_lib.secrets.provisioning"],
            env={**os.environ, "VAULT_TOKEN": "wrong"},
            capture_output=True, text=True,
        )  # fmt: skip
        assert refused.returncode == 1
        assert "denies this to the token in VAULT_TOKEN: it must" in refused.stderr
        assert len(refused.stderr.splitlines()) == 1, refused.stderr
        files = [file for file in (tmp_path / "vault").rglob("*") if file.is_file()]
        kept = [file.read_text() for file in files if file.name in ("secret_id", "root_token")]
        assert len(kept) == len(workspace_modules()) + 1
        assert not [text for text in kept if text in printed]
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes() + b"".join(
            Path(f"/proc/{child}/cmdline").read_bytes()
            for child in Path(f"/proc/{process.pid}/task/{process.pid}/children")
            .read_text()
            .split()
        )
        assert b"-dev-listen-address" in arguments
        assert not [text for text in kept if text.encode() in arguments]
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_a_data_directory_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ended = subprocess.run(
        COMMAND,
        env={**os.environ, "PLATFORM_DATA_DIRECTORY": str(tmp_path / "file")},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"PLATFORM_DATA_DIRECTORY: {tmp_path}/file/vault cannot be created: ")


def test_a_taken_port_is_reported(tmp_path: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        ended = subprocess.run(
            [*COMMAND, "--port", port],
            env={**os.environ, "PLATFORM_DATA_DIRECTORY": str(tmp_path)},
            capture_output=True,
            text=True,
        )
    assert ended.returncode == 1
    assert f"port {port} is taken" in ended.stderr
    assert "choose another with --port" in ended.stderr
