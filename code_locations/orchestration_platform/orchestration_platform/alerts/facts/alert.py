"""What has happened that people are told of, without anything secret."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from orchestration_platform.alerts.facts.fingerprint import (
    fingerprint,
    normalised,
    without_mapping_index,
)

UNKNOWN_LOCATION = "(no code location)"


class Severity(StrEnum):
    """How bad it is, the least first."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Problem:
    """One thing that went wrong: a failed step, a check, a tick.

    Attributes:
        step: the step, or what else it went wrong in; empty for the whole of the subject.
        error_class: the class of the error, or a word for its kind.
        message: what it says.
        place: file, line and function in user code; empty when there is none.
        trace: the stack trace; empty when there is none.
        is_check: it is what an asset check found, not a failure of the step.
    """

    step: str
    error_class: str
    message: str
    place: str
    trace: str
    is_check: bool = False


_NO_PROBLEM = Problem("", "", "", "", "")

# A job fails in many ways. A check, a sensor or a location that is in trouble is so until it is
# not, whatever it says meanwhile.
_TOLD_APART_BY_ERROR = frozenset({"JOB_FAILURE", "ASSET_MATERIALIZATION_FAILURE"})


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something that a policy watches has happened.

    Attributes:
        event_type: one of those that ``alert_policies.yaml`` knows.
        severity: how bad it is.
        kind: what the subject is, in people's words: Job, Assets, Asset check, Sensor, ...
        subject: its name; of an automation run its assets.
        at: when, in seconds since 1970, as all times here.
        location: the code location.
        run_id: the run; empty where there is none.
        job_name: of the run.
        assets: what the run was to make, or the asset that is meant; of a run that does checks
            alone, what they look at.
        checks: of such a run, its checks by name.
        ops: those that the run was limited to; empty where it was not.
        partition: the key, or first...last of several; empty without partitions.
        partitions: of several the keys that were not made, where the log of the run has them.
        backfill: its identifier; empty outside of one.
        launched_by: a schedule, a sensor, a person, or what else started the run.
        parent: of an automatic retry, the run that it repeats.
        attempt: 1 for the first, counting Dagster's own retries.
        attempts: how many there are at most; 0 where that is not known.
        duration_seconds: of the run.
        last_success_at: when the subject last succeeded, if it is known.
        owners: of the assets, as Dagster has them: an address, or ``team:name``.
        problems: what went wrong, in the order in which it did; empty for good news.
        more_problems: how many were left out of ``problems``.
        facts: what else there is to say, as label and value.
        consecutive: of a schedule or sensor, how many of its ticks have failed one after another.
        instead: of what is over and yet not in order, what it is now.
        are_owners_known: whether it could be found out who they are, if anybody.
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

    @property
    def is_told_apart_by_error(self) -> bool:
        """Whether two errors of the subject are two troubles."""
        return self.event_type in _TOLD_APART_BY_ERROR

    @property
    def is_of_run(self) -> bool:
        """Whether it is about a run, and not about something that runs or looks."""
        return self.event_type.startswith(("JOB_", "ASSET_MATERIALIZATION_"))

    @property
    def fingerprint(self) -> str:
        """Equal for those that are the same trouble."""
        first = self.problems[0] if self.problems else _NO_PROBLEM
        if not self.is_told_apart_by_error:
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
        """The steps that failed; nothing where it may have been any, or none."""
        steps = frozenset(problem.step for problem in self.problems if not problem.is_check)
        return None if self.more_problems or not steps or "" in steps else steps

    def part_of_step(self, step: str) -> str | None:
        """The asset, or of a run of checks alone the check, that Dagster names ``step`` after."""
        if self.checks:
            by_step = {check.replace("/", "__").replace(": ", "_"): check for check in self.checks}
        else:
            by_step = {asset.replace("/", "__"): asset for asset in self.assets}
        return by_step.get(step)

    def to_json(self) -> str:
        """As text, for the database."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Alert":
        """From :meth:`to_json`."""
        values: dict[str, Any] = json.loads(text)
        return cls(
            **{
                **values,
                "severity": Severity(values["severity"]),
                "assets": tuple(values["assets"]),
                "owners": tuple(values["owners"]),
                "partitions": tuple(values.get("partitions", ())),
                "problems": tuple(Problem(**problem) for problem in values["problems"]),
                "checks": tuple(values.get("checks", ())),
                "ops": tuple(values.get("ops", ())),
                "facts": tuple((label, value) for label, value in values["facts"]),
            }
        )


def same_kind(problems: Sequence[Problem]) -> list[tuple[Problem, int]]:
    """The problems, those of one dynamic step that are alike as one with their number."""
    counted: dict[tuple[str, str, str], tuple[Problem, int]] = {}
    for problem in problems:
        name = without_mapping_index(problem.step)
        key = (name, problem.error_class, normalised(problem.message))
        first, count = counted.get(key, (problem, 0))
        counted[key] = (first, count + 1)
    return list(counted.values())
