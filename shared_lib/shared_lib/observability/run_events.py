"""A handler of Dagster's own log that reports every run and step.

Dagster passes each event of a run to the handlers that ``python_logs`` in ``dagster.yaml`` names,
in the process where it happens: run events in the run's process, step events in the step's, with
any executor. So assets need no special code.
"""

import logging
import re
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from shared_lib.observability.log_lines import handler_of_environment
from shared_lib.observability.observer import Observability, observability
from shared_lib.observability.spans import StepIdentity, from_timestamp
from shared_lib.observability.steps_under_way import RUNS, STEPS, StepUnderWay
from shared_lib.stored_errors import StoredError, innermost_message, innermost_type

if TYPE_CHECKING:
    from shared_lib.observability.lineage.asset_datasets import Relations

_logger = logging.getLogger(__name__)

_Kind = dg.DagsterEventType
_RUN_ENDS = frozenset({_Kind.RUN_SUCCESS, _Kind.RUN_FAILURE, _Kind.RUN_CANCELED})
_STEP_BEGINS = frozenset({_Kind.STEP_START, _Kind.STEP_RESTARTED})
_STEP_ENDS = frozenset({_Kind.STEP_SUCCESS, _Kind.STEP_FAILURE, _Kind.STEP_UP_FOR_RETRY})
_OF_DATASETS = frozenset({_Kind.ASSET_MATERIALIZATION, _Kind.ASSET_CHECK_EVALUATION})
_TOLD = frozenset({_Kind.RUN_START}) | _RUN_ENDS | _STEP_BEGINS | _STEP_ENDS | _OF_DATASETS

# Where Dagster records the partition of a run, or the first and the last of a range.
_PARTITION_TAGS = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)

# OpenTelemetry's word for an error whose class is not known.
_UNKNOWN_TYPE = "_OTHER"

# Only the event's text says which attempt starts; the first is 1.
_ATTEMPT = re.compile(r"attempt # ?(\d+)")


class RunEventHandler(logging.Handler):
    """Send spans and lineage events of runs and steps to the environment's endpoints.

    In QA and production it also writes each line of the log as JSON.
    """

    def __init__(self, level: int = logging.NOTSET) -> None:
        """Create the handler, with JSON lines if the environment asks for them."""
        super().__init__(level)
        self._lines = handler_of_environment()

    def emit(self, record: logging.LogRecord) -> None:
        """Report a Dagster event; a failure to do so is printed and harms no run."""
        try:
            if self._lines is not None:
                self._lines.handle(record)
            metadata = getattr(record, "dagster_meta", None) or {}
            event = metadata.get("dagster_event")
            if event is None or event.event_type not in _TOLD:
                return
            if (observer := observability()) is not None:
                _observe(observer, event, metadata, from_timestamp(record.created))
        except Exception:  # noqa: BLE001 - how logging itself treats a failing handler
            self.handleError(record)


def _observe(
    observer: Observability, event: dg.DagsterEvent, metadata: Mapping[str, Any], moment: datetime
) -> None:
    run_id, kind = metadata["run_id"], event.event_type
    if kind is _Kind.RUN_START:
        RUNS[run_id] = moment
        observer.listen_to(run_id)
        observer.run_began(run_id, event.job_name, moment)
    elif kind in _RUN_ENDS:
        _end_run(observer, event, metadata, moment)
    elif kind in _STEP_BEGINS and event.step_key:
        _begin_step(observer, event, run_id, moment)
        STEPS[run_id, event.step_key].partitions |= _partitions_of(metadata)
    elif kind in _STEP_ENDS and event.step_key:
        _end_step(observer, event, run_id, moment)
    elif kind in _OF_DATASETS and event.step_key:
        _note_datasets(observer, event, run_id)


def _type_of_run(event: dg.DagsterEvent) -> str | None:
    if event.event_type is _Kind.RUN_SUCCESS:
        return None
    if event.event_type is _Kind.RUN_CANCELED:
        return "canceled"
    data = event.job_failure_data
    # a failed step is the reason, which its own span describes
    of_step = data.first_step_failure_event
    error = data.error or (_stored(of_step) if of_step else None)
    return (innermost_type(error) if error else None) or _UNKNOWN_TYPE


