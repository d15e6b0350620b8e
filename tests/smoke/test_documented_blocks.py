"""Every command that README and docs print is valid as a whole: its options and its arguments.

Nothing of it is started here; tests/end_to_end/printed runs the commands.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from tests.smoke.test_documented_commands import PAGES, REPOSITORY, help_of_make, text_of

# Programs that are not ours, and why no test runs what the pages print of them.
NOT_OURS = {
    "chown": "needs root",
    "cp": "of the machine",
    "curl": "the sandbox's own tests move its clock",
    "docker": "needs a container engine; the files that it reads are tested in integration/deploy",
    "echo": "of the machine",
    "export": "of the shell",
    "cd": "of the shell",
    "git": "of the machine",
    "helm": "needs the chart; the values are tested in integration/deploy",
    "kubectl": "needs a cluster; the manifests are validated in integration/deploy",
    "mkdir": "of the machine",
    "openssl": "of the machine; integration/deploy starts Postgres with such files",
    "rm": "of the machine",
    "tr": "of the machine",
    "umask": "of the shell",
    "uv": "installs another engine of dbt, which integration/simulation compares where it is",
    "vault": "Vault's own command; the policies and roles are tested in integration/secrets",
}
LANGUAGES = {"hcl", "json", "mermaid", "python", "sh", "sql", "text", "yaml"}
# targets whose recipe does more than start one module: that they exist is enough
OTHER_TARGETS = {
    *(
        "audit",
        "check",
        "docs",
        "help",
        "location",
        "lock",
        "manifest",
        "sbom",
        "setup",
        "site",
        "test",
    ),
}

_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(?<!`)`([^`]+)`")
_COMMENT = re.compile(r"(?:^|\s)# .*$")
_SEPARATOR = re.compile(r"\s(?:&&|\|)\s")


def blocks() -> Iterator[tuple[Path, str, str]]:
    """Each block of code: its page, its language and its text."""
    for page in PAGES:
        for language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
            yield page, language, text


@cache
def commands() -> tuple[tuple[str, ...], ...]:
    """The words of each command in the blocks of the language `sh`, each once."""
    found: dict[tuple[str, ...], None] = {}
    for _, language, text in blocks():
        if language != "sh":
            continue
        for line in re.sub(r"\\\n\s*", " ", text).splitlines():
            for command in _SEPARATOR.split(_COMMENT.sub("", line)):
                if words := tuple(shlex.split(command)):
                    found[words] = None
    return tuple(found)


@cache
def inline_commands() -> tuple[tuple[str, ...], ...]:
    """The words of each command of ours in a sentence, each once."""
    found: dict[tuple[str, ...], None] = {}
    for page in PAGES:
        for span in _SPAN.findall(_FENCE.sub("", text_of(page))):
            if re.match(r"make [a-z]|\.venv/bin/", span):
                found[tuple(shlex.split(span))] = None
    return tuple(found)


def only_names(words: tuple[str, ...]) -> bool:
    """Whether a sentence names a command that another page prints with its arguments."""
    longer = {*commands(), *inline_commands()} - {words}
    return any(other[: len(words)] == words for other in longer)


def test_each_block_names_its_language_and_none_hides_a_command() -> None:
    for page, language, text in blocks():
        assert language in LANGUAGES, f"{page}: {text[:80]}"
        if language == "text":
            assert not re.search(r"^(make |\.venv/bin/)", text, re.MULTILINE), f"{page}: {text}"
    for page in PAGES:
        outside = _FENCE.sub("", page.read_text(encoding="utf-8"))
        assert not re.search(r"^ {4,}(make |\.venv/bin/)", outside, re.MULTILINE), page


def test_each_program_is_ours_or_listed_with_a_reason() -> None:
    programs = {words[0] for words in commands()}
    ours = {name for name in programs if name == "make" or name.startswith(".venv/bin/")}
    assert programs - ours <= NOT_OURS.keys()
    assert NOT_OURS.keys() <= programs, "what no page prints needs no reason"
    for name in ours - {"make"}:
        assert (REPOSITORY / name).exists(), name


def test_each_service_that_is_given_to_compose_exists() -> None:
    named = 0
    for words in commands():
        if words[:2] == ("docker", "compose") and {"run", "exec"} & set(words):
            services = yaml.safe_load((REPOSITORY / words[3]).read_text())["services"]
            after = words[5:]  # docker compose --file FILE run
            assert next(word for word in after if not word.startswith("-")) in services, words
            named += 1
    assert named


def started_by_make(words: tuple[str, ...], folder: Path) -> list[str]:
    """The arguments of the Python that ``make target VARIABLE=value`` starts."""
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    (programs / "python").write_text("#!/bin/sh\nprintf '%s\\0' \"$@\" >> started\n")
    (programs / "python").chmod(0o700)
    started = folder / "started"
    started.unlink(missing_ok=True)
    made = subprocess.run(
        ["make", "--file", REPOSITORY / "Makefile", "--old-file", "setup", "--old-file",
         ".venv/.installed", *words[1:]],
        cwd=folder, env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    arguments = started.read_text().split("\0")[:-1]
    # the last module that it starts: `make dev` looks for a free port before
    return arguments[len(arguments) - arguments[::-1].index("-m") :]


@pytest.fixture(scope="module")
def objections(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, ...], str]:
    """What the parser of the module says about each command that starts one of ours."""
    folder = tmp_path_factory.mktemp("documented")
    (folder / "run.yaml").write_text("ops: {}\n")  # docs/triggering.md shows one
    (folder / "examples").mkdir()
    (folder / "examples/workspace.yaml").touch()
    modules: dict[tuple[str, ...], list[str]] = {}
    complete = [words for words in inline_commands() if not only_names(words)]
    for words in dict.fromkeys([*commands(), *complete]):
        if words[:2] == (".venv/bin/python", "-m"):
            modules[words] = list(words[2:])
        elif words[0] == "make" and words[1] not in OTHER_TARGETS:
            modules[words] = started_by_make(words, folder)
    parsed = subprocess.run(
        [sys.executable, REPOSITORY / "tests/support/parsed_commands.py"],
        cwd=folder, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},  # for those of its root
        input=json.dumps(list(modules.values())), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(zip(modules, json.loads(parsed.stdout.splitlines()[-1]), strict=True))


def test_each_command_of_ours_is_parsed_as_it_is_printed(
    objections: dict[tuple[str, ...], str],
) -> None:
    assert len(objections) > 60
    assert {words: said for words, said in objections.items() if said} == {}


def test_each_other_target_exists_with_its_variables() -> None:
    targets = help_of_make()
    for words in commands():
        if words[0] == "make":
            given = {word.partition("=")[0] for word in words[2:]}
            assert given <= targets[words[1]] | targets["Every target"], words
