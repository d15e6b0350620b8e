"""The destinations of spans and lineage events, from OpenTelemetry and OpenLineage variables.

An endpoint must be set explicitly. OpenTelemetry's own default, a collector on port 4318 of this
machine, would make every run on a laptop wait for a collector that does not exist.
"""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from shared_lib.observability.place import deployment

# In a deployment with its environment, such as `dagster-qa`.
DEFAULT_NAMESPACE = "dagster"

# What a run may spend on sending, in total, if this variable does not say otherwise.
SECONDS_VARIABLE, _SECONDS = "OBSERVABILITY_SECONDS", 2.0

_TRANSPORT_PREFIX = "OPENLINEAGE__TRANSPORT__"


class ObservabilityConfigurationError(ValueError):
    """A variable has an unsupported value; the text names it and what is allowed."""


@dataclass(frozen=True)
class TraceEndpoint:
    """One destination of spans.

    Attributes:
        kind: the transport.
        address: an OTLP URL over HTTP, or the path of a file; empty for the console.
        headers: the request headers; a value ``secret:<path>#<key>`` is read when it is sent.
    """

    kind: Literal["http", "file", "console"]
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LineageEndpoint:
    """The destination of lineage events: the configuration of an OpenLineage transport."""

    transport: Mapping[str, Any]

    @property
    def address(self) -> str:
        """The URL or file, for messages."""
        where = self.transport.get("url") or self.transport.get("log_file_path")
        return str(where or self.transport["type"])


@dataclass(frozen=True)
class ObservabilitySettings:
    """What to send, and where.

    Attributes:
        traces: empty when nothing is configured.
        lineage: ``None`` when nothing is configured.
        namespace: OpenLineage's, of jobs and of datasets that are not tables.
        problems: why traces or lineage are disabled, if a variable has an unsupported value; each
            text names the variable and what is allowed.
    """

    traces: tuple[TraceEndpoint, ...] = ()
    lineage: LineageEndpoint | None = None
    namespace: str = DEFAULT_NAMESPACE
    problems: tuple[str, ...] = ()

    @property
    def is_off(self) -> bool:
        """Whether no endpoint is configured."""
        return not self.traces and self.lineage is None


def seconds_for_a_run() -> float:
    """Return the seconds that a run may spend on sending, over all its processes.

    Raises:
        ObservabilityConfigurationError: the variable is not a number above 0.
    """
    given = os.environ.get(SECONDS_VARIABLE) or _SECONDS
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ObservabilityConfigurationError(
            f"{SECONDS_VARIABLE}: {given!r} is not a number of seconds above 0"
        )
    return seconds


def longest_request_seconds() -> float:
    """Return the longest wait for one request: half of what the run may spend."""
    return seconds_for_a_run() / 2


def current_settings() -> ObservabilitySettings:
    """Read the environment now; a wrong variable disables only what it configures."""
    traces: tuple[TraceEndpoint, ...] = ()
    lineage, problems = None, []
    try:
        seconds_for_a_run()
    except ObservabilityConfigurationError as error:
        return ObservabilitySettings(problems=(f"neither traces nor lineage are sent: {error}",))
    try:
        traces = () if _is_true("OTEL_SDK_DISABLED") else tuple(_trace_endpoints())
    except ObservabilityConfigurationError as error:
        problems.append(f"no traces are sent: {error}")
    try:
        lineage = None if _is_true("OPENLINEAGE_DISABLED") else _lineage_endpoint()
    except ObservabilityConfigurationError as error:
        problems.append(f"no lineage is sent: {error}")
    default = "-".join(filter(None, (DEFAULT_NAMESPACE, deployment())))
    namespace = os.environ.get("OPENLINEAGE_NAMESPACE") or default
    return ObservabilitySettings(traces, lineage, namespace, tuple(problems))


