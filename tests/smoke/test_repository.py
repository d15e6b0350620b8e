"""The repository itself: what must not be in it, and what must agree."""

import ast
import hashlib
import importlib.metadata
import json
import re
import subprocess
import tomllib
from itertools import chain
from pathlib import Path
from typing import Any

import dagster as dg
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML

from shared_lib.definitions_check import workspace_modules

REPOSITORY = Path(__file__).parents[2]
# What the README asks a machine for, and the kernel's own tool, whose test skips without it.
PROGRAMS_OF_THE_MACHINE = {"bash", "git", "make", "unshare"}
PROJECTS = (
    "pyproject.toml",
    "shared_lib/pyproject.toml",
    *(f"code_locations/{name}/pyproject.toml" for name in workspace_modules()),
    "sandboxes/pyproject.toml",
)

PRODUCT_FOLDERS = ("code_locations", "shared_lib", "new_location", "preview", "bench", "sandboxes")

# SHA-256 of the standard text, byte for byte
APACHE_2_0 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"

# Spelled in parts, so that this file does not name what it looks for.
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "deb." + "debian.org",
)


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    return [REPOSITORY / name for name in listed.stdout.split("\0") if name]


def metadata_of(project: str) -> dict[str, Any]:
    """The table ``[project]`` of the file ``project``."""
    return tomllib.loads((REPOSITORY / project).read_text(encoding="utf-8"))["project"]


def test_no_file_names_a_package_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode())
    naming = [
        path for path in tracked_files() if path.is_file() and pattern.search(path.read_bytes())
    ]
    assert naming == []


def bare_programs(source: str) -> set[str]:
    """The program names in ``source`` that a started process would look up on ``PATH``.

    These are the constants that begin a list or tuple which is, or is named by, the command of
    ``subprocess``.
    """
    tree = ast.parse(source)
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("subprocess."):
            command = node.args[0] if node.args else None
            while True:
                if isinstance(command, ast.Name):
                    command = named.pop(command.id, None)
                elif isinstance(command, ast.Starred):
                    command = command.value
                elif isinstance(command, (ast.List, ast.Tuple)) and command.elts:
                    command = command.elts[0]
                else:
                    break
            if isinstance(command, ast.Constant) and isinstance(command.value, str):
                found.add(command.value)
    return found


def test_tests_and_bench_start_only_programs_that_every_machine_has() -> None:
    assert bare_programs('C = ("uv",)\nsubprocess.run([*C, "lock"])') == {"uv"}
    started = {
        (program, path.relative_to(REPOSITORY))
        for folder in ("tests", "bench")
        for path in (REPOSITORY / folder).rglob("*.py")
        for program in bare_programs(path.read_text(encoding="utf-8"))
    }
    assert {name for name, _ in started} <= PROGRAMS_OF_THE_MACHINE, started


def test_the_lock_agrees_with_the_projects_and_names_no_address() -> None:
    text = (REPOSITORY / "uv.lock").read_text(encoding="utf-8")
    locked = {package["name"]: package for package in tomllib.loads(text)["package"]}
    for project in (REPOSITORY / name for name in PROJECTS):
        content = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        declared = {
            canonicalize_name(requirement.name): requirement.specifier
            for requirement in map(
                Requirement,
                chain(
                    content["dependencies"],
                    *content.get("optional-dependencies", {}).values(),
                ),
            )
        }
        recorded = {
            entry["name"]: SpecifierSet(entry.get("specifier", ""))
            for entry in locked[content["name"]]["metadata"]["requires-dist"]
        }
        assert recorded == declared, project
    assert set(re.findall(r"https?://([^/\"]+)/", text)) == {"index.invalid"}


def test_the_licence_that_every_project_declares_is_the_licence_in_the_repository() -> None:
    text = (REPOSITORY / "LICENSE").read_bytes()
    assert hashlib.sha256(text).hexdigest() == APACHE_2_0
    assert {metadata_of(project)["license"] for project in PROJECTS} == {"Apache-2.0"}