def _end_run(
    observer: Observability,
    event: dg.DagsterEvent,
    metadata: Mapping[str, Any],
    moment: datetime,
) -> None:
    run_id = metadata["run_id"]
    error = None
    if event.event_type is not _Kind.RUN_SUCCESS:
        error = event.message or "the run was canceled"
    # a run that never started, because its resources failed, has no duration
    started = RUNS.pop(run_id, moment)
    observer.run_ended(
        run_id,
        event.job_name,
        started=started,
        ended=moment,
        error=error,
        error_type=_type_of_run(event),
        partitions=sorted(_partitions_of(metadata)),
    )
    observer.finish(run_id, report=_logger.warning)
    observer.forget(run_id)


def _begin_step(
    observer: Observability, event: dg.DagsterEvent, run_id: str, moment: datetime
) -> None:
    attempt = 0
    if event.event_type is _Kind.STEP_RESTARTED:
        found = _ATTEMPT.search(event.message or "")
        attempt = int(found[1]) - 1 if found else 1
    identity = StepIdentity(run_id, event.job_name, str(event.step_key), attempt)
    STEPS[run_id, identity.step_key] = StepUnderWay(identity, moment)
    observer.listen_to(run_id)
    observer.step_began(identity, moment)


def _end_step(
    observer: Observability, event: dg.DagsterEvent, run_id: str, moment: datetime
) -> None:
    from shared_lib.observability.lineage.step_datasets import StepDatasets

    step = STEPS.pop((run_id, str(event.step_key)), None)
    if step is None:
        return
    observer.step_ended(
        step.identity,
        StepDatasets(
            tuple(sorted(step.inputs)), tuple(step.outputs.values()), step.checked, step.made
        ),
        started=step.started,
        ended=moment,
        error=_error(event),
        error_type=_error_type(event),
    )
    if run_id not in RUNS:
        # this process runs only this step, and ends now
        observer.finish(run_id, report=_logger.warning)


def _error(event: dg.DagsterEvent) -> str | None:
    if event.event_type is _Kind.STEP_SUCCESS:
        return None
    error = _stored(event)
    return innermost_message(error) if error else event.message or "failed"


def _error_type(event: dg.DagsterEvent) -> str | None:
    if event.event_type is _Kind.STEP_SUCCESS:
        return None
    error = _stored(event)
    return (innermost_type(error) if error else None) or _UNKNOWN_TYPE


def _stored(event: dg.DagsterEvent) -> StoredError | None:
    if event.event_type is _Kind.STEP_UP_FOR_RETRY:
        return event.step_retry_data.error
    return event.step_failure_data.error


def _partitions_of(metadata: Mapping[str, Any]) -> set[str]:
    """Return the partition of a run, as its tags have it; a range has two."""
    tags = metadata.get("job_tags") or {}
    return {tags[tag] for tag in _PARTITION_TAGS if tag in tags}


def _note_datasets(observer: Observability, event: dg.DagsterEvent, run_id: str) -> None:
    step = STEPS.get((run_id, str(event.step_key)))
    if step is not None and (key := event.asset_key) is not None:
        step.assets.add(key.to_user_string())
        step.partitions |= {event.partition} if event.partition is not None else set()
    if step is None or observer.lineage is None or observer.is_reported_by_node(step.identity):
        return
    from shared_lib.observability.lineage.step_datasets import relations_of

    # Dagster records these events within the step's function, where a context exists
    relations = relations_of(dg.OpExecutionContext.get(), namespace=observer.namespace)
    if event.event_type is _Kind.ASSET_CHECK_EVALUATION:
        _note_check(step, event.asset_check_evaluation_data, relations)
        return
    materialization = event.step_materialization_data.materialization
    written = {one.name: one for one in relations.written(materialization)}
    step.outputs |= written
    step.datasets[materialization.asset_key] = list(written)
    step.inputs |= set(relations.upstream(materialization.asset_key))


def _note_check(
    step: StepUnderWay, evaluation: dg.AssetCheckEvaluation, relations: "Relations"
) -> None:
    from shared_lib.observability.lineage.step_datasets import CheckOutcome

    outcome = CheckOutcome(
        name=evaluation.check_name,
        passed=evaluation.passed,
        severity=evaluation.severity.value.lower(),
        description=evaluation.description,
    )
    asset = evaluation.asset_key
    step.outcomes.setdefault(asset, []).append(outcome)
    # for an asset that the step itself writes, the materialisation is more precise
    step.datasets.setdefault(asset, relations.of_asset(asset))