def without_credentials(address: str) -> str:
    """Return ``address`` without the user and password that a URL can contain."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _trace_endpoints() -> list[TraceEndpoint]:
    address = _trace_address()
    named = os.environ.get("OTEL_TRACES_EXPORTER") or ("otlp" if address else "none")
    endpoints = []
    for name in (part.strip() for part in named.split(",")):
        if name == "console":
            endpoints.append(TraceEndpoint("console"))
        elif name == "otlp" and address:
            endpoints.append(_otlp_endpoint(address))
        elif name not in {"otlp", "none"}:
            raise ObservabilityConfigurationError(
                f"OTEL_TRACES_EXPORTER: {name!r} is not supported, allowed is one or more of: "
                "otlp, console, none"
            )
    return endpoints


def _trace_address() -> str:
    own = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    if own:
        return own
    base = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    is_directory_of_signals = base and not base.startswith("file:")
    return f"{base.rstrip('/')}/v1/traces" if is_directory_of_signals else base


def _otlp_endpoint(address: str) -> TraceEndpoint:
    parts = urlsplit(address)
    if parts.scheme == "file":
        return TraceEndpoint("file", unquote(parts.path))
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ObservabilityConfigurationError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT: {without_credentials(address)!r} is not an address, "
            "allowed is http://HOST:PORT, https://HOST:PORT or file:///PATH"
        )
    protocol = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or os.environ.get(
        "OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"
    )
    if protocol != "http/protobuf":
        raise ObservabilityConfigurationError(
            f"OTEL_EXPORTER_OTLP_PROTOCOL: {protocol!r} is not supported, allowed is http/protobuf"
        )
    return TraceEndpoint("http", address, _otlp_headers())


def _otlp_headers() -> dict[str, str]:
    text = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_HEADERS") or os.environ.get(
        "OTEL_EXPORTER_OTLP_HEADERS", ""
    )
    headers = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = pair.partition("=")
        if not equals or not name.strip():
            # without the text, which may contain a secret
            raise ObservabilityConfigurationError(
                "OTEL_EXPORTER_OTLP_HEADERS: allowed is name=value, separated by commas"
            )
        headers[unquote(name.strip())] = unquote(value.strip())
    return headers


def _lineage_endpoint() -> LineageEndpoint | None:
    transport = _transport_from_variables() or _transport_from_file()
    if transport is None:
        return None
    if not transport.get("type"):
        raise ObservabilityConfigurationError(
            f"{_TRANSPORT_PREFIX}TYPE is missing: allowed is http, file, console or another "
            "transport of OpenLineage"
        )
    if transport["type"] == "http":
        transport["timeout"] = min(_timeout(transport), longest_request_seconds())
        transport["retry"] = {"total": 0, "connect": 0, "read": 0, "status": 0}
    return LineageEndpoint(transport)


def _timeout(transport: Mapping[str, Any]) -> float:
    given = transport.get("timeout", longest_request_seconds())
    try:
        return float(given)
    except (TypeError, ValueError):
        raise ObservabilityConfigurationError(
            f"{_TRANSPORT_PREFIX}TIMEOUT: {given!r} is not a number of seconds"
        ) from None


def _transport_from_variables() -> dict[str, Any] | None:
    if url := os.environ.get("OPENLINEAGE_URL"):
        transport: dict[str, Any] = {"type": "http", "url": url}
        if endpoint := os.environ.get("OPENLINEAGE_ENDPOINT"):
            transport["endpoint"] = endpoint
        if key := os.environ.get("OPENLINEAGE_API_KEY"):
            transport["auth"] = {"type": "api_key", "apiKey": key}
    else:
        transport = {}
    for variable, value in sorted(os.environ.items()):
        if variable.startswith(_TRANSPORT_PREFIX):
            inner = transport
            *parents, last = variable.removeprefix(_TRANSPORT_PREFIX).lower().split("__")
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = _json_or_text(value)
    return transport or None


def _json_or_text(value: str) -> Any:
    if not value.startswith(("{", "[")) and value not in {"true", "false"}:
        return value
    try:
        return json.loads(value)
    except json.JSONDecodeError:
        return value


def _transport_from_file() -> dict[str, Any] | None:
    named = os.environ.get("OPENLINEAGE_CONFIG")
    if not named:
        return None
    from shared_lib.configuration.validated_yaml import ConfigurationError, load_yaml

    try:
        content = load_yaml(Path(named))
    except (OSError, ConfigurationError) as error:
        raise ObservabilityConfigurationError(f"OPENLINEAGE_CONFIG: {error}") from error
    transport = content.get("transport") if isinstance(content, dict) else None
    if not isinstance(transport, dict):
        raise ObservabilityConfigurationError(
            f"OPENLINEAGE_CONFIG: {named} has no mapping `transport`"
        )
    return transport


def _is_true(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() == "true"
