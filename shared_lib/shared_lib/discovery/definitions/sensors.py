"""Build sensors from the configuration."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import islice
from typing import Any, cast

import dagster as dg

from shared_lib.checks import age_of
from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration import jobs as configured
from shared_lib.discovery.configuration.checks import FreshnessCheck
from shared_lib.discovery.definitions.jobs import BuiltJob
from shared_lib.discovery.modules import UnresolvedReferenceError, find_object
from shared_lib.discovery.patterns import fits

# The tag that names the file that started a run.
FILE_TAG = "platform/file"

# The number of files that one tick starts runs for; the next tick continues with the rest.
_FILES_OF_A_TICK = 100


def build_sensors(
    entries: Mapping[str, configured.Sensor],
    *,
    jobs: Mapping[str, BuiltJob],
    freshness_checks: Mapping[str, FreshnessCheck],
    package: str,
) -> tuple[list[dg.SensorDefinition], list[Problem]]:
    """Return the sensors, and the problems of the entries; their jobs must be known."""
    built: list[dg.SensorDefinition] = []
    problems: list[Problem] = []
    for name, entry in entries.items():
        try:
            built.append(_build(name, entry, jobs, freshness_checks, package))
        except UnresolvedReferenceError as error:
            problems.append(Problem(("sensors", name, "function"), str(error)))
        except re.error as error:
            problems.append(
                Problem(("sensors", name, "regex"), f"not a regular expression: {error}")
            )
        except _NoFreshnessCheckError as error:
            problems.append(NoFreshnessCheck(("sensors", name), str(error)))
    return built, problems


@dataclass(frozen=True)
class NoFreshnessCheck(Problem):
    """A freshness sensor has nothing to evaluate, perhaps because its checks are wrong."""


class _NoFreshnessCheckError(ValueError):
    """A freshness sensor has nothing to evaluate."""


def _build(
    name: str,
    entry: configured.Sensor,
    jobs: Mapping[str, BuiltJob],
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
                evaluation_fn=_new_files(entry), job=jobs[entry.job], **common
            )
        case configured.AssetSensor():
            return dg.SensorDefinition(
                evaluation_fn=_new_materializations(entry), job=jobs[entry.job], **common
            )
        case configured.RunStatusSensor():
            return _run_status(entry, jobs, common)
        case configured.FreshnessSensor():
            return _freshness(entry, freshness_checks, common)
        case configured.CustomSensor():
            function: Any = find_object(entry.function, package=package)
            if not callable(function):
                raise UnresolvedReferenceError(f"{entry.function} is not a function")
            job = {"job": jobs[entry.job]} if entry.job else {}
            return dg.SensorDefinition(evaluation_fn=cast("Any", function), **job, **common)


def _new_files(entry: configured.FileSensor) -> Any:
    expression = re.compile(entry.regex) if entry.regex is not None else None

    def is_meant(file_name: str) -> bool:
        if expression is not None:
            return expression.fullmatch(file_name) is not None
        return fnmatchcase(file_name, entry.glob or "")

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
        started = dict(islice(new, _FILES_OF_A_TICK))
        remembered = {path: version for path, version in known.items() if path in found} | started
        if not started:
            return dg.SkipReason(f"no new or changed file in {entry.directory}, {len(found)} known")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{path}@{version}", tags={FILE_TAG: path})
                for path, version in started.items()
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
    keys = [dg.AssetKey.from_user_string(name) for name in entry.assets]

    def evaluate(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        handled: dict[str, int] = json.loads(context.cursor) if context.cursor else {}
        latest = {}
        for key in keys:
            records = context.instance.fetch_materializations(key, limit=1).records
            if records:
                latest[key.to_user_string()] = records[0].storage_id
        new = {key for key, storage_id in latest.items() if storage_id > handled.get(key, -1)}
        is_due = bool(new) if entry.require == "any" else len(new) == len(keys)
        if not is_due:
            waiting = sorted({key.to_user_string() for key in keys} - new)
            return dg.SkipReason(f"no new materialisation of {', '.join(waiting)}")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key="-".join(str(latest[key]) for key in sorted(latest)))
            ],
            cursor=json.dumps({**handled, **latest}, sort_keys=True),
        )

    return evaluate


def _run_status(
    entry: configured.RunStatusSensor, jobs: Mapping[str, BuiltJob], common: Mapping[str, Any]
) -> dg.SensorDefinition:
    watched = [jobs[name] for name in entry.monitored_jobs] if entry.monitored_jobs else None

    def react(context: dg.RunStatusSensorContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        run = context.dagster_run
        if run.job_name == entry.job:
            yield dg.SkipReason(f"run {run.run_id} is a run of {entry.job} itself")
        else:
            yield dg.RunRequest(run_key=run.run_id)

    return dg.run_status_sensor(
        run_status=dg.DagsterRunStatus[entry.status],
        monitored_jobs=watched,
        request_job=jobs[entry.job],
        **common,
    )(react)


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
