"""Build Dagster definitions from ``orchestration.yaml``."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import dagster as dg

from shared_lib.configuration.validated_yaml import (
    ConfigurationError,
    Problem,
    check_document,
    load_yaml,
    place_in,
)
from shared_lib.discovery.configuration import LocationConfiguration
from shared_lib.discovery.configuration.checks import FreshnessCheck
from shared_lib.discovery.definitions.attributes import Given, apply_rules
from shared_lib.discovery.definitions.checks import build_checks
from shared_lib.discovery.definitions.code_references import with_code_references
from shared_lib.discovery.definitions.dbt_models import build_dbt_models
from shared_lib.discovery.definitions.jobs import EXECUTORS, BuiltJob, build_jobs
from shared_lib.discovery.definitions.partitions import build_partitions
from shared_lib.discovery.definitions.references import (
    names_used_twice,
    unknown_assets,
    unknown_names,
)
from shared_lib.discovery.definitions.schedules import build_schedules
from shared_lib.discovery.definitions.sensors import build_sensors
from shared_lib.discovery.modules import definitions_in, import_modules, package_of
from shared_lib.discovery.substitution import substitute
from shared_lib.observability.header_secrets import read_secrets_with
from shared_lib.secrets import SecretsResource
from shared_lib.secrets.io_manager import GuardedIOManager

FILE_NAME = "orchestration.yaml"


@dataclass(frozen=True)
class Location:
    """A code location as described by its file.

    Attributes:
        path: the file.
        document: the file with its positions, placeholders replaced.
        configuration: the file's content.
        definitions: what Dagster loads.
        given: for each asset, the attributes that the file sets.
    """

    path: Path
    document: Any
    configuration: LocationConfiguration
    definitions: dg.Definitions
    given: Mapping[dg.AssetKey, Mapping[str, Given]]


def build_definitions(
    beside: str,
    *,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> dg.Definitions:
    """Return the definitions of the location whose ``orchestration.yaml`` is next to a module.

    Args:
        beside: the module's ``__file__``.
        resources: the resources that the location's steps require, by name. Without an
            ``io_manager``, outputs are files, and none may contain a secret.
        loggers: the loggers that runs can use, by name.

    Raises:
        ConfigurationError: lists every problem of the file, one per line.
    """
    path = Path(beside).with_name(FILE_NAME)
    secrets = SecretsResource(location=path.parent.name)
    read_secrets_with(lambda secret, key: secrets.get(secret)[key].reveal())
    with_defaults = {"io_manager": GuardedIOManager(), **(resources or {})}
    return load_location(path, resources=with_defaults, loggers=loggers).definitions


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
    document = load_yaml(path)
    problems = substitute(document, os.environ if variables is None else variables)
    unknown = {problem.location for problem in problems}
    found = check_document(document if document is not None else {}, LocationConfiguration)
    if isinstance(found, list):
        problems += [problem for problem in found if problem.location not in unknown]
    _raise(problems, document, path)
    return cast("LocationConfiguration", found), document


def load_location(
    path: Path,
    *,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> Location:
    """Return the location that the file at ``path`` describes, with all that is known about it.

    Problems are reported together unless one follows from another: first those of names, then
    those of assets and jobs, then those of schedules and sensors.

    Raises:
        ConfigurationError: lists every problem of the file, one per line.
    """
    read = _read(path)
    built = _build_assets_and_jobs(read, resources=resources)
    schedules, sensors = _build_triggers(read, built)
    configuration, inside = read.configuration, built.inside
    checks = build_checks(
        configuration.checks, pool=configuration.dbt.pool if configuration.dbt else None
    )
    definitions = dg.Definitions(
        assets=with_code_references(built.assets),
        asset_checks=[*(inside.asset_checks or []), *checks.values()],
        jobs=[*(inside.jobs or []), *built.jobs.values()],
        schedules=[*(inside.schedules or []), *schedules],
        sensors=[*(inside.sensors or []), *sensors],
        resources=resources,
        loggers=loggers,
        executor=EXECUTORS[configuration.executor],
    )
    return Location(path, read.document, configuration, definitions, built.given)


@dataclass(frozen=True)
class _Read:
    """A file in which every module and name has been resolved."""

    path: Path
    document: Any
    configuration: LocationConfiguration
    package: str
    modules: Sequence[ModuleType]
    partitions: Mapping[str, dg.PartitionsDefinition]


@dataclass(frozen=True)
class _Built:
    """The parts of a location, without schedules and sensors.

    `inside` is what the modules define; `bare` has only the assets, to resolve selections in.
    """

    inside: dg.Definitions
    assets: Sequence[Any]
    given: Mapping[dg.AssetKey, Mapping[str, Given]]
    bare: dg.Definitions
    jobs: Mapping[str, BuiltJob]


def _read(path: Path) -> _Read:
    configuration, document = load_configuration(path)
    package = package_of(path)
    modules, problems = import_modules(configuration.asset_modules, package=package)
    partitions, found = build_partitions(configuration.partitions, package=package)
    _raise([*problems, *found, *unknown_names(configuration)], document, path)
    return _Read(path, document, configuration, package, modules, partitions)


def _build_assets_and_jobs(read: _Read, *, resources: Mapping[str, Any] | None) -> _Built:
    configuration, partitions = read.configuration, read.partitions
    inside = definitions_in(read.modules)
    models, problems = _dbt_models(read)
    own_assets = [
        asset
        for asset in inside.assets or []
        if isinstance(asset, dg.AssetsDefinition | dg.AssetSpec)
    ]
    attributed = apply_rules(
        [*own_assets, *models], configuration.assets, partitions=partitions, package=read.package
    )
    bare = dg.Definitions(assets=attributed.assets, resources=resources)
    jobs, found = build_jobs(
        configuration.jobs, definitions=bare, partitions=partitions, package=read.package
    )
    problems = [
        *problems,
        *attributed.problems,
        *unknown_assets(configuration, attributed.assets),
        *found,
        *names_used_twice(configuration, inside),
    ]
    _raise(problems, read.document, read.path)
    return _Built(inside, attributed.assets, attributed.given, bare, jobs)


def _dbt_models(read: _Read) -> tuple[Sequence[dg.AssetsDefinition], Sequence[Problem]]:
    if read.configuration.dbt is None:
        return [], []
    return build_dbt_models(
        read.configuration.dbt,
        location=read.package.rpartition(".")[2] or read.path.parent.name,
        partitions=read.partitions,
        package=read.package,
    )


def _build_triggers(
    read: _Read, built: _Built
) -> tuple[Sequence[dg.ScheduleDefinition], Sequence[dg.SensorDefinition]]:
    configuration = read.configuration
    schedules, problems = build_schedules(
        configuration.schedules,
        jobs=built.jobs,
        partitions_of=partial(_partitions_of, built.jobs, built.bare),
    )
    sensors, found = build_sensors(
        configuration.sensors,
        jobs=built.jobs,
        freshness_checks={
            name: entry
            for name, entry in configuration.checks.items()
            if isinstance(entry, FreshnessCheck)
        },
        package=read.package,
    )
    _raise([*problems, *found], read.document, read.path)
    return schedules, sensors


def _raise(problems: Sequence[Problem], document: Any, path: Path) -> None:
    lines = sorted(
        {
            f"{place_in(document, problem.location, path=path)}: {problem.text}"
            for problem in problems
        },
        key=lambda line: (int(line.removeprefix(f"{path}:").partition(":")[0]), line),
    )
    if lines:
        raise ConfigurationError("\n".join(lines))


def _partitions_of(
    jobs: Mapping[str, BuiltJob], bare: dg.Definitions, name: str
) -> dg.PartitionsDefinition | None:
    """Return the partitions of a job: its own, or those that its assets share."""
    job = jobs[name]
    if job.partitions_def is not None or isinstance(job, dg.JobDefinition):
        return job.partitions_def
    graph = bare.resolve_asset_graph()
    found = {graph.get(key).partitions_def for key in job.selection.resolve(graph)} - {None}
    return found.pop() if len(found) == 1 else None
