"""What the Makefile gives to the commands that it starts."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"

DOTENV = """
export DAGSTER_HOME="HERE/home"  # of this test
FROM_FILE='a"b#c$d'
FROM_BOTH=file
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a ``.env``, and an environment whose programs show what they are given."""
    (tmp_path / ".env").write_text(DOTENV.replace("HERE", str(tmp_path)))
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "dotenv").symlink_to(Path(sys.executable).with_name("dotenv"))
    for name in ("python", "dagster"):
        (programs / name).write_text("#!/bin/sh\nenv\n")
        (programs / name).chmod(0o700)
    return tmp_path


def given_by(target: str, *arguments: str, folder: Path, **exported: str) -> dict[str, str]:
    """The variables of the command that ``make target`` starts."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    made = subprocess.run(
        ["make", "--file", MAKEFILE, "--old-file", "setup", target, *arguments],
        cwd=folder, env={**inherited, **exported}, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return dict(line.split("=", 1) for line in made.stdout.splitlines() if "=" in line)


@pytest.mark.parametrize("target", ["run", "dev", "alerts", "vault"])
def test_a_command_has_the_variables_of_the_file_after_those_that_are_exported(
    folder: Path, target: str
) -> None:
    given = given_by(target, folder=folder, FROM_BOTH="exported")
    assert given["FROM_FILE"] == 'a"b#c$d'
    assert given["FROM_BOTH"] == "exported"
    assert given["DAGSTER_HOME"] == f"{folder}/home"
    exported = given_by(target, folder=folder, DAGSTER_HOME="/elsewhere")
    assert exported["DAGSTER_HOME"] == "/elsewhere"
    (folder / ".env").unlink()
    assert given_by(target, folder=folder)["DAGSTER_HOME"] == f"{folder}/.dagster_home"


def test_dev_says_where_its_ui_is(folder: Path) -> None:
    given = given_by("dev", "PORT=3977", folder=folder)
    assert given["DAGSTER_WEBSERVER_URL"] == "http://127.0.0.1:3977"
    given = given_by("dev", "PORT=3977", folder=folder, DAGSTER_WEBSERVER_URL="https://proxy")
    assert given["DAGSTER_WEBSERVER_URL"] == "https://proxy"
