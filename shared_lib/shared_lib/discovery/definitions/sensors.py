"""Build sensors from the configuration."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import PurePosixPath
from typing import Any, cast

import dagster as dg

from shared_lib.checks import age_of
from shared_lib.configuration.validated_yaml import Location, Problem
from shared_lib.discovery.configuration import jobs as configured
from shared_lib.discovery.configuration.checks import FreshnessCheck
from shared_lib.discovery.definitions.event_partitions import (
    PartitionsOfJob,
    assets_of_other_partitions,
    key_of_file,
    new_partitions,
    watched_keys,
)
from shared_lib.discovery.definitions.jobs import BuiltJob, partitions_at, target_of
from shared_lib.discovery.definitions.run_status import (
    Known,
    UnknownJobError,
    run_status_sensor,
)
from shared_lib.discovery.definitions.templates import filled, unknown_in
from shared_lib.discovery.modules import UnresolvedReferenceError, find_object
from shared_lib.discovery.patterns import fits

# The tag that names the file that started a run.
FILE_TAG = "platform/file"

# The number of files that one tick starts runs for; the next tick continues with the rest.
_FILES_OF_A_TICK = 100

# What the texts of a file sensor can name beside the groups of its expression.
_NAMES_OF_FILE = ("path", "name", "stem")


def build_sensors(
    entries: Mapping[str, configured.Sensor],
    *,
    jobs: Mapping[str, BuiltJob],
    partitions_of: PartitionsOfJob | None,
    freshness_checks: Mapping[str, FreshnessCheck],
    package: str,
) -> tuple[list[dg.SensorDefinition], list[Problem]]:
    """Return the sensors, and the problems of the entries.

    Args:
        entries: the sensors by name.
        jobs: the jobs by name.
        partitions_of: returns the partitions of the job with a name, or None without any. Without
            the function the jobs may be elsewhere in the project, and each tick asks Dagster.
        freshness_checks: the freshness checks by name.
        package: the package that functions are relative to.
    """
    built: list[dg.SensorDefinition] = []
    problems: list[Problem] = []
    for name, entry in entries.items():
        job = getattr(entry, "job", None)
        known = None if partitions_of is None else [partitions_of(job) if job else None]
        try:
            if isinstance(entry, configured.FileSensor) and job in jobs and known:
                problems += _of_partition(("sensors", name, "partition"), entry, known[0])
            built.append(_build(name, entry, jobs, known, freshness_checks, package))
            problems += _unknown_names(name, entry)
        except UnresolvedReferenceError as error:
            problems.append(Problem(("sensors", name, "function"), str(error)))
        except re.error as error:
            problems.append(
                Problem(("sensors", name, "regex"), f"not a regular expression: {error}")
            )
        except _NoFreshnessCheckError as error:
            problems.append(NoFreshnessCheck(("sensors", name), str(error)))
        except UnknownJobError as error:
            problems.append(Problem(("sensors", name, "job"), str(error)))
    return built, problems


@dataclass(frozen=True)
class JobPartitions(Problem):
    """A sensor does not fit the partitions of its job, perhaps because those are wrong."""


@dataclass(frozen=True)
class NoFreshnessCheck(Problem):
    """A freshness sensor has nothing to evaluate, perhaps because its checks are wrong."""


class _NoFreshnessCheckError(ValueError):
    """A freshness sensor has nothing to evaluate."""


def _build(
    name: str,
    entry: configured.Sensor,
    jobs: Mapping[str, BuiltJob],
    known: Known,
    freshness_checks: Mapping[str, FreshnessCheck],
    package: str,
) -> dg.SensorDefinition:
    common: dict[str, Any] = {
        "name": name,
        "minimum_interval_seconds": entry.interval_seconds,
        "description": entry.description,
        "default_status": (
            dg.DefaultSensorStatus.RUNNING if entry.enabled else dg.DefaultSensorStatus.STOPPED
        ),
    }
    match entry:
        case configured.FileSensor():
            return dg.SensorDefinition(
                evaluation_fn=_with_partitions(entry, known, _new_files),
                **target_of(entry.job, jobs),
                **common,
            )
        case configured.AssetSensor():
            return dg.SensorDefinition(
                evaluation_fn=_with_partitions(entry, known, _new_events),
                **target_of(entry.job, jobs),
                **common,
            )
        case configured.RunStatusSensor():
            return run_status_sensor(entry, jobs, known, common)
        case configured.FreshnessSensor():
            return _freshness(entry, freshness_checks, common)
        case configured.CustomSensor():
            function: Any = find_object(entry.function, package=package)
            if not callable(function):
                raise UnresolvedReferenceError(f"{entry.function} is not a function")
            job = target_of(entry.job, jobs) if entry.job else {}
            return dg.SensorDefinition(evaluation_fn=cast("Any", function), **job, **common)


def _with_partitions(entry: Any, known: Known, evaluation: Callable[[Any, Any], Any]) -> Any:
    """Return the evaluation of an entry, whose job's partitions may be known only at a tick."""
    if known is not None:
        return evaluation(entry, known[0])

    def evaluate(context: dg.SensorEvaluationContext) -> Any:
        partitions = partitions_at(context, entry.job)
        for problem in _misfits(entry, partitions, context.repository_def):
            place = ".".join(map(str, problem.location))
            raise dg.DagsterInvalidDefinitionError(f"{place}: {problem.text}")
        return evaluation(entry, partitions)(context)

    return evaluate


