"""Observability of a dbt build: sends what :class:`shared_lib.dbt_step.build.DbtBuild` runs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import dagster as dg

from shared_lib.dbt.invocation_record import DbtInvocation, columns_in, relation_of
from shared_lib.dbt.nodes import NODE_EVENTS, Event, NodeRun, node_runs
from shared_lib.dbt_step.place import BuildPlace
from shared_lib.observability.live_nodes import LiveNodes
from shared_lib.observability.observer import Observability, observability
from shared_lib.observability.spans import StepIdentity
from shared_lib.warehouse import Warehouse


@dataclass
class ObservedBuild:
    """A dbt build in a step that reports every node.

    Attributes:
        observer: where to report.
        context: the context of the step.
    """

    observer: Observability
    context: dg.AssetExecutionContext
    _live: LiveNodes | None = None

    # the debug events of dbt that are needed
    debug_events = NODE_EVENTS

    @classmethod
    def of_step(cls, context: dg.AssetExecutionContext) -> Self | None:
        """Return the build of a step; ``None`` if the environment names no endpoint."""
        observer = observability()
        if observer is None:
            return None
        build = cls(observer, context)
        observer.report_by_node(build.step)
        return build

    @property
    def step(self) -> StepIdentity:
        """The identity of the step, for the spans of its nodes."""
        inner = self.context.op_execution_context
        return StepIdentity(
            run_id=self.context.run.run_id,
            job_name=self.context.run.job_name,
            step_key=str(inner.op_handle),
            attempt=inner.retry_number,
        )

    def begin(self, invocation: DbtInvocation) -> None:
        """Store what dbt is about to run on, so that nodes can be reported one by one."""
        self._live = self.observer.dbt_began(self.step, invocation)

    def note(self, event: Event) -> None:
        """Report a node that has started or ended while dbt runs; from any of dbt's threads.

        A failure is logged as a warning, and the node is reported when dbt has ended.
        """
        if self._live is None:
            return
        try:
            self._live.note(event)
        except Exception as error:  # noqa: BLE001 - logged, harms no run
            self._live = None
            self.context.log.warning(f"the dbt nodes are reported only at the end: {error!r}")

    def send(
        self, events: Sequence[Event], invocation: DbtInvocation, built: Warehouse | BuildPlace
    ) -> None:
        """Queue the nodes to be sent in the background.

        A failure is only logged as a warning in the run: the models are built, and nobody should
        have to rebuild them for the sake of a trace.
        """
        try:
            self._send(events, invocation, built)
        except Exception as error:  # noqa: BLE001 - logged, harms no run
            self.context.log.warning(f"the dbt nodes are not observed: {error!r}")

    def finish(self) -> None:
        """Wait for a limited time, if nobody else will, and warn of what was not sent."""
        try:
            self.observer.finish_unless_listened_to(
                self.context.run.run_id, report=self.context.log.warning
            )
        except OSError as error:
            # the temporary directory, which stores how long the run has waited
            self.context.log.warning(f"could not wait for observability to finish: {error}")

    def _send(
        self, events: Sequence[Event], invocation: DbtInvocation, built: Warehouse | BuildPlace
    ) -> None:
        if self.observer.lineage is not None and built.exists():
            with built.reading() as connection:
                invocation = replace(invocation, columns=columns_in(connection))
        self.observer.dbt_ended(
            self.step,
            [_with_rows(node, invocation) for node in node_runs(events)],
            invocation,
            project=invocation.manifest["metadata"]["project_name"],
            target=invocation.target,
            live=self._live,
        )


def _with_rows(node: NodeRun, invocation: DbtInvocation) -> NodeRun:
    """Add the table's row count if dbt's adapter did not report how many rows it wrote."""
    known = invocation.manifest["nodes"].get(node.unique_id)
    rows = None if known is None else invocation.rows.get(relation_of(known))
    return node if node.rows is not None or rows is None else replace(node, rows=rows)
