"""Spans of runs, steps and dbt nodes as plain data, without importing OpenTelemetry."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared_lib.dbt.nodes import NodeRun
from shared_lib.observability import identity
from shared_lib.observability.place import environment, location

Attribute = str | int | float | bool


@dataclass(frozen=True)
class SpanRecord:
    """A span that has ended.

    Attributes:
        name: what ran.
        trace_id: the trace id, 128 bits.
        span_id: the span id, 64 bits.
        parent_id: the id of the parent span; ``None`` for a run.
        started: when it started.
        ended: when it ended.
        attributes: the span's attributes.
        error: why it failed; ``None`` if it did not.
    """

    name: str
    trace_id: int
    span_id: int
    parent_id: int | None
    started: datetime
    ended: datetime
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    error: str | None = None


@dataclass(frozen=True)
class StepIdentity:
    """The identity of an attempt at a step of a run; ``attempt`` counts from 0."""

    run_id: str
    job_name: str
    step_key: str
    attempt: int

    @property
    def span_id(self) -> int:
        """The id of the step's span."""
        return identity.step_span_id(self.run_id, self.step_key, self.attempt)


def run_span(
    run_id: str,
    job_name: str,
    *,
    started: datetime,
    ended: datetime,
    error: str | None,
    error_type: str | None = None,
    partitions: Sequence[str] = (),
) -> SpanRecord:
    """Return the root span of a run."""
    return SpanRecord(
        name=job_name,
        trace_id=identity.trace_id(run_id),
        span_id=identity.run_span_id(run_id),
        parent_id=None,
        started=started,
        ended=ended,
        attributes={
            "dagster.run_id": run_id,
            "dagster.job_name": job_name,
            **_place(),
            **_known("dagster.partition", partitions),
            **_error_type(error_type),
        },
        error=error,
    )


def step_span(
    step: StepIdentity,
    *,
    started: datetime,
    ended: datetime,
    error: str | None,
    error_type: str | None = None,
    made: Sequence[tuple[str, str]] = (),
) -> SpanRecord:
    """Return the span of one attempt at a step, below the run's span."""
    return SpanRecord(
        name=step.step_key,
        trace_id=identity.trace_id(step.run_id),
        span_id=step.span_id,
        parent_id=identity.run_span_id(step.run_id),
        started=started,
        ended=ended,
        attributes={
            "dagster.run_id": step.run_id,
            "dagster.job_name": step.job_name,
            "dagster.step_key": step.step_key,
            "dagster.attempt": step.attempt,
            **_place(),
            **_known("dagster.asset", [name for kind, name in made if kind == "asset"]),
            **_known("dagster.partition", [name for kind, name in made if kind == "partition"]),
            **_error_type(error_type),
        },
        error=error,
    )


def node_spans(
    step: StepIdentity,
    nodes: Sequence[NodeRun],
    *,
    project: str,
    target: str,
    manifest: Mapping[str, Any],
) -> Iterator[SpanRecord]:
    """Yield a span for each dbt node below the step's, and below it one for each batch."""
    for node in nodes:
        common: dict[str, Attribute] = {
            "dagster.run_id": step.run_id,
            "dagster.step_key": step.step_key,
            "dbt.project": project,
            "dbt.target": target,
            "dbt.model": node.name,
            "dbt.unique_id": node.unique_id,
            "dbt.resource_type": node.resource_type,
            "dbt.materialization": node.materialization,
            **_place(),
            **_database(manifest["nodes"].get(node.unique_id)),
        }
        span_id = identity.node_span_id(step.span_id, node.unique_id)
        yield SpanRecord(
            name=node.name,
            trace_id=identity.trace_id(step.run_id),
            span_id=span_id,
            parent_id=step.span_id,
            started=node.started,
            ended=node.ended,
            attributes=common
            | _outcome(node)
            | _error_type(node.status if node.has_failed else None),
            error=node.message or node.status if node.has_failed else None,
        )
        for batch in node.batches:
            yield SpanRecord(
                name=f"{node.name} {batch.name}",
                trace_id=identity.trace_id(step.run_id),
                span_id=identity.node_span_id(step.span_id, node.unique_id, batch.index),
                parent_id=span_id,
                started=batch.started,
                ended=batch.ended,
                attributes=common
                | {"dbt.batch": batch.name, "dbt.status": batch.status}
                | _error_type(batch.status if batch.has_failed else None),
                error=batch.status if batch.has_failed else None,
            )


def _place() -> dict[str, Attribute]:
    """Return where the process runs."""
    known = {"deployment.environment.name": environment(), "dagster.location": location()}
    return {name: value for name, value in known.items() if value}


def _known(name: str, values: Sequence[str]) -> dict[str, Attribute]:
    return {name: ",".join(values)} if values else {}


def _error_type(kind: str | None) -> dict[str, Attribute]:
    """Return OpenTelemetry's attribute for the class of a failure."""
    return {"error.type": kind} if kind else {}


def _database(node: Mapping[str, Any] | None) -> dict[str, Attribute]:
    """Return OpenTelemetry's attributes of the database, for a node of the manifest."""
    known: dict[str, Attribute] = {"db.system.name": "duckdb"}
    if node is None or not node.get("schema"):
        return known
    known["db.namespace"] = ".".join(filter(None, (node.get("database"), node["schema"])))
    if node["resource_type"] in {"model", "seed", "snapshot"}:
        known["db.collection.name"] = node.get("alias") or node["name"]
        known["dagster.asset"] = node["name"]
    return known


def _outcome(node: NodeRun) -> dict[str, Attribute]:
    known: dict[str, Attribute | None] = {
        "dbt.status": node.status,
        "dbt.message": node.message,
        "dbt.rows": node.rows,
        "dbt.failures": node.failures,
        "dbt.invocation_id": node.invocation_id,
    }
    return {name: value for name, value in known.items() if value is not None}


def from_timestamp(seconds: float) -> datetime:
    """Convert a Dagster time, in seconds since 1970, to the form used in spans."""
    return datetime.fromtimestamp(seconds, UTC)
