"""The outcome of each dbt node, from the events that dbt emits while it runs.

dbt emits ``NodeFinished`` for every selected node: built, failed, warned or skipped. It has level
debug, so dbt's log does not show it at the default level. A model in batches has one event for
each batch and then its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

Event = Mapping[str, Any]

NODE_BEGINS, NODE_ENDS = "NodeStart", "NodeFinished"

# The debug events that are needed.
NODE_EVENTS = frozenset({NODE_BEGINS, NODE_ENDS})

FAILED_STATUSES = frozenset({"error", "fail", "runtime error", "partial success"})
SKIPPED_STATUS = "skipped"


@dataclass(frozen=True)
class BatchRun:
    """One batch of a microbatch model; ``index`` counts from 1."""

    index: int
    name: str
    status: str
    started: datetime
    ended: datetime

    @property
    def has_failed(self) -> bool:
        """Whether dbt reports an error."""
        return self.status in FAILED_STATUSES


@dataclass(frozen=True)
class NodeRun:
    """The outcome of one node, in dbt's own terms and times.

    Attributes:
        unique_id: as in the manifest.
        name: the name without project and type.
        resource_type: model, test, seed, snapshot or unit_test.
        materialization: table, view, test and so on.
        status: success, pass, warn, fail, error, partial success or skipped.
        started: when dbt started it.
        ended: when it ended; equal to the start if it was skipped.
        message: dbt's message; ``None`` without one.
        rows: how many rows it wrote or holds, if known.
        failures: how many rows failed a test.
        invocation_id: the id of the dbt invocation.
        event: the event it was read from.
        batches: the batches of a microbatch model, in order.
    """

    unique_id: str
    name: str
    resource_type: str
    materialization: str
    status: str
    started: datetime
    ended: datetime
    message: str | None
    rows: int | None
    failures: int | None
    invocation_id: str
    event: Event
    batches: Sequence[BatchRun] = ()

    @property
    def has_failed(self) -> bool:
        """Whether dbt reports a failure or an error."""
        return self.status in FAILED_STATUSES

    @property
    def was_skipped(self) -> bool:
        """Whether it did not run because an upstream node failed."""
        return self.status == SKIPPED_STATUS


def node_runs(events: Iterable[Event]) -> list[NodeRun]:
    """Return the nodes of one dbt invocation in the order in which they ended."""
    finished: dict[str, NodeRun] = {}
    batches: dict[str, list[BatchRun]] = {}
    for event in events:
        kind = event["info"]["name"]
        if kind == NODE_ENDS:
            node = node_of(event)
            # batches end before their model, which is the last event of that name
            finished.pop(node.unique_id, None)
            finished[node.unique_id] = node
        elif kind == "LogBatchResult":
            unique_id = event["data"]["node_info"]["unique_id"]
            batches.setdefault(unique_id, []).append(_batch_run(event["data"]))
    return [
        replace(node, batches=sorted(batches.get(unique_id, ()), key=lambda batch: batch.index))
        for unique_id, node in finished.items()
    ]


def node_of(event: Event) -> NodeRun:
    """Return the node whose start or end an event reports, as far as the event describes it."""
    info, result = event["data"]["node_info"], event["data"].get("run_result") or {}
    is_test = info["resource_type"] in {"test", "unit_test"}
    rows = (result.get("adapter_response") or {}).get("rows_affected")
    started, ended = _times(info)
    return NodeRun(
        unique_id=info["unique_id"],
        name=info["node_name"],
        resource_type=info["resource_type"],
        materialization=info["materialized"],
        status=info["node_status"].lower(),
        started=started,
        ended=ended,
        message=result.get("message") or None,
        rows=None if rows is None else int(rows),
        failures=int(result.get("num_failures") or 0) if is_test else None,
        invocation_id=event["info"]["invocation_id"],
        event=event,
    )


def _batch_run(data: Mapping[str, Any]) -> BatchRun:
    info = data["node_info"]
    started, ended = _times(info)
    return BatchRun(
        index=data["batch_index"],
        name=data["description"].split(" of ")[0],
        status=info["node_status"].lower(),
        started=started,
        ended=ended,
    )


def _times(info: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """Return start and end; a skipped node has no end."""
    started = _time(info["node_started_at"])
    return started, _time(info["node_finished_at"]) if info.get("node_finished_at") else started


def _time(text: str) -> datetime:
    """Parse a time from dbt: always UTC, sometimes without an offset."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
