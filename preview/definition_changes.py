"""What differs between the definitions of two trees: assets, checks, jobs, schedules, sensors."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, cast

from preview.dbt_project import Project
from preview.errors import PreviewError

KINDS = ("assets", "checks", "jobs", "schedules", "sensors")
_SUFFIX = ".definitions.json"
_PROGRAM = Path(__file__).with_name("loaded_definitions.py")

Definitions = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class FieldChange:
    """One attribute that differs, in words; a list names what came and went."""

    name: str
    before: str
    after: str


@dataclass(frozen=True)
class Change:
    """One definition that was added, removed or changed."""

    kind: str
    location: str
    name: str
    what: Literal["added", "removed", "changed"]
    fields: tuple[FieldChange, ...] = ()


class Loading:
    """A process that loads the definitions of trees while the preview goes on."""

    def __init__(self, work: Path) -> None:
        """Start it: it imports what the trees have in common, and waits for them.

        Args:
            work: a directory for what it finds.
        """
        self._work = work
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter with our own program
            [sys.executable, "-P", str(_PROGRAM)],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # to be ended with the processes that it forks
        )

    def begin(self, tree: Path, project: Project, *, name: str) -> None:
        """Load ``tree``, whose models are those of ``project``, to be found by ``name``."""
        members = [tree / "shared_lib", *sorted((tree / "code_locations").iterdir())]
        asked = {
            "tree": str(tree),
            "manifest": str(project.target / "manifest.json"),
            "packages": [str(member) for member in members],
            "output": str(self._file(name)),
        }
        stdin = cast("IO[str]", self._process.stdin)
        stdin.write(json.dumps(asked) + "\n")
        stdin.flush()

    def results(self) -> dict[str, Definitions]:
        """Wait for the definitions of each location of each tree, by the tree's name.

        Raises:
            PreviewError: a process failed as a whole.
        """
        _, errors = self._process.communicate()
        if self._process.returncode:
            raise PreviewError(f"the definitions cannot be loaded:\n{errors[-2000:]}")
        files = self._work.glob(f"*{_SUFFIX}")
        return {file.name.removesuffix(_SUFFIX): json.loads(file.read_text()) for file in files}

    def stop(self) -> None:
        """End the process if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.communicate()

    def _file(self, name: str) -> Path:
        return self._work / f"{name}{_SUFFIX}"


def locations_of(definitions: Definitions) -> dict[str, str]:
    """Return the location of each dbt node that is an asset, by the node's unique id."""
    return {
        unique_id: location
        for location, found in definitions.items()
        for unique_id in found.get("models", {})
    }


def compare(base: Definitions, new: Definitions) -> list[Change]:
    """Return what differs, location by location."""
    changes: list[Change] = []
    for location in sorted({*base, *new}):
        before, after = base.get(location, {}), new.get(location, {})
        if "error" in before or "error" in after:
            continue  # one that cannot be loaded has lost nothing
        for kind in KINDS:
            changes += compare_named(kind, location, before.get(kind, {}), after.get(kind, {}))
    return changes


def unloadable(base: Definitions, new: Definitions) -> dict[str, str]:
    """Return why locations cannot be loaded, by side and location."""
    return {
        f"{location} ({side})": found["error"]
        for side, definitions in (("base", base), ("working tree", new))
        for location, found in definitions.items()
        if "error" in found
    }


def compare_named(
    kind: str, location: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Change]:
    """Yield what differs between two sets of named definitions."""
    for name in sorted({*before, *after}):
        if name not in before:
            yield Change(kind, location, name, "added")
        elif name not in after:
            yield Change(kind, location, name, "removed")
        elif before[name] != after[name]:
            fields = tuple(_fields(before[name], after[name]))
            yield Change(kind, location, name, "changed", fields)


def _fields(
    before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = ""
) -> Iterator[FieldChange]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if name == "code":
            yield FieldChange("code", "", "differs")
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _fields(old, new, f"{prefix}{name}.")
        elif isinstance(old, list) and isinstance(new, list) and _by_items(old, new):
            gone = [_words(item) for item in old if item not in new]
            came = [_words(item) for item in new if item not in old]
            without = f"without {', '.join(gone)}" if gone else ""
            yield FieldChange(
                f"{prefix}{name}",
                "",
                "; ".join(filter(None, [f"with {', '.join(came)}" if came else "", without])),
            )
        else:
            yield FieldChange(f"{prefix}{name}", _words(old), _words(new))


def _by_items(old: list[Any], new: list[Any]) -> bool:
    """Whether two lists differ by items, and not only by their order."""
    return [item for item in old if item in new] == [item for item in new if item in old]


def _words(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
