"""Every command that README and docs print exists, and can be run as it is printed."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PAGES = (REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md")))

# What is printed for containers, whose PATH and paths are those of the image.
_IN_IMAGE = re.compile(r"/opt/dagster/venv/bin/|exec -T [a-z-]+ (?=python)")
# A command and its arguments, up to what ends it in a shell or in Markdown.
_COMMAND = re.compile(
    r"(?P<prefix>[\w./]*)\b(?P<program>python -m [\w.]+|(?:dg|dagster) (?:dev|list|check)(?: \w+)?)"
    r"(?P<arguments>[^`#>|]*)"
)
_MAKE = re.compile(r"(?:`|^ *)make (?P<target>[a-z][a-z-]*)(?P<arguments>[^`#\n]*)", re.MULTILINE)
_OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")


def text_of(page: Path) -> str:
    """The page's text, with commands of the image as they are here and code spans on one line."""
    text = _IN_IMAGE.sub(".venv/bin/", page.read_text(encoding="utf-8"))
    return re.sub(r"(?<!`)`(?!`)[^`]+`", lambda span: re.sub(r"\s+", " ", span[0]), text)


def printed() -> dict[str, set[str]]:
    """The options that are printed with each command, by the command with its subcommand."""
    found: dict[str, set[str]] = {}
    for page in PAGES:
        for line in text_of(page).splitlines():
            for command in _COMMAND.finditer(line):
                words = command["arguments"].split()
                subcommand = [word for word in words[:1] if re.fullmatch("[a-z]+", word)]
                name = " ".join([command["prefix"] + command["program"], *subcommand])
                found.setdefault(name, set()).update(_OPTION.findall(command["arguments"]))
    return found


@cache
def help_of_make() -> dict[str, set[str]]:
    """The variables that ``make help`` names, by target."""
    made = subprocess.run(
        ["make", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    targets: dict[str, set[str]] = {}
    for line in made.stdout.splitlines():
        if target := re.match(r"  make ([a-z-]+) ", line):
            variables = targets.setdefault(target[1], set())
        elif variable := re.match(r"    ([A-Z_]+)=", line):
            variables.add(variable[1])
        elif line and not line.startswith(" "):
            variables = targets.setdefault(line, set())
    return targets


@pytest.mark.parametrize("command", sorted(printed()))
def test_a_printed_command_exists_with_the_options_that_it_is_printed_with(command: str) -> None:
    program, *arguments = command.split()
    assert program.startswith(".venv/bin/"), f"{command}: not on PATH, print .venv/bin/{program}"
    options = printed()[command]
    if program.endswith("/dg"):
        # its help shows no options, but it refuses unknown ones before it shows the help
        arguments += [f"{option}=." for option in options]
        options = set()
    asked = subprocess.run(
        [REPOSITORY / program, *arguments, "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 0, asked.stderr
    usage = re.match(r"\s*usage: (?P<words>.*)", asked.stdout, re.IGNORECASE)
    assert usage, asked.stdout
    assert {option for option in options if option not in asked.stdout} == set()


def test_every_printed_make_target_and_variable_is_in_the_help() -> None:
    targets = help_of_make()
    everywhere = targets["Every target"]
    seen = 0
    for page in PAGES:
        for command in _MAKE.finditer(text_of(page)):
            seen += 1
            assert command["target"] in targets, f"{page.name}: {command[0]}"
            variables = set(re.findall(r"(?<!\S)([A-Z_]+)=", command["arguments"]))
            assert variables <= targets[command["target"]] | everywhere, f"{page.name}: {command}"
    assert seen > 20


def test_the_help_of_make_is_aligned_and_names_every_target_and_variable() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = help_of_make()
    phony = {
        name for line in re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
        for name in line.split()
    }  # fmt: skip
    assert phony <= targets.keys()
    (declared,) = re.findall(r"^VARIABLES := (.*)$", makefile, re.MULTILINE)
    assert set(declared.split()) == set.union(*targets.values())
    for target, recipe in re.findall(
        r"^([a-z-]+):[^\n]*##.*\n((?:[#\t].*\n?)*)", makefile, re.MULTILINE
    ):
        used = set(re.findall(r"\$\$\{?([A-Z_]+)", recipe)) & set(declared.split())
        assert used - targets["Every target"] <= targets[target], target
    made = subprocess.run(["make", "help"], cwd=REPOSITORY, capture_output=True, text=True)
    starts = {
        len(line) - len(re.sub(r"^ +(make )?\S+ +", "", line))
        for line in made.stdout.splitlines()
        if line.startswith(" ")
    }
    assert len(starts) == 1, made.stdout