def test_the_workflow_runs_ci_on_every_supported_python_and_builds_the_image() -> None:
    workflow = YAML(typ="safe").load(REPOSITORY / ".github/workflows/ci.yml")
    tested, image = (workflow["jobs"][name] for name in ("check-and-test", "image"))
    supported = SpecifierSet(metadata_of("pyproject.toml")["requires-python"])
    versions = [f"3.{minor}" for minor in range(30) if f"3.{minor}" in supported]
    assert tested["strategy"]["matrix"]["python"] == versions
    assert ".ci/run" in [step.get("run") for step in tested["steps"]]
    built = [step["with"]["file"] for step in image["steps"] if "file" in step.get("with", {})]
    assert built == ["deploy/Dockerfile"]
    assert workflow["permissions"] == {"contents": "read"}
    actions = [step["uses"] for job in (tested, image) for step in job["steps"] if "uses" in step]
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action) for action in actions), actions


def test_the_commit_hooks_run_only_the_tools_of_the_environment() -> None:
    repositories = YAML(typ="safe").load(REPOSITORY / ".pre-commit-config.yaml")["repos"]
    assert {repository["repo"] for repository in repositories} == {"local"}
    for hook in (hook for repository in repositories for hook in repository["hooks"]):
        assert hook["language"] == "system", hook
        assert hook["entry"].startswith((".venv/bin/", "make ")), hook


def test_the_devcontainer_has_a_python_that_ci_tests_and_forwards_the_port_of_make_dev() -> None:
    text = (REPOSITORY / ".devcontainer/devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE))
    workflow = YAML(typ="safe").load(REPOSITORY / ".github/workflows/ci.yml")
    tested = workflow["jobs"]["check-and-test"]
    images = [
        tested["container"]["image"].replace("${{ matrix.python }}", version)
        for version in tested["strategy"]["matrix"]["python"]
    ]
    assert container["image"] in images
    assert container["postCreateCommand"] == "make setup"
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    ports = re.findall(r"^#: PORT=(\d+)", makefile, re.MULTILINE)
    assert container["forwardPorts"] == sorted({int(port) for port in ports})


def test_every_package_is_marked_as_typed() -> None:
    for project in PROJECTS[1:]:
        package = metadata_of(project)["name"].replace("-", "_")
        assert (REPOSITORY / project).with_name(package).joinpath("py.typed").is_file(), package


def test_the_version_is_written_once_and_every_package_has_it() -> None:
    version = metadata_of("pyproject.toml")["version"]
    for project in PROJECTS[1:]:
        declared = metadata_of(project)
        assert "version" not in declared, project
        assert declared["dynamic"] == ["version"], project
        assert importlib.metadata.version(declared["name"]) == version, project
    lock = tomllib.loads((REPOSITORY / "uv.lock").read_text(encoding="utf-8"))
    assert {
        p["name"]: p.get("version") for p in lock["package"] if "registry" not in p["source"]
    } == {metadata_of(project)["name"]: metadata_of(project).get("version") for project in PROJECTS}


def _private_imports(*folders: str) -> list[tuple[Path, str, str]]:
    """Each file, private module of Dagster and name that it imports."""
    return [
        (path, statement.module, alias.name)
        for path in tracked_files()
        if path.suffix == ".py" and path.relative_to(REPOSITORY).parts[0] in folders
        for statement in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(statement, ast.ImportFrom)
        and statement.module
        and statement.module.startswith("dagster._")
        for alias in statement.names
    ]


def test_nothing_private_is_imported_that_dagster_exports() -> None:
    folders = (*PRODUCT_FOLDERS, "tests")
    assert [found for found in _private_imports(*folders) if hasattr(dg, found[2])] == []


def test_each_private_module_of_dagster_has_its_reason() -> None:
    text = (REPOSITORY / "docs/decisions/dagster.md").read_text(encoding="utf-8")
    section = text.partition("### Where we use private modules of Dagster")[2].partition("###")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `_")]
    reasons = {name for row in rows for name in re.findall(r"`(_[a-z_.]+)`", row)}
    modules = {
        module.removeprefix("dagster.") for _, module, _ in _private_imports(*PRODUCT_FOLDERS)
    }

    def covers(name: str, module: str) -> bool:
        return module == name or module.startswith(f"{name}.")

    assert {module for module in modules if not any(covers(name, module) for name in reasons)} == (
        set()
    )
    assert {name for name in reasons if not any(covers(name, module) for module in modules)} == (
        set()
    )
