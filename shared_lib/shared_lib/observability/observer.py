"""What a process sends about the runs in which it takes part.

:func:`observability` is ``None``, at no cost, unless the environment names an endpoint. The code
that sends, and that builds events from results, is imported in the delivery threads.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shared_lib.dbt.nodes import NodeRun
from shared_lib.observability.background import Channel, Delivery
from shared_lib.observability.run_budget import WaitingAllowance
from shared_lib.observability.settings import (
    SECONDS_VARIABLE,
    LineageEndpoint,
    ObservabilitySettings,
    TraceEndpoint,
    current_settings,
    without_credentials,
)
from shared_lib.observability.spans import (
    SpanRecord,
    StepIdentity,
    node_spans,
    run_span,
    step_span,
)

if TYPE_CHECKING:
    from openlineage.client.event_v2 import RunEvent

    from shared_lib.dbt.invocation_record import DbtInvocation
    from shared_lib.observability.lineage.step_datasets import StepDatasets
    from shared_lib.observability.lineage.steps import State
    from shared_lib.observability.live_nodes import LiveNodes

# A lineage consumer accepts one event per request and answers in 5 to 50 ms.
_LINEAGE_THREADS = 4

_logger = logging.getLogger(__name__)


@dataclass
class Observability:
    """The endpoints of this process.

    Attributes:
        namespace: OpenLineage's namespace of jobs and of datasets that are not tables.
        traces: where spans go.
        lineage: where lineage events go.
    """

    namespace: str
    traces: tuple[Channel, ...]
    lineage: Channel | None
    _runs_listened_to: set[str] = field(default_factory=set)
    _steps_reported_by_node: set[StepIdentity] = field(default_factory=set)

    def listen_to(self, run_id: str) -> None:
        """Record that the end of the run in this process will be signalled."""
        self._runs_listened_to.add(run_id)

    def report_by_node(self, step: StepIdentity) -> None:
        """Record that the dbt nodes of ``step`` report its datasets, not the step itself."""
        self._steps_reported_by_node.add(step)

    def is_reported_by_node(self, step: StepIdentity) -> bool:
        """Return whether the dbt nodes of ``step`` report its datasets."""
        return step in self._steps_reported_by_node

    def run_began(self, run_id: str, job_name: str, moment: datetime) -> None:
        """Report that a run has started."""
        self._send_run_event(run_id, job_name, state="START", moment=moment, error=None)

    def run_ended(
        self,
        run_id: str,
        job_name: str,
        *,
        started: datetime,
        ended: datetime,
        error: str | None,
        error_type: str | None = None,
        partitions: Sequence[str] = (),
    ) -> None:
        """Send a run's span and its last lineage event."""
        span = run_span(
            run_id,
            job_name,
            started=started,
            ended=ended,
            error=error,
            error_type=error_type,
            partitions=partitions,
        )
        self._send_spans([span])
        state = "COMPLETE" if error is None else "FAIL"
        self._send_run_event(run_id, job_name, state=state, moment=ended, error=error)

    def step_began(self, step: StepIdentity, moment: datetime) -> None:
        """Report that a step has started."""
        from shared_lib.observability.lineage.step_datasets import StepDatasets

        self._send_step_event(
            step, StepDatasets(), state="START", started=moment, moment=moment, error=None
        )

    def step_ended(
        self,
        step: StepIdentity,
        datasets: "StepDatasets",
        *,
        started: datetime,
        ended: datetime,
        error: str | None,
        error_type: str | None = None,
    ) -> None:
        """Send a step's span and its last lineage event."""
        span = step_span(
            step,
            started=started,
            ended=ended,
            error=error,
            error_type=error_type,
            made=datasets.made,
        )
        self._send_spans([span])
        state = "COMPLETE" if error is None else "FAIL"
        self._send_step_event(
            step, datasets, state=state, started=started, moment=ended, error=error
        )

    def dbt_began(self, step: StepIdentity, invocation: "DbtInvocation") -> "LiveNodes | None":
        """Return the receiver of dbt's events while dbt runs; ``None`` without lineage endpoint."""
        if self.lineage is None:
            return None
        from shared_lib.observability.live_nodes import LiveNodes

        return LiveNodes(self.lineage, step, invocation, self.namespace)

    def dbt_ended(
        self,
        step: StepIdentity,
        nodes: Sequence[NodeRun],
        invocation: "DbtInvocation",
        *,
        project: str,
        target: str,
        live: "LiveNodes | None" = None,
    ) -> None:
        """Send the spans and lineage events of the nodes of a dbt invocation.

        Args:
            step: the step in which dbt ran.
            nodes: the selected nodes.
            invocation: the results of the invocation.
            project: the project's name.
            target: the target of the profile.
            live: what was already reported about the nodes.
        """
        spans = node_spans(
            step, nodes, project=project, target=target, manifest=invocation.manifest
        )
        self._send_spans(list(spans))
        if self.lineage is None:
            return
        lineage, namespace = self.lineage, self.namespace

        def make_events(_: Callable[["RunEvent"], None]) -> None:
            from shared_lib.observability.live_nodes import node_events

            for events in node_events(nodes, invocation, step=step, namespace=namespace, live=live):
                lineage.submit(_each(events))

        lineage.submit(make_events)

    def finish(self, run_id: str, *, report: Callable[[str], object]) -> None:
        """Wait for pending work, as long as the run may, and report what was not sent."""
        allowance, started = WaitingAllowance(run_id), time.monotonic()
        allowance.spend(self._delivery.take_processor_seconds())
        self._delivery.wait(allowance.remaining())
        # while the run waited, the threads took no time from it
        self._delivery.take_processor_seconds()
        allowance.spend(time.monotonic() - started)
        self._complain(allowance, report)

    def finish_unless_listened_to(self, run_id: str, *, report: Callable[[str], object]) -> None:
        """Finish now if nobody else will; otherwise report what is known not to be sent."""
        if run_id not in self._runs_listened_to:
            self.finish(run_id, report=report)
        elif self._delivery.has_failed():
            self._complain(WaitingAllowance(run_id), report)

    def forget(self, run_id: str) -> None:
        """Discard everything about a run that has ended."""
        WaitingAllowance(run_id).forget()
        self._runs_listened_to.discard(run_id)
        self._steps_reported_by_node = {
            step for step in self._steps_reported_by_node if step.run_id != run_id
        }

    def _complain(self, allowance: WaitingAllowance, report: Callable[[str], object]) -> None:
        complaint = self._delivery.complaint()
        if complaint is not None and allowance.is_first_complaint():
            report(complaint)

    @property
    def _delivery(self) -> Delivery:
        return Delivery((*self.traces, *((self.lineage,) if self.lineage else ())))

    def _send_spans(self, spans: Sequence[SpanRecord]) -> None:
        for channel in self.traces:
            channel.submit(lambda send: send(spans))

    def _send_run_event(self, run_id: str, job_name: str, **what: Any) -> None:
        if self.lineage is None:
            return
        namespace = self.namespace

        def send_event(send: Callable[["RunEvent"], None]) -> None:
            from shared_lib.observability.lineage.steps import run_event

            send(run_event(run_id, job_name, namespace=namespace, **what))

        self.lineage.submit(send_event)

    def _send_step_event(
        self,
        step: StepIdentity,
        datasets: "StepDatasets",
        *,
        state: "State",
        started: datetime,
        moment: datetime,
        error: str | None,
    ) -> None:
        if self.lineage is None:
            return
        namespace = self.namespace

        def send_event(send: Callable[["RunEvent"], None]) -> None:
            from shared_lib.observability.lineage.steps import step_event

            send(
                step_event(
                    step,
                    datasets,
                    state=state,
                    started=started,
                    moment=moment,
                    error=error,
                    namespace=namespace,
                )
            )

        self.lineage.submit(send_event)


