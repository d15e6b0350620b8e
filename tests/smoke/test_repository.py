"""The repository itself: what must not be in it, and what must agree."""

import re
import subprocess
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

REPOSITORY = Path(__file__).parents[2]
PROJECTS = (
    "pyproject.toml",
    "shared_lib/pyproject.toml",
    *(
        f"code_locations/{name}/pyproject.toml"
        for name in ("simulation", "gocardless", "orchestration_platform")
    ),
)

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


def test_no_file_names_a_package_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, REGISTRY_HOSTS)).encode())
    naming = [
        path for path in tracked_files() if path.is_file() and pattern.search(path.read_bytes())
    ]
    assert naming == []


def test_the_lock_agrees_with_the_projects_and_names_no_address() -> None:
    text = (REPOSITORY / "uv.lock").read_text(encoding="utf-8")
    locked = {package["name"]: package for package in tomllib.loads(text)["package"]}
    for project in (REPOSITORY / name for name in PROJECTS):
        content = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        declared = {
            canonicalize_name(requirement.name): requirement.specifier
            for requirement in map(Requirement, content["dependencies"])
        }
        recorded = {
            entry["name"]: SpecifierSet(entry.get("specifier", ""))
            for entry in locked[content["name"]]["metadata"]["requires-dist"]
        }
        assert recorded == declared, project
    assert set(re.findall(r"https?://([^/\"]+)/", text)) == {"index.invalid"}
