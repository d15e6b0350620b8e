"""The senders: OTLP over HTTP, OpenLineage's transports, files and the console.

Everything here is created and used in the delivery threads, where the imports cost the run only
processor time.
"""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared_lib.observability.background import NotSentError
from shared_lib.observability.place import environment, location
from shared_lib.observability.sending.header_secrets import revealed
from shared_lib.observability.sending.kafka import connect_kafka
from shared_lib.observability.settings import (
    LineageEndpoint,
    TraceEndpoint,
    longest_request_seconds,
)
from shared_lib.observability.spans import SpanRecord

if TYPE_CHECKING:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

SendSpans = Callable[[Sequence[SpanRecord]], None]
SendEvent = Callable[[Any], None]

_SERVICE = "dagster"

# OpenTelemetry's name for where a service is deployed.
_ENVIRONMENT = "deployment.environment.name"


def connect_traces(endpoint: TraceEndpoint) -> SendSpans:
    """Return a function that sends spans to ``endpoint``.

    Raises:
        NotSentError: by the returned function, if the endpoint does not accept the spans.
    """
    if endpoint.kind == "http":
        return _otlp_over_http(endpoint)
    resource = _resource()
    if endpoint.kind == "file":
        return lambda spans: _append(Path(endpoint.address), _otlp_json(spans, resource))
    return lambda spans: _print(_otlp_json(spans, resource))


def connect_lineage(endpoint: LineageEndpoint) -> SendEvent:
    """Return a function that sends an event to ``endpoint``; it raises if that is refused."""
    from openlineage.client.transport import get_default_factory

    configuration = dict(endpoint.transport)
    if configuration["type"] == "console":
        # OpenLineage's own transport logs at level info, invisible unless logging is configured
        return _print_event
    if headers := configuration.get("custom_headers"):
        configuration["custom_headers"] = revealed(headers)
    if configuration["type"] == "kafka":
        return connect_kafka(configuration)
    if key := configuration.get("auth", {}).get("apiKey"):
        configuration["auth"] = {**configuration["auth"], **revealed({"apiKey": key})}
    return get_default_factory().create(configuration).emit


def _otlp_over_http(endpoint: TraceEndpoint) -> SendSpans:
    import requests
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SpanExportResult

    class OutcomeKeepingSession(requests.Session):
        """Keep the reason of a failure, which the exporter does not report."""

        outcome = "no answer"

        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            try:
                response = super().send(request, **options)
            except requests.RequestException as error:
                self.outcome = f"{type(error).__name__}: {error}"
                raise
            self.outcome = f"HTTP {response.status_code}"
            return response

    # otherwise it logs every failure twice, in different words
    logging.getLogger("opentelemetry.exporter").setLevel(logging.CRITICAL)
    session = OutcomeKeepingSession()
    exporter = OTLPSpanExporter(
        endpoint=endpoint.address,
        headers=revealed(endpoint.headers),
        timeout=longest_request_seconds(),
        session=session,
    )
    resource = _resource()

    def send(spans: Sequence[SpanRecord]) -> None:
        outcome = exporter.export([_readable(span, resource) for span in spans])
        if outcome is not SpanExportResult.SUCCESS:
            raise NotSentError(session.outcome)

    return send


def _resource() -> "Resource":
    import os

    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, Resource

    given = os.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    known = {
        SERVICE_NAMESPACE: _SERVICE,
        SERVICE_NAME: location() or _SERVICE,
        _ENVIRONMENT: environment(),
    }
    if os.environ.get("OTEL_SERVICE_NAME"):
        del known[SERVICE_NAME]
    # what is passed here would win over the variables
    known = {name: value for name, value in known.items() if f"{name}=" not in given}
    return Resource.create(known)


def _readable(span: SpanRecord, resource: "Resource") -> "ReadableSpan":
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.status import Status, StatusCode

    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=None if span.parent_id is None else _context(span.trace_id, span.parent_id),
        resource=resource,
        attributes=dict(span.attributes),
        kind=SpanKind.INTERNAL,
        status=Status(StatusCode.ERROR, span.error) if span.error is not None else Status(),
        start_time=_nanoseconds(span.started),
        end_time=_nanoseconds(span.ended),
        instrumentation_scope=InstrumentationScope("shared_lib.observability"),
    )


def _context(trace_id: int, span_id: int) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags

    return SpanContext(
        trace_id, span_id, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )


def _nanoseconds(moment: datetime) -> int:
    # in integers: a float of seconds lacks the digits for microseconds and nanoseconds
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


def _otlp_json(spans: Sequence[SpanRecord], resource: "Resource") -> str:
    """One request of OTLP as one line of JSON, as OpenTelemetry's file exporters write it."""
    import base64
    import json

    from google.protobuf.json_format import MessageToDict
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans

    request = MessageToDict(
        encode_spans([_readable(span, resource) for span in spans]), use_integers_for_enums=True
    )

    def in_hexadecimal(value: Any) -> Any:
        # protobuf's JSON encodes bytes in base64, OTLP's encodes its ids in hexadecimal
        if isinstance(value, list):
            return [in_hexadecimal(item) for item in value]
        if isinstance(value, Mapping):
            return {
                name: base64.b64decode(item).hex()
                if name in {"traceId", "spanId", "parentSpanId"}
                else in_hexadecimal(item)
                for name, item in value.items()
            }
        return value

    return json.dumps(in_hexadecimal(request))


def _append(path: Path, line: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(line + "\n")


def _print_event(event: Any) -> None:
    from openlineage.client.serde import Serde

    _print(Serde.to_json(event))


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