def _misfits(
    entry: configured.FileSensor | configured.AssetSensor,
    partitions: dg.PartitionsDefinition | None,
    repository: Any,
) -> Iterator[Problem]:
    if isinstance(entry, configured.FileSensor):
        yield from _of_partition(("partition",), entry, partitions)
    elif partitions is not None:
        graph = repository.asset_graph
        yield from assets_of_other_partitions(("assets",), entry, partitions, graph)


def _new_events(entry: configured.AssetSensor, partitions: dg.PartitionsDefinition | None) -> Any:
    if partitions is None:
        return _new_materializations(entry)
    return new_partitions(entry, partitions)


def _of_partition(
    location: Location, entry: configured.FileSensor, partitions: dg.PartitionsDefinition | None
) -> Iterator[Problem]:
    """Yield how the partition of a sensor's runs does not fit its job."""
    if partitions is None:
        if entry.partition is not None:
            text = f"is not allowed, the job {entry.job} has no partitions"
            yield JobPartitions(location, text)
    elif entry.partition is None:
        text = f"missing, the job {entry.job} has partitions: take the key from the file's name"
        yield JobPartitions(location, f"{text}, as in {{stem}} or a named group of regex")
    elif isinstance(partitions, dg.MultiPartitionsDefinition):
        names = sorted(partitions.partition_dimension_names)
        if not isinstance(entry.partition, dict) or sorted(entry.partition) != names:
            text = f"allowed is a mapping with a text for each of: {', '.join(names)}"
            yield JobPartitions(location, text)
    elif isinstance(entry.partition, dict):
        text = f"a mapping is not allowed, the job {entry.job} has one dimension"
        yield JobPartitions(location, text)


def _unknown_names(name: str, entry: configured.Sensor) -> Iterator[Problem]:
    """Yield the names in braces that neither a file nor an event has."""
    if isinstance(entry, configured.FileSensor):
        known = [*_NAMES_OF_FILE, *(re.compile(entry.regex).groupindex if entry.regex else ())]
        yield from unknown_in(entry.partition, known, ("sensors", name, "partition"))
        yield from unknown_in(entry.config, known, ("sensors", name, "config"))
    if isinstance(entry, configured.AssetSensor):
        known = ["asset", "run_id", "partition"]
        yield from unknown_in(entry.config, known, ("sensors", name, "config"))


