"""What has happened and people are notified of, without anything secret."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self

from orchestration_platform.alerts.facts.fingerprint import (
    fingerprint,
    normalised,
    without_mapping_index,
)

UNKNOWN_LOCATION = "(no code location)"
# Of what belongs to no code location: a daemon, or a destination of alerts.
INSTANCE_LOCATION = "(the Dagster instance)"


class Severity(StrEnum):
    """How bad it is, the least first."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Detail:
    """What the author of a step attached to its failure: a text, a link or a table.

    Attributes:
        label: its name.
        text: the value; empty for a table.
        url: the target of a link; empty for anything else.
        rows: the rows of a table, the names of its columns first.
    """

    label: str
    text: str
    url: str = ""
    rows: tuple[tuple[str, ...], ...] = ()

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Return the detail that was stored as JSON."""
        return cls(**{**values, "rows": tuple(tuple(row) for row in values["rows"])})


@dataclass(frozen=True)
class Problem:
    """Something that went wrong: a failed step, a check, a tick.

    Attributes:
        step: the step, or what else failed; empty for the subject as a whole.
        error_class: the class of the error, or a word for its kind.
        message: the text of the error.
        place: file, line and function in user code; empty if unknown.
        trace: the stack trace; empty without one.
        is_check: whether an asset check found it, rather than the step failing.
        attempts: how often its retry policy let the step try; 1 without one.
        details: what the author of the step attached.
    """

    step: str
    error_class: str
    message: str
    place: str
    trace: str
    is_check: bool = False
    attempts: int = 1
    details: tuple[Detail, ...] = ()

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Self:
        """Return the problem that was stored as JSON, also by an earlier release."""
        details = tuple(Detail.from_values(one) for one in values.get("details", ()))
        return cls(**{**values, "details": details})


_NO_PROBLEM = Problem("", "", "", "", "")

# A job fails in many ways. A check, a sensor or a location is in the same trouble until it is
# OK, whatever its messages say in the meantime.
_DISTINGUISHED_BY_ERROR = frozenset({"JOB_FAILURE", "ASSET_MATERIALIZATION_FAILURE"})


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An event that a policy watches for.

    Attributes:
        event_type: one of the event types of ``alert_policies.yaml``.
        severity: how bad it is.
        kind: what the subject is, in people's words: Job, Assets, Asset check, Sensor, ...
        subject: the name of the subject; for an automation run, its assets.
        at: when it happened, in seconds since 1970, as all times here.
        location: the code location.
        run_id: the run; empty without one.
        job_name: the job of the run.
        assets: what the run was to make, or the asset concerned; for a run of checks alone, the
            assets they examine.
        checks: for a run of checks alone, its checks by name.
        ops: the ops the run was limited to; empty if it was not limited.
        partition: the key, or first...last for several; empty without partitions.
        partitions: for several, the keys that were not made, if the log of the run lists them.
        backfill: the backfill's identifier; empty outside a backfill.
        launched_by: what started the run: a schedule, a sensor, a person or something else.
        parent: for an automatic retry, the run that it repeats.
        attempt: 1 for the first, counting Dagster's own retries.
        attempts: the maximum number of attempts; 0 if that is unknown.
        duration_seconds: the duration of the run.
        last_success_at: when the subject last succeeded, if it is known.
        owners: the owners of the assets, and of the job if it is about a run, as Dagster has them:
            an address, or ``team:name``.
        problems: what went wrong, in order of time; empty for good news.
        more_problems: how many were left out of ``problems``.
        facts: further facts, as label and value.
        consecutive: for a schedule or sensor, how many of its ticks have failed in a row.
        instead: for what is over but not OK, its present state.
        are_owners_known: whether the owners could be determined, even if there are none.
        tags: the tags of the run, and of the asset if it is about one, without Dagster's own.
        runbook: what to do, from the metadata of the asset or job: an address or a text.
    """

    event_type: str
    severity: Severity
    kind: str
    subject: str
    at: float
    location: str
    run_id: str = ""
    job_name: str = ""
    assets: tuple[str, ...] = ()
    partition: str = ""
    partitions: tuple[str, ...] = ()
    backfill: str = ""
    launched_by: str = ""
    parent: str = ""
    attempt: int = 1
    attempts: int = 0
    duration_seconds: float | None = None
    last_success_at: float | None = None
    owners: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    more_problems: int = 0
    facts: tuple[tuple[str, str], ...] = ()
    checks: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    consecutive: int = 0
    instead: str = ""
    are_owners_known: bool = True
    tags: tuple[tuple[str, str], ...] = ()
    runbook: str = ""

    @property
    def is_distinguished_by_error(self) -> bool:
        """Whether two different errors of the subject are two different troubles."""
        return self.event_type in _DISTINGUISHED_BY_ERROR

    @property
    def is_of_run(self) -> bool:
        """Whether it is about a run, and not about something that launches or checks."""
        return self.event_type.startswith(("JOB_", "ASSET_MATERIALIZATION_"))

    @property
    def fingerprint(self) -> str:
        """The fingerprint: equal for alerts about the same trouble."""
        first = self.problems[0] if self.problems else _NO_PROBLEM
        if not self.is_distinguished_by_error:
            first = _NO_PROBLEM
        return fingerprint(
            event_type=self.event_type,
            location=self.location,
            subject=self.subject,
            step=first.step,
            error_class=first.error_class,
            message=first.message,
            partition=self.partition,
        )

    @property
    def failed_steps(self) -> frozenset[str] | None:
        """The steps that failed; None if it may have been any step, or none."""
        steps = frozenset(problem.step for problem in self.problems if not problem.is_check)
        return None if self.more_problems or not steps or "" in steps else steps

    def part_of_step(self, step: str) -> str | None:
        """Return the asset (or check, for a run of checks alone) that gives ``step`` its name."""
        if self.checks:
            by_step = {check.replace("/", "__").replace(": ", "_"): check for check in self.checks}
        else:
            by_step = {asset.replace("/", "__"): asset for asset in self.assets}
        return by_step.get(step)

    @property
    def failed_asset(self) -> str | None:
        """Return the asset that failed; the alert's first if no problem names one of its assets."""
        for problem in self.problems:
            candidates = (
                self.part_of_step(problem.step),
                problem.error_class.removeprefix("dbt model "),
                problem.step.partition(": ")[0] if problem.is_check else None,
            )
            for candidate in candidates:
                if candidate in self.assets:
                    return candidate
        return self.assets[0] if self.assets else None

    def to_json(self) -> str:
        """Serialise the alert for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Alert":
        """Parse the output of :meth:`to_json`."""
        values: dict[str, Any] = json.loads(text)
        return cls(
            **{
                **values,
                "severity": Severity(values["severity"]),
                "assets": tuple(values["assets"]),
                "owners": tuple(values["owners"]),
                "partitions": tuple(values.get("partitions", ())),
                "problems": tuple(map(Problem.from_values, values["problems"])),
                "checks": tuple(values.get("checks", ())),
                "ops": tuple(values.get("ops", ())),
                "tags": tuple((name, value) for name, value in values.get("tags", ())),
                "facts": tuple((label, value) for label, value in values["facts"]),
            }
        )


def same_kind(problems: Sequence[Problem]) -> list[tuple[Problem, int]]:
    """Return the problems; similar ones of a dynamic step are merged and counted."""
    counted: dict[tuple[str, str, str], tuple[Problem, int]] = {}
    for problem in problems:
        name = without_mapping_index(problem.step)
        key = (name, problem.error_class, normalised(problem.message))
        first, count = counted.get(key, (problem, 0))
        counted[key] = (first, count + 1)
    return list(counted.values())
