"""Ways to an endpoint: HTTP with headers from secrets, files and the console."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandboxes.telemetry import receiving
from shared_lib.observability.background import NotSentError
from shared_lib.observability.lineage.steps import run_event
from shared_lib.observability.sending import header_secrets
from shared_lib.observability.sending.header_secrets import read_secrets_with
from shared_lib.observability.sending.transports import connect_lineage, connect_traces
from shared_lib.observability.settings import LineageEndpoint, TraceEndpoint
from shared_lib.observability.spans import SpanRecord

RUN = "18c9323f-d85b-4934-b8da-37afed3d4848"
BEGAN = datetime(2026, 1, 1, 12, 0, 0, 123456, UTC)
SPAN = SpanRecord(
    name="sales",
    trace_id=int(RUN.replace("-", ""), 16),
    span_id=0x00F067AA0BA902B7,
    parent_id=1,
    started=BEGAN,
    ended=BEGAN + timedelta(seconds=1.5),
    attributes={"dbt.rows": 3, "dbt.status": "error"},
    error="no tariff",
)
EVENT = run_event(RUN, "shop", state="START", moment=BEGAN, error=None, namespace="platform")


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was asked for; the answer is always the same."""
    asked: list[tuple[str, str]] = []

    def read(path: str, key: str) -> str:
        asked.append((path, key))
        return "sesame"

    # puts back the reader that a location has set
    monkeypatch.setattr(header_secrets, "_reader", None)
    read_secrets_with(read)
    return asked


def test_headers_come_from_secrets_when_they_are_sent(secrets: list[tuple[str, str]]) -> None:
    with receiving() as receiver:
        connect_traces(
            TraceEndpoint(
                "http",
                f"{receiver.url}/v1/traces",
                {"Authorization": "secret:observability#otlp", "X-Tenant": "shop"},
            )
        )([SPAN])
        connect_lineage(
            LineageEndpoint(
                {
                    "type": "http",
                    "url": receiver.url,
                    "auth": {"type": "api_key", "apiKey": "secret:observability#lineage"},
                    "custom_headers": {"X-Door": "secret:observability#door"},
                }
            )
        )(EVENT)
    traces, lineage = receiver.headers
    assert (traces["authorization"], traces["x-tenant"]) == ("sesame", "shop")
    assert (lineage["Authorization"], lineage["X-Door"]) == ("Bearer sesame", "sesame")
    assert set(secrets) == {("observability", key) for key in ("otlp", "lineage", "door")}


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("secret:observability", "header a: allowed is secret:<path>#<key>"),
        ("secret:p#k", "header a names a secret, but no secrets reader is configured"),
    ],
)
def test_a_secret_that_cannot_be_read_is_a_reason_not_to_send(
    header: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # a location that another test has loaded in this process has set one
    monkeypatch.setattr(header_secrets, "_reader", None)
    with pytest.raises(NotSentError) as refused:
        connect_traces(TraceEndpoint("http", "http://127.0.0.1:9/v1/traces", {"a": header}))
    assert str(refused.value) == message


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_of_the_endpoint_is_reported_with_its_status(status: int) -> None:
    with receiving(status=status) as receiver:
        send = connect_traces(TraceEndpoint("http", f"{receiver.url}/v1/traces"))
        with pytest.raises(NotSentError, match=f"HTTP {status}"):
            send([SPAN])


def is_the_span(line: str) -> bool:
    (resource,) = json.loads(line)["resourceSpans"]
    (span,) = resource["scopeSpans"][0]["spans"]
    expected: dict[str, Any] = {
        "traceId": RUN.replace("-", ""),
        "spanId": "00f067aa0ba902b7",
        "parentSpanId": "0000000000000001",
        "name": "sales",
        "kind": 1,
        "startTimeUnixNano": "1767268800123456000",
        "endTimeUnixNano": "1767268801623456000",
        "attributes": [
            {"key": "dbt.rows", "value": {"intValue": "3"}},
            {"key": "dbt.status", "value": {"stringValue": "error"}},
        ],
        "status": {"code": 2, "message": "no tariff"},
    }
    return {name: span[name] for name in expected} == expected


def test_spans_are_lines_of_otlp_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "spans.jsonl"
    send = connect_traces(TraceEndpoint("file", str(path)))
    send([SPAN])
    send([SPAN])
    assert [is_the_span(line) for line in path.read_text().splitlines()] == [True, True]


def test_spans_and_events_are_lines_on_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    connect_traces(TraceEndpoint("console"))([SPAN])
    connect_lineage(LineageEndpoint({"type": "console"}))(EVENT)
    span, event = capsys.readouterr().out.splitlines()
    assert is_the_span(span)
    assert json.loads(event)["run"]["runId"] == RUN


def test_events_are_lines_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "lineage.jsonl"
    transport = {"type": "file", "log_file_path": str(path), "append": True}
    send = connect_lineage(LineageEndpoint(transport))
    send(EVENT)
    send(EVENT)
    assert [json.loads(line)["job"]["name"] for line in path.read_text().splitlines()] == [
        "shop", "shop",
    ]  # fmt: skip