def observability() -> Observability | None:
    """Return the endpoints that the environment names now, or ``None``.

    An invalid variable is reported once per process, and disables traces or lineage, whichever it
    configures.
    """
    return _for_environment(os.getpid(), _relevant_variables())


def _relevant_variables() -> tuple[tuple[str, str], ...]:
    return tuple(
        sorted(
            (name, value)
            for name, value in os.environ.items()
            if name.startswith(("OTEL_", "OPENLINEAGE_", SECONDS_VARIABLE))
        )
    )


# Two, so that a process keeps its threads; the key includes the process id because of forks.
@lru_cache(maxsize=2)
def _for_environment(_process: int, variables: tuple[tuple[str, str], ...]) -> Observability | None:
    if not variables:
        return None
    settings = current_settings()
    for problem in settings.problems:
        _logger.warning("%s", problem)
    return None if settings.is_off else _connected(settings)


def _connected(settings: ObservabilitySettings) -> Observability:
    return Observability(
        namespace=settings.namespace,
        traces=tuple(_traces_channel(endpoint) for endpoint in settings.traces),
        lineage=None if settings.lineage is None else _lineage_channel(settings.lineage),
    )


def _traces_channel(endpoint: TraceEndpoint) -> Channel:
    def connect() -> Callable[[Sequence[SpanRecord]], None]:
        from shared_lib.observability.sending.transports import connect_traces

        return connect_traces(endpoint)

    return Channel(f"traces at {without_credentials(endpoint.address) or endpoint.kind}", connect)


def _lineage_channel(endpoint: LineageEndpoint) -> Channel:
    def connect() -> Callable[["RunEvent"], None]:
        from shared_lib.observability.sending.transports import connect_lineage

        return connect_lineage(endpoint)

    threads = _LINEAGE_THREADS if endpoint.transport["type"] == "http" else 1
    return Channel(f"lineage at {without_credentials(endpoint.address)}", connect, threads)


def _each(events: Sequence["RunEvent"]) -> Callable[[Callable[["RunEvent"], None]], None]:
    """Return work that sends events that belong together, in order."""

    def send_all(send: Callable[["RunEvent"], None]) -> None:
        for event in events:
            send(event)

    return send_all
