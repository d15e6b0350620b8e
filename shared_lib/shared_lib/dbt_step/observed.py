"""What is told of a dbt build: the connection of :class:`shared_lib.dbt_step.build.DbtBuild`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import dagster as dg

from shared_lib.dbt.invocation_record import DbtInvocation, columns_in, relation_of
from shared_lib.dbt.nodes import NODE_EVENTS, Event, NodeRun, node_runs
from shared_lib.observability.live_nodes import LiveNodes
from shared_lib.observability.observer import Observability, observability
from shared_lib.observability.spans import StepIdentity
from shared_lib.warehouse import Warehouse


@dataclass
class ObservedBuild:
    """A dbt build in a step, every node of which is told.

    Attributes:
        layer: where to.
        context: of the step.
    """

    layer: Observability
    context: dg.AssetExecutionContext
    _live: LiveNodes | None = None

    # of dbt's events for debugging, those that are needed
    debug_events = NODE_EVENTS

    @classmethod
    def of_step(cls, context: dg.AssetExecutionContext) -> Self | None:
        """The build of a step; ``None`` when the environment names no endpoint."""
        layer = observability()
        if layer is None:
            return None
        build = cls(layer, context)
        layer.tell_by_node(build.step)
        return build

    @property
    def step(self) -> StepIdentity:
        """The step, as the spans of its nodes know it."""
        inner = self.context.op_execution_context
        return StepIdentity(
            run_id=self.context.run.run_id,
            job_name=self.context.run.job_name,
            step_key=str(inner.op_handle),
            attempt=inner.retry_number,
        )

    def begin(self, invocation: DbtInvocation) -> None:
        """Know what dbt is about to run on, so that its nodes can be told one by one."""
        self._live = self.layer.dbt_began(self.step, invocation)

    def note(self, event: Event) -> None:
        """Tell of a node that has begun or ended while dbt goes on; from any of dbt's threads.

        What goes wrong with it is a warning, and the node is told when dbt has ended.
        """
        if self._live is None:
            return
        try:
            self._live.note(event)
        except Exception as error:  # noqa: BLE001 - told, and harms no run
            self._live = None
            self.context.log.warning(f"the dbt nodes are told only at the end: {error!r}")

    def send(
        self, events: Sequence[Event], invocation: DbtInvocation, warehouse: Warehouse
    ) -> None:
        """Hand the nodes over, to be sent in the background.

        What goes wrong with it is a warning in the log of the run and nothing more: the models
        are built, and nobody should have to build them again for the sake of a trace.
        """
        try:
            self._send(events, invocation, warehouse)
        except Exception as error:  # noqa: BLE001 - told, and harms no run
            self.context.log.warning(f"the dbt nodes are not observed: {error!r}")

    def finish(self) -> None:
        """Wait within bounds, when nobody else will, and warn of what was not sent."""
        try:
            self.layer.finish_unless_listened_to(
                self.context.run.run_id, say=self.context.log.warning
            )
        except OSError as error:
            # the temporary directory, in which the time is kept that the run has waited
            self.context.log.warning(f"not waited for what observes the run: {error}")

    def _send(
        self, events: Sequence[Event], invocation: DbtInvocation, warehouse: Warehouse
    ) -> None:
        if self.layer.lineage is not None and invocation.warehouse.exists():
            with warehouse.reading() as connection:
                invocation = replace(invocation, columns=columns_in(connection))
        self.layer.dbt_ended(
            self.step,
            [_with_rows(node, invocation) for node in node_runs(events)],
            invocation,
            project=invocation.manifest["metadata"]["project_name"],
            target=invocation.target,
            live=self._live,
        )


def _with_rows(node: NodeRun, invocation: DbtInvocation) -> NodeRun:
    """With the rows of the table, where dbt's adapter has not said how many it wrote."""
    known = invocation.manifest["nodes"].get(node.unique_id)
    rows = None if known is None else invocation.rows.get(relation_of(known))
    return node if node.rows is not None or rows is None else replace(node, rows=rows)
