"""Report dbt nodes one by one while dbt runs: the start of each, and its outcome.

Columns, rows and SQL follow later, because they are known only when dbt has released the warehouse.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared_lib.dbt.invocation_record import DbtInvocation
from shared_lib.dbt.nodes import NODE_BEGINS, NODE_ENDS, Event, NodeRun, node_of
from shared_lib.observability.background import Channel
from shared_lib.observability.settings import longest_request_seconds
from shared_lib.observability.spans import StepIdentity

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

    from shared_lib.observability.lineage.dbt_nodes import InProcessDbt


@dataclass
class LiveNodes:
    """The nodes of a running dbt invocation.

    Attributes:
        channel: where to send.
        step: the step in which dbt runs.
        invocation: the inputs of dbt, without its results.
        namespace: OpenLineage's namespace of jobs.
    """

    channel: Channel
    step: StepIdentity
    invocation: DbtInvocation
    namespace: str
    _begun: dict[str, datetime] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)
    # set when a node's start has been sent, so that its end does not overtake it
    _sent: dict[str, threading.Event] = field(default_factory=dict)
    _noting: threading.Lock = field(default_factory=threading.Lock)
    _making: threading.Lock = field(default_factory=threading.Lock)
    _processor: "InProcessDbt | None" = None

    def note(self, event: Event) -> None:
        """Queue what a dbt event reports about a node; returns immediately, from any thread."""
        kind = event["info"]["name"]
        if kind not in {NODE_BEGINS, NODE_ENDS}:
            return
        node = node_of(event)
        with self._noting:
            # the batches of a model start and end separately, each with its own start event
            if kind == NODE_BEGINS and node.unique_id not in self._begun:
                self._begun[node.unique_id] = node.started
                self._sent[node.unique_id] = threading.Event()
                self.channel.submit(self._start_of(node))
            elif kind == NODE_ENDS and self._begun.get(node.unique_id) == node.started:
                self._ended.add(node.unique_id)
                self.channel.submit(self._end_of(node))

    def has_begun(self, node: NodeRun) -> bool:
        """Return whether the start of ``node`` was queued."""
        return node.unique_id in self._begun

    def has_ended(self, node: NodeRun) -> bool:
        """Return whether the end of ``node`` was queued."""
        return node.unique_id in self._ended

    def _start_of(self, node: NodeRun) -> Callable[[Callable[[Any], None]], None]:
        def send_start(send: Callable[["RunEvent"], None]) -> None:
            try:
                with self._making:
                    event = self._processor_of_invocation().start_of(node)
                send(event)
            finally:
                self._sent[node.unique_id].set()

        return send_start

    def _end_of(self, node: NodeRun) -> Callable[[Callable[[Any], None]], None]:
        def send_end(send: Callable[["RunEvent"], None]) -> None:
            with self._making:
                event = self._processor_of_invocation().end_of(node)
            self._sent[node.unique_id].wait(longest_request_seconds())
            send(event)

        return send_end

    def _processor_of_invocation(self) -> "InProcessDbt":
        if self._processor is None:
            from shared_lib.observability.lineage.dbt_nodes import InProcessDbt

            self._processor = InProcessDbt(
                self.invocation, step=self.step, namespace=self.namespace
            )
        return self._processor


def node_events(
    nodes: Sequence[NodeRun],
    invocation: DbtInvocation,
    *,
    step: StepIdentity,
    namespace: str,
    live: LiveNodes | None = None,
) -> Iterator[list["RunEvent"]]:
    """Yield for each dbt node START and then COMPLETE, FAIL or, if it was skipped, ABORT.

    For a node that was reported while dbt was running, yield OTHER, with what was not known then.
    """
    from shared_lib.observability.lineage.dbt_nodes import InProcessDbt

    processor = InProcessDbt(invocation, step=step, namespace=namespace)
    for node in nodes:
        if live is not None and live.has_ended(node):
            yield [] if node.was_skipped else [processor.supplement_of(node)]
        elif live is not None and live.has_begun(node):
            yield [processor.end_of(node)]
        else:
            yield [processor.start_of(node), processor.end_of(node)]
