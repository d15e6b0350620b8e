"""Failures that are stored again: as many as a test wants, without as many runs.

A real run has failed once. Its failure is what Dagster stored of it, under another run's identifier
and another job's name, through the methods of the instance by which runs store their own events.
"""

import time
import uuid
from collections.abc import Iterator
from itertools import product

import dagster as dg

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# What the alerts read of a failed run.
_STORED = (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE)


def job_names() -> Iterator[str]:
    """Names that differ in more than a number, which two failures of one kind may differ in."""
    for letters in product(_LETTERS, repeat=3):
        yield f"job_{''.join(letters)}"


class RecordedFailure:
    """What is stored of a run that has failed."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        """Read it."""
        run = instance.get_run_by_id(run_id)
        assert run is not None
        self._run = run
        self._entries = [
            entry for entry in instance.all_logs(run_id) if entry.dagster_event_type in _STORED
        ]
        assert len(self._entries) == len(_STORED)

    def store(self, instance: dg.DagsterInstance, job_name: str) -> str:
        """Store it as the failure of a new run of ``job_name``; returns the run's identifier."""
        run_id = str(uuid.uuid4())
        instance.add_run(
            self._run._replace(
                run_id=run_id,
                job_name=job_name,
                status=dg.DagsterRunStatus.STARTED,
                # another instance may not have them
                job_snapshot_id=None,
                execution_plan_snapshot_id=None,
            )
        )
        for entry in self._entries:
            instance.handle_new_event(
                entry._replace(run_id=run_id, job_name=job_name, timestamp=time.time())
            )
        return run_id
