"""Import the modules of a location and find what they define."""

import importlib
import pkgutil
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import ModuleType
from typing import Any

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem


class UnresolvedReferenceError(ValueError):
    """A module, or an object in it, is unavailable; the text says why."""


def package_of(path: Path) -> str:
    """Return the package that contains the file; empty if its directory is not a package."""
    parts: list[str] = []
    directory = path.resolve().parent
    while (directory / "__init__.py").exists():
        parts.insert(0, directory.name)
        directory = directory.parent
    return ".".join(parts)


@dataclass(frozen=True)
class FoundModule:
    """A module, and the position of the entry that names it or its package."""

    module: ModuleType
    position: int


def import_modules(
    names: Sequence[str], *, package: str
) -> tuple[list[FoundModule], list[Problem]]:
    """Import modules; for packages, import everything in them.

    Args:
        names: absolute names, or relative names that start with a dot.
        package: the package that relative names refer to.

    Returns:
        The modules, each once, and the problems of the names.
    """
    modules: dict[str, FoundModule] = {}
    problems: list[Problem] = []
    for position, name in enumerate(names):
        try:
            for module in _with_submodules(_imported(name, package=package)):
                modules.setdefault(module.__name__, FoundModule(module, position))
        except UnresolvedReferenceError as error:
            problems.append(Problem(("asset_modules", position), str(error)))
    return list(modules.values()), problems


def find_object(reference: str, *, package: str) -> Any:
    """Return the object that ``module:name`` refers to.

    Raises:
        UnresolvedReferenceError: the module or name does not exist, or the import failed.
    """
    module_name, _, name = reference.partition(":")
    module = _imported(module_name, package=package)
    if not hasattr(module, name):
        public = [known for known in vars(module) if not known.startswith("_")]
        raise UnresolvedReferenceError(
            f"{module.__name__} has no {name}{did_you_mean(name, public)}"
        )
    return getattr(module, name)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """Return the names most similar to ``name``, as the end of a message."""
    nearest = get_close_matches(name, known, n=3, cutoff=0.5)
    return f", did you mean {' or '.join(nearest)}?" if nearest else ""


def _imported(name: str, *, package: str) -> ModuleType:
    if name.startswith(".") and not package:
        raise UnresolvedReferenceError(f"{name} is relative, but the file lies in no package")
    try:
        absolute = resolve_name(name, package)
    except ImportError as error:
        raise UnresolvedReferenceError(f"{name}: {error}") from error
    if absolute not in sys.modules and not _exists(absolute):
        siblings = _siblings(absolute)
        raise UnresolvedReferenceError(
            f"there is no module {absolute}{did_you_mean(absolute, siblings)}"
        )
    try:
        return importlib.import_module(absolute)
    except SyntaxError as error:
        raise UnresolvedReferenceError(
            f"{absolute} is not valid Python: {error.filename}:{error.lineno}: {error.msg}"
        ) from error
    except Exception as error:  # show users any error that a module raises on import
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise UnresolvedReferenceError(
            f"importing {absolute} failed at {place.filename}:{place.lineno}: "
            f"{type(error).__name__}: {error}"
        ) from error


def _exists(absolute: str) -> bool:
    parents = absolute.split(".")
    for depth in range(1, len(parents) + 1):
        try:
            if find_spec(".".join(parents[:depth])) is None:
                return False
        except (ImportError, SyntaxError):
            # importing the parent finds and reports that it cannot be imported
            return True
    return True


def _siblings(absolute: str) -> list[str]:
    parent, _, _ = absolute.rpartition(".")
    module = sys.modules.get(parent)
    paths = getattr(module, "__path__", None) if module else None
    return [f"{parent}.{found.name}" for found in pkgutil.iter_modules(paths)] if paths else []


def _with_submodules(module: ModuleType) -> list[ModuleType]:
    if not hasattr(module, "__path__"):
        return [module]
    return [
        module,
        *(
            _imported(found.name, package="")
            for found in pkgutil.walk_packages(module.__path__, f"{module.__name__}.")
            if not found.name.endswith("__main__")
        ),
    ]


def definitions_in(modules: Sequence[FoundModule]) -> tuple[dg.Definitions, list[Problem]]:
    """Return what the modules define, as found by Dagster's own loader, and what it refuses.

    It finds assets, specs, checks, jobs, schedules and sensors, and lists of them.
    """
    try:
        return dg.load_definitions_from_modules([found.module for found in modules]), []
    except dg.DagsterInvalidDefinitionError as error:  # such as an asset in two modules
        text, found_in, names = " ".join(str(error).split()).partition(" found in modules: ")
        in_order = ", ".join(sorted(names.rstrip(".").split(", ")))
        return dg.Definitions(), [Problem(("asset_modules",), f"{text}{found_in}{in_order}")]
