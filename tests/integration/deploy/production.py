"""The processes of deploy/compose.yaml, started on this machine as the containers would be.

Commands, variables and health checks are read from compose.yaml and the Dockerfile. Only what a
container has for itself is replaced: addresses, ports, and the directories of the image.
"""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sandboxes.ports import reserved_port
from sandboxes.postgres import PASSWORD
from sandboxes.waiting import PATIENCE_SECONDS, wait_until
from shared_lib.configuration.validated_yaml import load_yaml
from shared_lib.definitions_check import workspace_modules

REPOSITORY = Path(__file__).parents[3]
DEPLOY = REPOSITORY / "deploy"
# with what shells, SQL and URLs give a meaning
DATABASE_PASSWORD = 'it\'s a $(canary): "100 %" @ \\ #'
CODE_SERVERS = tuple(name.replace("_", "-") for name in workspace_modules())

SERVED_PORTS = tuple(str(4001 + number) for number in range(len(CODE_SERVERS)))

# A process gets mounts of its own where the machine allows that.
_UNSHARE = shutil.which("unshare")
MAY_MOUNT = _UNSHARE is not None and not (
    subprocess.run([_UNSHARE, "--mount", "true"], capture_output=True).returncode
)
# Makes the folders before `--` read-only, but for those that end with `+`, which are empty there.
_READ_ONLY = """
while [ "$1" != -- ]; do
    case "$1" in
        *+) mount -t tmpfs tmpfs "${1%+}" ;;
        *) mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" ;;
    esac || exit 1
    shift
done
shift
exec "$@"
"""

_VARIABLE = re.compile(r"\$\{(\w+)(?:(:[-?])([^}]*))?\}")


def load(name: str) -> Any:
    """A YAML file of deploy/, as plain values."""
    return _plain(load_yaml(DEPLOY / name))


