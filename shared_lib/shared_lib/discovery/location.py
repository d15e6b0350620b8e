"""Build Dagster definitions from ``orchestration.yaml``."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import dagster as dg

from shared_lib.configuration.validated_yaml import ConfigurationError, Problem, place_in
from shared_lib.discovery.configuration import LocationConfiguration
from shared_lib.discovery.configuration.jobs import AssetSensor, FileSensor, Sensor
from shared_lib.discovery.definitions.attributes import Given, apply_rules, unmatched
from shared_lib.discovery.definitions.checks import build_checks, freshness_checks, invalid_sql
from shared_lib.discovery.definitions.code_references import with_code_references
from shared_lib.discovery.definitions.dbt_models import BuiltModels, build_dbt_models
from shared_lib.discovery.definitions.event_partitions import (
    PartitionsOfJob,
    assets_of_other_partitions,
    partitions_of_job,
)
from shared_lib.discovery.definitions.jobs import EXECUTORS, BuiltJob, build_jobs
from shared_lib.discovery.definitions.module_attributes import of_modules
from shared_lib.discovery.definitions.problems.names import assets_made_twice, names_used_twice
from shared_lib.discovery.definitions.problems.references import unknown_assets
from shared_lib.discovery.definitions.problems.rings import rings
from shared_lib.discovery.definitions.problems.run_configuration import misfits
from shared_lib.discovery.definitions.resources import stand_ins, with_named
from shared_lib.discovery.definitions.schedules import build_schedules
from shared_lib.discovery.definitions.sensors import build_sensors
from shared_lib.discovery.measured_steps import with_measured_steps
from shared_lib.discovery.modules import definitions_in
from shared_lib.discovery.reading import FILE_NAME, ReadFile, read_file
from shared_lib.observability.place import runs_in
from shared_lib.observability.sending.header_secrets import read_secrets_with
from shared_lib.secrets import SecretsResource
from shared_lib.secrets.io_manager import GuardedIOManager


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
    path = Path(beside).with_name(FILE_NAME).resolve()
    secrets = SecretsResource(location=path.parent.name)
    runs_in(path.parent.name)
    read_secrets_with(lambda secret, key: secrets.get(secret)[key].reveal())
    with_defaults = {"io_manager": GuardedIOManager(), **(resources or {})}
    BUILT[path] = partial(load_location, path, resources=with_defaults, loggers=loggers)
    return resolved(BUILT[path]()).definitions


BUILT: dict[Path, Callable[[], "Location"]] = {}
"""For each file that a module of this process defines a location from, a way to load it again."""


def resolved(location: Location) -> Location:
    """Return the location, after Dagster has put its definitions together.

    Raises:
        ConfigurationError: Dagster refuses what modules and file define together.
    """
    try:
        with warnings.catch_warnings():
            # which Dagster gives itself, for each sensor of a job of functions
            warnings.filterwarnings("ignore", "Parameter `owners` of", dg.BetaWarning)
            location.definitions.get_repository_def()
    except Exception as error:  # the error of Dagster's checks has no public class
        place = place_in(location.document, (), path=location.path)
        text = " ".join(str(error).split())
        raise ConfigurationError(f"{place}: Dagster refuses the definitions: {text}") from error
    return location


def load_location(
    path: Path,
    *,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, dg.LoggerDefinition] | None = None,
) -> Location:
    """Return the location that the file at ``path`` describes, with all that is known about it.

    All problems of the file are reported together, except those that follow from another: what
    uses a wrong entry is not judged by it.

    Raises:
        ConfigurationError: lists every problem of the file, one per line.
    """
    read = read_file(path)
    resources, problems = with_named(resources, read.configuration.resources, package=read.package)
    read.problems.extend(problems)
    built = _build_assets_and_jobs(read, resources=resources)
    schedules, sensors = _build_triggers(read, built)
    configuration, inside = read.configuration, built.inside
    wrong = {problem.location[:2] for problem in read.problems}
    checks = build_checks(
        {name: one for name, one in configuration.checks.items() if ("checks", name) not in wrong},
        pool=configuration.dbt.pool if configuration.dbt else None,
    )
    parts: dict[str, Any] = {
        "assets": with_measured_steps(with_code_references(built.assets)),
        "asset_checks": [*(inside.asset_checks or []), *built.source_checks, *checks.values()],
        "resources": resources,
        "loggers": loggers,
        "executor": EXECUTORS[configuration.executor],
    }
    definitions = dg.Definitions(
        jobs=[*(inside.jobs or []), *built.jobs.values()],
        schedules=[*(inside.schedules or []), *schedules],
        sensors=[*(inside.sensors or []), *sensors],
        **parts,
    )
    read.add(*invalid_sql(configuration.checks), *_misfitting_configuration(read, built, parts))
    read.raise_problems()
    return Location(path, read.document, configuration, definitions, built.given)


class _WithStandIns(dict[str, BuiltJob]):
    """Jobs by name, with an empty one for each that is wrong or missing."""

    def __missing__(self, name: str) -> BuiltJob:
        return dg.GraphDefinition(name="stand_in").to_job()


@dataclass(frozen=True)
class _Built:
    """The parts of a location, without schedules and sensors.

    `inside` is what the modules define; `bare` has only the assets, to resolve selections in.
    """

    inside: dg.Definitions
    assets: Sequence[Any]
    source_checks: Sequence[dg.AssetChecksDefinition]
    given: Mapping[dg.AssetKey, Mapping[str, Given]]
    bare: dg.Definitions
    jobs: Mapping[str, BuiltJob]


def _build_assets_and_jobs(read: ReadFile, *, resources: Mapping[str, Any] | None) -> _Built:
    configuration, partitions = read.configuration, read.partitions
    defined, refused = definitions_in(read.modules)
    own = of_modules(defined, modules=read.modules, entries=configuration.asset_modules)
    inside = own.definitions
    models, problems = _dbt_models(read)
    assets, twice = assets_made_twice([*own.assets, *models.assets])
    read.problems.extend([*refused, *problems, *twice])
    attributed = apply_rules(
        assets,
        configuration.assets,
        before=own.given,
        partitions=partitions,
        package=read.package,
    )
    elsewhere = {**stand_ins(attributed.assets), **(resources or {})}
    bare = dg.Definitions(assets=attributed.assets, resources=elsewhere)
    jobs, found = build_jobs(
        configuration.jobs, definitions=bare, partitions=partitions, package=read.package
    )
    read.problems.extend(attributed.problems)
    read.add(
        *unmatched(configuration.assets, assets),
        *unknown_assets(configuration, assets),
        *found,
        *names_used_twice(configuration, inside, assets),
    )
    return _Built(inside, attributed.assets, models.checks, attributed.given, bare, jobs)


def _dbt_models(read: ReadFile) -> tuple[BuiltModels, Sequence[Problem]]:
    if read.configuration.dbt is None:
        return BuiltModels(), []
    return build_dbt_models(
        read.configuration.dbt,
        location=read.package.rpartition(".")[2] or read.path.parent.name,
        partitions=read.partitions,
        package=read.package,
    )


def _build_triggers(
    read: ReadFile, built: _Built
) -> tuple[Sequence[dg.ScheduleDefinition], Sequence[dg.SensorDefinition]]:
    configuration = read.configuration
    jobs = _WithStandIns(built.jobs)
    partitions_of = partial(partitions_of_job, jobs, built.bare)
    schedules, problems = build_schedules(
        configuration.schedules,
        jobs=jobs,
        partitions_of=partitions_of,
    )
    sensors, found = build_sensors(
        configuration.sensors,
        jobs=jobs,
        partitions_of=partitions_of,
        freshness_checks=freshness_checks(configuration.checks),
        package=read.package,
    )
    if not read.has_problems("partitions", "assets"):
        read.add(*_differing_assets(configuration.sensors, partitions_of, built.bare))
    read.add(*problems, *found, *rings(configuration.sensors, _made_by(built)))
    return schedules, sensors


def _differing_assets(
    sensors: Mapping[str, Sensor], partitions_of: PartitionsOfJob, bare: dg.Definitions
) -> Iterator[Problem]:
    graph = bare.resolve_asset_graph()
    for name, sensor in sensors.items():
        partitions = partitions_of(sensor.job) if isinstance(sensor, AssetSensor) else None
        if partitions is not None and isinstance(sensor, AssetSensor):
            place = ("sensors", name, "assets")
            yield from assets_of_other_partitions(place, sensor, partitions, graph)


def _made_by(built: _Built) -> dict[str, frozenset[dg.AssetKey]]:
    """Return the assets that each job makes, also of the jobs of the modules."""
    graph = built.bare.resolve_asset_graph()
    own = {job.name: frozenset[dg.AssetKey]() for job in built.inside.jobs or []}
    return own | {
        name: frozenset() if isinstance(job, dg.JobDefinition) else job.selection.resolve(graph)
        for name, job in built.jobs.items()
    }


def _misfitting_configuration(
    read: ReadFile, built: _Built, parts: Mapping[str, Any]
) -> Iterator[Problem]:
    """Yield the run configuration in the file that its job cannot take."""
    configuration = read.configuration
    entries = {name: job for name, job in configuration.jobs.items() if name in built.jobs}
    places = [("jobs", name, name, getattr(job, "config", None)) for name, job in entries.items()]
    places += [
        ("schedules", name, schedule.job, schedule.config)
        for name, schedule in configuration.schedules.items()
    ]
    places += [
        ("sensors", name, sensor.job, sensor.config)
        for name, sensor in configuration.sensors.items()
        if isinstance(sensor, FileSensor | AssetSensor)
    ]
    configured = [place for place in places if place[3] is not None and place[2] in entries]
    if not configured:
        return
    # a job that has a configuration takes no other
    jobs, _ = build_jobs(
        {name: entries[name].model_copy(update={"config": None}) for _, _, name, _ in configured},
        definitions=built.bare,
        partitions=read.partitions,
        package=read.package,
    )
    definitions = dg.Definitions(jobs=jobs.values(), **parts)
    for section, name, job, config in configured:
        try:
            resolved = definitions.resolve_job_def(job)
        except dg.DagsterError:
            return  # other mistakes keep Dagster from making any job
        yield from misfits(resolved, cast("Any", config), (section, name, "config"))
