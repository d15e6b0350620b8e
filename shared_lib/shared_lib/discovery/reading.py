"""Read ``orchestration.yaml``: its content, what it names, and all that is wrong with it."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import dagster as dg

from shared_lib.configuration.environment import current_environment
from shared_lib.configuration.validated_yaml import (
    ConfigurationError,
    Problem,
    check_document,
    load_yaml,
    place_in,
)
from shared_lib.discovery.configuration import LocationConfiguration
from shared_lib.discovery.definitions.partitions import build_partitions
from shared_lib.discovery.definitions.problems.names import reserved_names
from shared_lib.discovery.definitions.problems.references import unknown_names
from shared_lib.discovery.definitions.sensors import JobPartitions, NoFreshnessCheck
from shared_lib.discovery.environments import SECTION as ENVIRONMENTS
from shared_lib.discovery.environments import Places, override, place_of, wrong_overrides
from shared_lib.discovery.modules import FoundModule, import_modules, package_of
from shared_lib.discovery.remainder import remainder
from shared_lib.discovery.substitution import substitute

FILE_NAME = "orchestration.yaml"

# What a selection names beside keys is set by rules.
_BY_ATTRIBUTE = re.compile(r"\b(group|tag|owner|kind)\b")


def load_configuration(
    path: Path, variables: Mapping[str, str] | None = None
) -> tuple[LocationConfiguration, Any]:
    """Return the file's content, validated on its own, and the document with its positions.

    Args:
        path: the file.
        variables: the values of placeholders; by default the environment.

    Raises:
        ConfigurationError: lists every problem of the file.
    """
    variables = os.environ if variables is None else variables
    found, document, problems, places = _checked(path, variables)
    _raise(problems, document, path, places)
    return cast("LocationConfiguration", found), document


def _checked(
    path: Path, variables: Mapping[str, str]
) -> tuple[LocationConfiguration | None, Any, list[Problem], Places]:
    """Return the content without its wrong entries, the whole document, and the problems.

    Last are the places of what the current environment has different.
    """
    document = load_yaml(path)
    document = {} if document is None else document
    here = current_environment()
    problems = [
        problem
        for problem in substitute(document, variables)
        # a variable may be set only where its environment is
        if problem.location[0] != ENVIRONMENTS or problem.location[1:2] in ((), (here,))
    ]
    places: Places = {}
    if isinstance(document, Mapping):
        places = override(document, here)
    targets = {place: target for target, place in places.items()}
    problems = [
        replace(problem, location=place_of(problem.location, targets)) for problem in problems
    ]
    unknown = {problem.location for problem in problems}
    found = check_document(document, LocationConfiguration)
    if isinstance(found, list):
        problems += [problem for problem in found if problem.location not in unknown]
    else:
        problems += wrong_overrides(document, apart_from=here)
    if isinstance(found, list) or problems:
        return remainder(document, problems), document, problems, places
    return found, document, problems, places


@dataclass(frozen=True)
class ReadFile:
    """A file in which modules and names have been resolved, and the problems found so far.

    Attributes:
        path: the file.
        document: the file with its positions, placeholders replaced.
        configuration: its entries without problems.
        package: the package that names in the file are relative to.
        modules: the modules of assets.
        partitions: the partitions by name.
        problems: what is wrong, added to as more becomes known.
        places: where the file has what the current environment has different.
    """

    path: Path
    document: Any
    configuration: LocationConfiguration
    package: str
    modules: Sequence[FoundModule]
    partitions: Mapping[str, dg.PartitionsDefinition]
    problems: list[Problem]
    places: Places

    def has_problems(self, *sections: str) -> bool:
        """Return whether anything in these sections is wrong."""
        return any(problem.location[0] in sections for problem in self.problems)

    def add(self, *problems: Problem) -> None:
        """Add problems, except those that may follow from problems of the assets."""
        self.problems.extend([problem for problem in problems if not self._may_follow(problem)])

    def raise_problems(self) -> None:
        """Report the problems, if there are any.

        Raises:
            ConfigurationError: lists them, one per line.
        """
        _raise(self.problems, self.document, self.path, self.places)

    def _may_follow(self, problem: Problem) -> bool:
        some_are_missing = self.has_problems("asset_modules", "dbt")
        some_differ = some_are_missing or self.has_problems("assets", "partitions")
        match problem.location:
            case ("assets", _, "match") | ("checks", _, "asset") | ("sensors", _, "assets", _):
                return some_are_missing
            case ("jobs", name, "selection"):
                entry = self.configuration.jobs[str(name)]
                by_attribute = _BY_ATTRIBUTE.search(getattr(entry, "selection", ""))
                return some_differ if by_attribute else some_are_missing
            case ("jobs" | "schedules", _, "partitions"):
                return some_differ
        if isinstance(problem, JobPartitions):
            return some_differ
        return isinstance(problem, NoFreshnessCheck) and self.has_problems("checks")


def read_file(path: Path) -> ReadFile:
    """Read a file, and resolve the modules and partitions that it names.

    Raises:
        ConfigurationError: nothing of the file can be used.
    """
    configuration, document, problems, places = _checked(path, os.environ)
    if configuration is None:
        _raise(problems, document, path, places)
    configuration = cast("LocationConfiguration", configuration)
    if reserved := list(reserved_names(configuration)):
        problems += reserved
        configuration = cast("LocationConfiguration", remainder(document, problems))
    package = package_of(path)
    modules, found = import_modules(
        [
            entry if isinstance(entry, str) else entry.module
            for entry in configuration.asset_modules
        ],
        package=package,
    )
    partitions, wrong = build_partitions(configuration.partitions, package=package)
    problems += [*found, *wrong, *unknown_names(configuration, document)]
    return ReadFile(path, document, configuration, package, modules, partitions, problems, places)


def _raise(problems: Sequence[Problem], document: Any, path: Path, places: Places) -> None:
    lines = sorted(
        {
            f"{place_in(document, place_of(problem.location, places), path=path)}: {problem.text}"
            for problem in problems
        },
        key=lambda line: (int(line.removeprefix(f"{path}:").partition(":")[0]), line),
    )
    if lines:
        raise ConfigurationError("\n".join(lines))