def _plain(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {key: _plain(value) for key, value in node.items()}
    return [_plain(value) for value in node] if isinstance(node, list) else node


def filled_in(text: str, variables: Mapping[str, str]) -> str:
    """``text`` with its variables filled in, as compose does it."""

    def value(found: re.Match[str]) -> str:
        name, operator, otherwise = found.groups()
        if not variables.get(name):
            assert operator != ":?", f"{name}: {otherwise}"
            return otherwise or ""
        return variables[name]

    return _VARIABLE.sub(value, text)


def dockerfile(instruction: str) -> list[str]:
    """The arguments of each such instruction, of all stages, in order."""
    text = re.sub(r"\\\n\s*", "", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
    return re.findall(rf"^{instruction} (.*)$", text, re.MULTILINE)


def image_environment() -> dict[str, str]:
    """What the final stage of the image sets."""
    return dict(pair.split("=", 1) for pair in shlex.split(dockerfile("ENV")[-1]))


class Production:
    """The platform's processes around a Postgres at ``postgres_port``."""

    def __init__(self, directory: Path, postgres_port: int) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.services: dict[str, dict[str, Any]] = load("compose.yaml")["services"]
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.ports = {port: str(reserved_port()) for port in (*SERVED_PORTS, "3000")}
        self._postgres_port = str(postgres_port)
        self._put_files()

    @property
    def url(self) -> str:
        """Where the webserver is."""
        return f"http://127.0.0.1:{self.ports['3000']}"

    def _put_files(self) -> None:
        """What the Dockerfile copies into the instance's directory."""
        self.home.mkdir(parents=True)
        (into_home,) = (line for line in dockerfile("COPY") if line.endswith("/opt/dagster/home/"))
        for name in into_home.split()[1:-1]:
            shutil.copy(REPOSITORY / name, self.home)
        workspace = self.home / "workspace.yaml"
        text = workspace.read_text(encoding="utf-8")
        for inside, outside in self.ports.items():
            text = text.replace(f"port: {inside}", f"port: {outside}")
        text, hosts = re.subn(r"host: \S+", "host: 127.0.0.1", text)
        assert hosts == len(CODE_SERVERS)
        workspace.write_text(text, encoding="utf-8")

    def create_database(self) -> None:
        """What the container of Postgres does when it starts for the first time."""
        secret = self.directory / "dagster_password"
        secret.write_text(DATABASE_PASSWORD)
        subprocess.run(
            [DEPLOY / "postgres" / "create_dagster.sh"],
            env={
                "PATH": os.environ["PATH"],
                "PGHOST": "127.0.0.1",
                "PGPORT": self._postgres_port,
                "PGPASSWORD": PASSWORD,
                "POSTGRES_USER": "postgres",
                "DAGSTER_PASSWORD_FILE": str(secret),
            },
            check=True,
        )
        passfile = self.directory / "pgpass"
        escaped = DATABASE_PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
        passfile.write_text(f"127.0.0.1:{self._postgres_port}:dagster:dagster:{escaped}\n")
        passfile.chmod(0o600)

    def environment(self, service: str) -> dict[str, str]:
        """The variables of the service's container, with this machine's addresses."""
        given = {
            "PLATFORM_UI_URL": "https://dagster.acme.test",
            # it listens on this machine alone
            "PLATFORM_LOGIN": "none",
            "VAULT_ADDR": "https://vault.invalid:8200",
        }
        named = {
            name: filled_in(str(value), given)
            for name, value in self.services[service]["environment"].items()
        }
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "TMPDIR") if name in os.environ}
        return {
            **kept,
            **image_environment(),
            **named,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "DAGSTER_HOME": str(self.home),
            "DAGSTER_WEBSERVER_URL": self.url,
            "DAGSTER_WEBSERVER_TOKEN_FILE": "",
            "DAGSTER_COMPUTE_LOG_DIRECTORY": str(self.directory / "compute_logs"),
            "DAGSTER_POSTGRES_HOST": "127.0.0.1",
            "DAGSTER_POSTGRES_PORT": self._postgres_port,
            "PGPASSFILE": str(self.directory / "pgpass"),
            # this Postgres has no certificate
            "PGSSLMODE": "prefer",
            "PGSSLROOTCERT": "",
            "PLATFORM_DATA_DIRECTORY": str(self.directory / "warehouse"),
        }

    def command(self, words: list[str]) -> list[str]:
        """The command of a container, with this machine's addresses and directories."""
        replaced = {"0.0.0.0": "127.0.0.1", **self.ports}
        return [
            replaced.get(word, word)
            .replace("/opt/dagster/home", str(self.home))
            .replace("/opt/dagster/app", str(REPOSITORY))
            for word in words
        ]

    def start(self, service: str) -> None:
        """Start the service as in its container; what it prints goes to a file of its name."""
        command = self.command(self.services[service]["command"])
        if MAY_MOUNT:
            writable = [f"{folder}+" for folder in self._writable(service)]
            folders = [str(self.home), str(REPOSITORY), *writable]
            command = [
                str(_UNSHARE),
                "--mount",
                "sh",
                "-c",
                _READ_ONLY,
                "sh",
                *folders,
                "--",
                *command,
            ]
        with (self.directory / f"{service}.log").open("wb") as log:
            self.processes[service] = subprocess.Popen(
                command,
                cwd=REPOSITORY, env=self.environment(service),
                stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def _writable(self, service: str) -> list[str]:
        """The folders below home that end with the container, which makes them."""
        mounted = [entry.partition(":")[0] for entry in self.services[service]["tmpfs"]]
        folders = self.command([folder for folder in mounted if folder != "/tmp"])
        for folder in folders:
            Path(folder).mkdir(exist_ok=True)
        return folders

    def health(self, service: str) -> subprocess.CompletedProcess[str]:
        """Run the service's health check once."""
        kind, *words = self.services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        return subprocess.run(
            self.command(words), env=self.environment(service), capture_output=True, text=True
        )

    def wait_until_healthy(self, service: str, seconds: float = 180.0) -> None:
        """Return when the health check passes.

        Raises:
            AssertionError: the process ended or was not healthy in time; shows its log.
        """

        def is_healthy() -> bool:
            is_running = self.processes[service].poll() is None
            assert is_running, f"{service} ended:\n{self.log(service)}"
            return self.health(service).returncode == 0

        wait_until(
            is_healthy,
            seconds=seconds,
            why_not=lambda: f"{self.health(service).stderr}\n{self.log(service)}",
        )

    def log(self, service: str) -> str:
        """What the service printed."""
        return (self.directory / f"{service}.log").read_text(errors="replace")[-8000:]

    def stop(self) -> list[str]:
        """Stop all as ``docker stop`` does; returns the services that had to be killed."""
        stubborn = []
        for process in self.processes.values():
            process.terminate()
        for service, process in self.processes.items():
            try:
                process.wait(PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                stubborn.append(service)
            for _ in self._kill(process):
                pass
        return stubborn

    @staticmethod
    def _kill(process: subprocess.Popen[bytes]) -> Iterator[None]:
        """What is left of the process's session, as the end of a container would."""
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        yield
        process.wait()


def root_instance() -> dict[str, Any]:
    return load("../dagster.local.yaml")
