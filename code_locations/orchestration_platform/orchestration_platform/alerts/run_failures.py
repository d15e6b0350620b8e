"""What is told of a failed run."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg

from orchestration_platform.alerts.fingerprint import fingerprint, normalised, without_mapping_index
from orchestration_platform.alerts.user_errors import UserError, innermost
from shared_lib.secrets import redact

UNKNOWN_LOCATION = "(no code location)"

# Steps of one run that are looked at; the message says how many more there were.
_KEPT_STEPS = 10
_INTERNAL_JOB = "__"
_TAG = "dagster/"

# What the executor says of a step whose process has died without an error of its own.
_STEP_DEATH = "ChildProcessCrashException"

# What is said of a run that has died without leaving an error. A reason that is not listed is
# named as Dagster does.
_DEATHS = {
    "UNEXPECTED_TERMINATION": "the run's process ended without a word: killed or out of memory",
    "START_TIMEOUT": "the run did not start in time",
    "RUN_WORKER_RESTART": "the process of the run was started anew and cannot go on",
    "JOB_INITIALIZATION_FAILURE": "the job could not be loaded",
}


@dataclass(frozen=True)
class FailedStep:
    """A step that failed; without a name the run itself, outside of its steps."""

    step: str
    error_class: str
    message: str
    place: str
    trace: str


@dataclass(frozen=True)
class RunFailure:
    """A failed run, without anything secret.

    Attributes:
        at: when it failed, in seconds since 1970, as all times here.
        subject: the job, or for an automation run its assets.
        partition: the key, or first...last of several; empty without partitions.
        launched_by: a schedule, a sensor, a person, or what else started it.
        parent: of an automatic retry, the run that it repeats.
        attempt: 1 for the first, counting Dagster's own retries.
        steps: those that failed, in the order in which they did.
        more_steps: how many failed steps were left out of ``steps``.
    """

    run_id: str
    at: float
    location: str
    job_name: str
    subject: str
    assets: tuple[str, ...]
    partition: str
    backfill: str
    launched_by: str
    parent: str
    attempt: int
    duration_seconds: float | None
    steps: tuple[FailedStep, ...]
    more_steps: int

    @property
    def fingerprint(self) -> str:
        """Equal for the failures that are the same one."""
        first = self.steps[0]
        return fingerprint(
            location=self.location,
            subject=self.subject,
            step=first.step,
            error_class=first.error_class,
            message=first.message,
            partition=self.partition,
        )

    @property
    def failed_assets(self) -> frozenset[str]:
        """The assets whose steps failed; all of the run where that cannot be told."""
        by_step = {asset.replace("/", "__"): asset for asset in self.assets}
        steps = {step.step for step in self.steps}
        if self.more_steps or not steps <= by_step.keys():
            return frozenset(self.assets)
        return frozenset(by_step[step] for step in steps)

    def to_json(self) -> str:
        """As text, for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "RunFailure":
        """From :meth:`to_json`."""
        values: dict[str, Any] = json.loads(text)
        steps = tuple(FailedStep(**step) for step in values.pop("steps"))
        return cls(**{**values, "assets": tuple(values["assets"]), "steps": steps})


def read_failure(
    instance: dg.DagsterInstance, entry: dg.EventLogEntry, record: dg.RunRecord | None
) -> RunFailure:
    """What the event log and the run's record say of the failure that ``entry`` reports."""
    run = record.dagster_run if record else None
    tags = run.tags if run else {}
    assets = tuple(sorted(key.to_user_string() for key in (run and run.asset_selection) or ()))
    steps = _steps(instance, entry)
    started = record.start_time if record else None
    return RunFailure(
        run_id=entry.run_id,
        at=entry.timestamp,
        location=location_of(run),
        job_name=entry.job_name or (run.job_name if run else ""),
        subject=subject_of(entry.job_name or "", assets),
        assets=assets,
        partition=partition_of(tags),
        backfill=tags.get(f"{_TAG}backfill", ""),
        launched_by=_launched_by(tags),
        parent=tags.get(f"{_TAG}parent_run_id", "") if f"{_TAG}retry_number" in tags else "",
        attempt=int(tags.get(f"{_TAG}retry_number", "0")) + 1,
        duration_seconds=max(entry.timestamp - started, 0.0) if started else None,
        steps=tuple(steps[:_KEPT_STEPS]),
        more_steps=max(len(steps) - _KEPT_STEPS, 0),
    )


def location_of(run: dg.DagsterRun | None) -> str:
    """The code location of ``run``; a run that a program executed itself has none."""
    origin = run.remote_job_origin if run else None
    return origin.location_name if origin else UNKNOWN_LOCATION


def subject_of(job_name: str, assets: Sequence[str]) -> str:
    """What people call it: the job, or the assets where the job is Dagster's own."""
    return ", ".join(assets) if job_name.startswith(_INTERNAL_JOB) and assets else job_name


def partition_of(tags: Any) -> str:
    """The run's partition: its key, or first...last of a range."""
    first = tags.get(f"{_TAG}asset_partition_range_start")
    last = tags.get(f"{_TAG}asset_partition_range_end")
    return f"{first}...{last}" if first and last else tags.get(f"{_TAG}partition", "")


def _launched_by(tags: Any) -> str:
    for tag, kind in (("schedule_name", "schedule"), ("sensor_name", "sensor")):
        if f"{_TAG}{tag}" in tags:
            return f"{kind} {tags[f'{_TAG}{tag}']}"
    if "user" in tags:
        return str(tags["user"])
    return "backfill" if f"{_TAG}backfill" in tags else "by hand"


def _steps(instance: dg.DagsterInstance, entry: dg.EventLogEntry) -> list[FailedStep]:
    found: dict[str, FailedStep] = {}
    records = instance.get_records_for_run(
        entry.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
    ).records
    for event in _events(records):
        data = event.step_failure_data
        if data.error:
            found[event.step_key or ""] = _failed(event.step_key or "", innermost(data.error))
    return list(found.values()) or [_death(entry)]


def _events(records: Iterable[dg.EventLogRecord]) -> Iterable[dg.DagsterEvent]:
    return (record.event_log_entry.get_dagster_event() for record in records)


def _failed(step: str, error: UserError) -> FailedStep:
    return FailedStep(
        step=step,
        error_class=error.error_class,
        message=(
            "the step's process ended without a word: killed or out of memory"
            if error.error_class == _STEP_DEATH
            else error.message
        ),
        place=error.place,
        trace=error.trace,
    )


def _death(entry: dg.EventLogEntry) -> FailedStep:
    """The failure of a run of which no step failed."""
    event = entry.get_dagster_event()
    data = event.job_failure_data
    if data.error:
        return _failed("", innermost(data.error))
    reason = data.failure_reason.value if data.failure_reason else "UNKNOWN"
    said = redact((event.message or "").strip())
    known = _DEATHS.get(reason, "")
    text = f"{known} ({said})" if known and said else known or said or "no error was recorded"
    return FailedStep(step="", error_class=reason, message=text, place="", trace="")


def same_kind(steps: Sequence[FailedStep]) -> list[tuple[FailedStep, int]]:
    """The steps, those of one dynamic step that failed alike as one with their number."""
    counted: dict[tuple[str, str, str], tuple[FailedStep, int]] = {}
    for step in steps:
        name = without_mapping_index(step.step)
        key = (name, step.error_class, normalised(step.message))
        first, count = counted.get(key, (step, 0))
        counted[key] = (first, count + 1)
    return list(counted.values())
