"""What the Makefile passes to the commands that it starts."""

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


# variables without which a target stops
REQUIRED = {"seek": ("TARGET", "LEVER")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a ``.env``, and an environment whose programs show what they are given."""
    (tmp_path / ".env").write_text(DOTENV.replace("HERE", str(tmp_path)))
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    (programs / "dotenv").symlink_to(Path(sys.executable).with_name("dotenv"))
    for name in ("python", "dg"):
        (programs / name).write_text("#!/bin/sh\nenv\nprintf 'argument=%s\\n' \"$@\"\n")
        (programs / name).chmod(0o700)
    return tmp_path


def given_by(target: str, *arguments: str, folder: Path, **exported: str) -> dict[str, str]:
    """The variables of the commands that ``make target`` starts."""
    lines = printed_by(target, *arguments, folder=folder, **exported)
    return dict(line.split("=", 1) for line in lines if "=" in line)


def printed_by(target: str, *arguments: str, folder: Path, **exported: str) -> list[str]:
    """The lines of the commands that ``make target`` starts: variables, then arguments."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    made = subprocess.run(
        ["make", "--file", MAKEFILE, "--old-file", "setup", target, *arguments],
        cwd=folder, env={**inherited, **exported}, capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return made.stdout.splitlines()


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


def test_commands_keep_what_they_have_compiled(folder: Path) -> None:
    given = given_by("run", folder=folder, PYTHONDONTWRITEBYTECODE="1")
    assert "PYTHONDONTWRITEBYTECODE" not in given


def test_dev_prints_the_address_of_its_ui(folder: Path) -> None:
    given = given_by("dev", "PORT=3977", folder=folder)
    assert given["DAGSTER_WEBSERVER_URL"] == "http://127.0.0.1:3977"
    given = given_by("dev", "PORT=3977", folder=folder, DAGSTER_WEBSERVER_URL="https://proxy")
    assert given["DAGSTER_WEBSERVER_URL"] == "https://proxy"


def test_a_preview_links_the_running_ui_or_the_port_that_is_named(folder: Path) -> None:
    def linked(*arguments: str, **exported: str) -> str | None:
        given = given_by("alert-preview", "RUN=1", *arguments, folder=folder, **exported)
        return given.get("DAGSTER_WEBSERVER_URL")

    assert linked() is None
    assert linked("PORT=3977") == "http://127.0.0.1:3977"
    home = Path(given_by("alert-preview", "RUN=1", folder=folder)["DAGSTER_HOME"])
    home.mkdir(exist_ok=True)
    (home / "webserver_port").write_text("3978\n")
    assert linked() == "http://127.0.0.1:3978"
    assert linked("PORT=3977") == "http://127.0.0.1:3977"
    assert linked(DAGSTER_WEBSERVER_URL="https://proxy") == "https://proxy"
    given_by("dev", "PORT=3979", folder=folder)
    assert not (home / "webserver_port").exists(), "that UI has ended"


@pytest.mark.parametrize(
    "text",
    ["x'; touch f; '", "o'brien.csv", "$(x)", "$(shell touch f)", '"; touch f; "', "`touch f`"],
)
@pytest.mark.parametrize(
    ("target", "variable"),
    [
        ("run", "SCENARIO"),
        ("run", "CENSUS"),
        ("run", "YEARS"),
        ("compare", "SCENARIOS"),
        ("workbook", "AGAINST"),
        ("seek", "TARGET"),
        ("seek", "LEVER"),
        ("ranges", "SCENARIO"),
        ("ranges", "SEEDS"),
        ("ranges", "GROWTH"),
        ("plan", "SCENARIO"),
        ("dev", "PORT"),
        ("sandbox", "CONTRACT"),
        ("alert-preview", "RUN"),
    ],
)
def test_a_variable_reaches_the_command_as_it_was_typed(
    folder: Path, target: str, variable: str, text: str
) -> None:
    others = [f"{name}=x" for name in REQUIRED.get(target, ()) if name != variable]
    typed = printed_by(target, f"{variable}={text}", *others, folder=folder)
    exported = printed_by(target, *others, folder=folder, **{variable: text})
    assert f"argument={text}" in typed
    assert f"argument={text}" in exported
    assert not (folder / "f").exists()


def test_a_run_starts_over_only_where_it_is_asked_to(folder: Path) -> None:
    assert "argument=--fresh" in printed_by("run", "FRESH=1", folder=folder)
    assert "argument=--fresh" not in printed_by("run", folder=folder)


@pytest.mark.parametrize("text", ["x'; touch made; '", "o'brien.json", "$(x)", "a b"])
def test_bench_gets_its_variables_as_they_were_written(folder: Path, text: str) -> None:
    given = given_by("bench", f"ONLY={text}", f"AGAINST={text}", folder=folder)
    assert (given["ONLY"], given["AGAINST"]) == (text, text)
    given = given_by("bench", folder=folder, ONLY=text)
    assert (given["ONLY"], given.get("AGAINST")) == (text, None)
    assert not (folder / "made").exists()
