"""Runs that cannot be read; none of them may hold up the failures after it."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.logger import LOGGER_NAME
from orchestration_platform.alerts.sources.runs.facts import (
    kind_of,
    location_of,
    subject_of,
    without_internal_job,
)
from orchestration_platform.alerts.sources.runs.plan import RunScope, scope_of
from shared_lib.secrets import redact

# The database may be at fault and not the run: the run is passed over only after this many failed
# passes.
MOST_ATTEMPTS = 3

_NO_PROBLEM = Problem("", "", "", "", "")


@dataclass
class Attempt:
    """An attempt to read one run.

    Attributes:
        found: what was read; None if the run is passed over.
        problem: why it is passed over.
    """

    found: Any = None
    problem: Problem = _NO_PROBLEM


@dataclass(frozen=True)
class UnreadableRuns:
    """How often each run could not be read."""

    _attempts: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def reading(self, run_id: str) -> Iterator[Attempt]:
        """Read a run; raise its error until the run has failed too often."""
        attempt = Attempt()
        try:
            yield attempt
        except Exception as error:
            self._attempts[run_id] += 1
            if self._attempts[run_id] < MOST_ATTEMPTS:
                error.add_note(f"while reading run {run_id}")
                raise
            text = redact(f"the run could not be read: {type(error).__name__}: {error}")
            logging.getLogger(LOGGER_NAME).warning("run %s is skipped: %s", run_id, text)
            attempt.found, attempt.problem = None, Problem("", "Unreadable", text, "", "")
        self._attempts.pop(run_id, None)


def unread_failure(entry: dg.EventLogEntry, record: dg.RunRecord | None, problem: Problem) -> Alert:
    """Return what is reported about a failed run when only the failure itself is known."""
    run, kind = record.dagster_run if record else None, EventType.JOB_FAILURE
    job_name = entry.job_name or ""
    scope = scope_of(run) if run else RunScope()
    return Alert(
        event_type=kind.value,
        severity=kind.severity,
        kind=kind_of(job_name),
        subject=subject_of(job_name, scope.assets),
        at=entry.timestamp,
        location=location_of(run),
        run_id=entry.run_id,
        job_name=job_name,
        assets=scope.assets,
        checks=scope.checks,
        ops=scope.ops,
        duration_seconds=entry.timestamp - record.start_time
        if record and record.start_time
        else None,
        problems=(without_internal_job(problem, job_name),),
    )
