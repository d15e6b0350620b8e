"""A copy of the repository with data of its own, in which printed commands run as they are."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
_HERE = Path(__file__).parent
_AUTHOR = ("-c", "user.name=test", "-c", "user.email=test@example.com")
_CONFIGURATION = "code_locations/simulation/simulation/config/simulation_config.yaml"


@dataclass(frozen=True)
class Ended:
    """What a command printed, on both streams, and its status."""

    status: int
    printed: str


@dataclass(frozen=True)
class Copy:
    """A copy of the repository; its `python` runs modules by the fork server."""

    folder: Path
    variables: Mapping[str, str]

    def run(self, command: str) -> Ended:
        """Run a line of a page to its end."""
        with self._started(command) as process:
            printed, _ = process.communicate()
        return Ended(process.returncode, printed)

    def serve(self, command: str, *, until: str) -> Ended:
        """Run a line that serves until it has printed ``until``, then press Ctrl-C."""
        with self._started(command) as process:
            assert process.stdout
            printed = ""
            for line in process.stdout:
                printed += line
                if until in line:
                    os.killpg(process.pid, signal.SIGINT)
                    break
            printed += process.stdout.read()
        return Ended(process.returncode, printed)

    def _started(self, command: str) -> subprocess.Popen[str]:
        self._nothing_is_out_of_date()
        return subprocess.Popen(
            ["bash", "-c", command],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _nothing_is_out_of_date(self) -> None:
        """Keep make from installing and parsing: a command before may have changed a file."""
        for name in (".venv/.installed", "dbt_project/target/.prepared"):
            (self.folder / name).touch()


@contextmanager
def copied(home: Path) -> Iterator[Copy]:
    """Copy the repository, parse the simulation's models, and run the fork server meanwhile."""
    folder = home / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    for git in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "All"]):
        subprocess.run(["git", *_AUTHOR, *git], cwd=folder, check=True)
    # `make run` generates fewer people
    configuration = folder / _CONFIGURATION
    text = configuration.read_text()
    assert "generated_size: 10000\n" in text
    configuration.write_text(text.replace("generated_size: 10000\n", "generated_size: 1000\n"))
    variables = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "TMPDIR": str(home),
        "PYTHONPATH": os.pathsep.join(map(str, _packages(folder))),
        "FORK_SERVER": str(home / "fork_server"),
    }
    _install(folder)
    _parse(folder, variables)
    with _fork_server(folder, variables):
        yield Copy(folder, variables)


def _packages(folder: Path) -> list[Path]:
    locations = sorted((folder / "code_locations").iterdir())
    # the tutorial adds one
    added = folder / "code_locations/marketing"
    return [folder / "shared_lib", *locations, added, folder / "sandboxes", folder]


def _install(folder: Path) -> None:
    programs = folder / ".venv/bin"
    programs.mkdir(parents=True)
    for program in Path(sys.executable).parent.iterdir():
        if not program.name.startswith("python"):
            (programs / program.name).symlink_to(program)
    client = (_HERE / "client.py").read_text(encoding="utf-8")
    (programs / "python").write_text(f"#!{sys.executable} -ISE\n{client}", encoding="utf-8")
    (programs / "python").chmod(0o700)
    # nothing is installed: where the machine has no uv, make would
    (folder / ".uv/bin").mkdir(parents=True)
    (folder / ".uv/bin/uv").touch()


def _parse(folder: Path, variables: Mapping[str, str]) -> None:
    """Parse for the simulation, whose models are built; others' definitions are only loaded."""
    program = (
        "from shared_lib.dbt.project import TARGET_DIRECTORY\n"
        "from shared_lib.discovery.dbt.preparation import parse\n"
        "parse('simulation', TARGET_DIRECTORY / 'simulation')\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=variables, check=True)
    target, parsed = folder / "dbt_project/target", REPOSITORY / "dbt_project/target"
    shutil.copytree(parsed / "gocardless", target / "gocardless")
    lineage = "simulation/column_lineage.json"
    shutil.copy(parsed / lineage, target / lineage)


@contextmanager
def _fork_server(folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(variables["FORK_SERVER"])
        listening.listen()
        server = subprocess.Popen(
            [sys.executable, _HERE / "fork_server.py", str(listening.fileno())],
            cwd=folder,
            env=variables,
            pass_fds=[listening.fileno()],
        )
        try:
            yield
        finally:
            server.terminate()
            server.wait()