def _new_files(entry: configured.FileSensor, partitions: dg.PartitionsDefinition | None) -> Any:
    expression = re.compile(entry.regex) if entry.regex is not None else None

    def is_meant(file_name: str) -> bool:
        if expression is not None:
            return expression.fullmatch(file_name) is not None
        return fnmatchcase(file_name, entry.glob or "")

    def values_of(path: str) -> dict[str, str]:
        name = PurePosixPath(path).name
        matched = expression.fullmatch(name) if expression is not None else None
        groups = {} if matched is None else {k: v or "" for k, v in matched.groupdict().items()}
        return {"path": path, "name": name, "stem": PurePosixPath(path).stem, **groups}

    def evaluate(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        from upath import UPath

        directory = UPath(entry.directory)
        if not directory.is_dir():
            raise FileNotFoundError(f"the directory {entry.directory} does not exist")
        known: dict[str, str] = json.loads(context.cursor) if context.cursor else {}
        found = {
            str(path): _version(path)
            for path in (directory.rglob("*") if entry.recursive else directory.iterdir())
            if path.is_file() and is_meant(path.name)
        }
        new = [
            (path, version) for path, version in sorted(found.items()) if known.get(path) != version
        ]
        keys = {
            path: key_of_file(entry.partition, values_of(path), partitions, context.instance)
            for path, _ in new
            if partitions is not None and entry.partition is not None
        }
        # a file of a partition that is still to come waits for it
        without = [path for path, found_key in keys.items() if found_key.key is None]
        started = dict(islice((one for one in new if one[0] not in without), _FILES_OF_A_TICK))
        remembered = {path: version for path, version in known.items() if path in found} | started
        if not started:
            text = f"no new or changed file in {entry.directory}, {len(found)} known"
            waiting = f"; without a partition: {', '.join(without[:3])}" if without else ""
            return dg.SkipReason(f"{text}{waiting}")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key=f"{path}@{version}",
                    tags={FILE_TAG: path},
                    partition_key=keys[path].key if path in keys else None,
                    run_config=filled(entry.config, values_of(path)),
                )
                for path, version in started.items()
            ],
            dynamic_partitions_requests=[
                keys[path].added for path in started if path in keys and keys[path].added
            ],
            cursor=json.dumps(remembered, sort_keys=True),
        )

    return evaluate


def _version(path: Any) -> str:
    """Return what changes when a file is written: time and size, or the store's version."""
    status = path.stat()
    moment = getattr(status, "st_mtime_ns", None)
    if moment is None:
        moment = getattr(status, "st_mtime", 0)
    etag = path.fs.info(path.path).get("ETag", "") if hasattr(path, "fs") else ""
    return f"{moment}-{status.st_size}{etag}"


def _new_materializations(entry: configured.AssetSensor) -> Any:
    keys = watched_keys(entry)

    def evaluate(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        handled: dict[str, int] = json.loads(context.cursor) if context.cursor else {}
        latest: dict[str, int] = {}
        runs: dict[str, str] = {}
        for key in keys:
            records = context.instance.fetch_materializations(key, limit=1).records
            if records:
                latest[key.to_user_string()] = records[0].storage_id
                runs[key.to_user_string()] = records[0].run_id
        new = {key for key, storage_id in latest.items() if storage_id > handled.get(key, -1)}
        is_due = bool(new) if entry.require == "any" else len(new) == len(keys)
        if not is_due:
            waiting = sorted({key.to_user_string() for key in keys} - new)
            return dg.SkipReason(f"no new materialisation of {', '.join(waiting)}")
        newest = max(new, key=lambda key: latest[key])
        values = {"asset": newest, "run_id": runs[newest], "partition": ""}
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    run_key="-".join(str(latest[key]) for key in sorted(latest)),
                    run_config=filled(entry.config, values),
                )
            ],
            cursor=json.dumps({**handled, **latest}, sort_keys=True),
        )

    return evaluate


def _freshness(
    entry: configured.FreshnessSensor,
    checks: Mapping[str, FreshnessCheck],
    common: Mapping[str, Any],
) -> dg.SensorDefinition:
    wanted = {
        dg.AssetCheckKey(dg.AssetKey.from_user_string(check.asset), name): timedelta(
            minutes=check.max_age_minutes
        )
        for name, check in checks.items()
        if entry.assets is None or any(fits(pattern, check.asset) for pattern in entry.assets)
    }
    if not wanted:
        raise _NoFreshnessCheckError(
            "the section checks has no freshness check of a matching asset"
        )

    def evaluate(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Evaluate a check when its outcome is about to change."""
        before: dict[str, bool] = json.loads(context.cursor) if context.cursor else {}
        is_fresh = {}
        for key, maximum in wanted.items():
            age = age_of(context.instance, key.asset_key)
            is_fresh[key] = age is not None and age <= maximum
        turned = [key for key, fresh in is_fresh.items() if before.get(key.name) != fresh]
        if not turned:
            return dg.SkipReason(f"{sum(is_fresh.values())} of {len(is_fresh)} assets are fresh")
        return dg.SensorResult(
            run_requests=[dg.RunRequest(asset_check_keys=turned)],
            cursor=json.dumps({key.name: fresh for key, fresh in is_fresh.items()}),
        )

    return dg.SensorDefinition(
        evaluation_fn=evaluate, asset_selection=dg.AssetSelection.checks(*wanted), **common
    )
