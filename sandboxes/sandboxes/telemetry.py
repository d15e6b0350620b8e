"""Real receivers of OTLP over HTTP and of OpenLineage."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from sandboxes.serving import Handler, serving


@dataclass(frozen=True)
class Span:
    """A received span with its attributes as a dictionary."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    status: int
    message: str
    attributes: dict[str, Any]
    service: str


@dataclass
class Receiver:
    """A server on a free port; ``status`` and ``delay`` say how it answers."""

    status: int = 200
    delay: float = 0.0
    spans: list[Span] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    def take(self, path: str, headers: dict[str, str], body: bytes) -> bytes:
        """Keep what was sent, and return the body of the answer."""
        time.sleep(self.delay)
        self.headers.append(headers)
        if path == "/v1/traces":
            request = ExportTraceServiceRequest.FromString(body)
            self.spans += _spans(request)
            return ExportTraceServiceResponse().SerializeToString()
        assert path == "/api/v1/lineage", path
        self.events.append(json.loads(body))
        return b""

    def span(self, name: str) -> Span:
        """Return the only span of that name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def events_of(self, job: str) -> list[dict[str, Any]]:
        """Return the lineage events of a job, by time."""
        found = [event for event in self.events if event["job"]["name"] == job]
        return sorted(found, key=lambda event: (event["eventTime"], event["eventType"] != "START"))


@contextmanager
def receiving(**behaviour: Any) -> Iterator[Receiver]:
    """Serve while the body runs; ``behaviour`` are fields of :class:`Receiver`."""
    receiver = Receiver(**behaviour)

    class ReceivingHandler(Handler):
        def do_POST(self) -> None:
            answer = receiver.take(self.path, dict(self.headers), self.body())
            self.respond(receiver.status, answer)

    with serving(ReceivingHandler) as receiver.url:
        yield receiver


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource_spans in request.resource_spans:
        resource = _attributes(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield Span(
                    name=span.name,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    start=span.start_time_unix_nano,
                    end=span.end_time_unix_nano,
                    status=span.status.code,
                    message=span.status.message,
                    attributes=_attributes(span.attributes),
                    service=resource["service.name"],
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
