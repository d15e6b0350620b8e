"""The ids of a run's spans and lineage runs, derived from Dagster's own.

Steps may run in processes that do not know one another. Each computes the same ids, so that
their spans belong to one trace. The trace id and the run id are the same number.
"""

import hashlib
from datetime import datetime
from uuid import UUID

_SPAN_ID_BYTES = 8
_TRACE_ID_BYTES = 16


def trace_id(run_id: str) -> int:
    """Return a run's trace id, 128 bits: the run id itself if it is a UUID, as is usual."""
    try:
        return UUID(run_id).int
    except ValueError:
        return _digest(_TRACE_ID_BYTES, run_id)


def run_span_id(run_id: str) -> int:
    """Return the span id of a run, 64 bits."""
    return _digest(_SPAN_ID_BYTES, run_id)


def step_span_id(run_id: str, step_key: str, attempt: int) -> int:
    """Return the span id of one attempt at a step; ``attempt`` counts from 0."""
    return _digest(_SPAN_ID_BYTES, run_id, step_key, str(attempt))


def node_span_id(parent: int, unique_id: str, batch: int = 0) -> int:
    """Return the span id of a dbt node or one of its batches, below the step span ``parent``."""
    return _digest(_SPAN_ID_BYTES, f"{parent:x}", unique_id, str(batch))


def lineage_run_id(span_id: int, run_id: str, started: datetime) -> str:
    """Return OpenLineage's run id for a span: a version 7 UUID based on its start."""
    from openlineage.client.uuid import generate_static_uuid

    return str(generate_static_uuid(started, f"{run_id}/{span_id:x}".encode()))


def _digest(length: int, *parts: str) -> int:
    # a UUID or span id of zero is invalid, hence the lowest bit
    digest = hashlib.sha256("\0".join(parts).encode()).digest()[:length]
    return int.from_bytes(digest) | 1
