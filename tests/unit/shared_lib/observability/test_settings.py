"""The variables of OpenTelemetry and OpenLineage: valid and invalid values."""

import os
from pathlib import Path
from typing import Any

import pytest

from shared_lib.observability.settings import (
    LineageEndpoint,
    TraceEndpoint,
    current_settings,
    without_credentials,
)


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith(("OTEL_", "OPENLINEAGE_")):
            monkeypatch.delenv(name)


def settings(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Any:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return current_settings()


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "otlp"},  # the default endpoint is not taken
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318", "OTEL_TRACES_EXPORTER": "none"},
        {"OPENLINEAGE_URL": "http://c:5000", "OPENLINEAGE_DISABLED": "true"},
        {"OPENLINEAGE_NAMESPACE": "platform"},
    ],
)
def test_without_an_endpoint_it_is_off(
    variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings(monkeypatch, variables).is_off


@pytest.mark.parametrize(
    ("variables", "endpoints"),
    [
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318/"},
            (TraceEndpoint("http", "http://c:4318/v1/traces"),),
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://t/own",
            },
            (TraceEndpoint("http", "https://t/own"),),
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
                "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=a%2Cb, authorization=secret:otel#token",
            },
            (
                TraceEndpoint(
                    "http",
                    "http://c:4318/v1/traces",
                    {"x-tenant": "a,b", "authorization": "secret:otel#token"},
                ),
            ),
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "file:///logs/my%20spans.jsonl"},
            (TraceEndpoint("file", "/logs/my spans.jsonl"),),
        ),
        (
            {
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c:4318",
                "OTEL_TRACES_EXPORTER": "console,otlp",
            },
            (TraceEndpoint("console"), TraceEndpoint("http", "http://c:4318/v1/traces")),
        ),
    ],
)
def test_spans_go_where_the_variables_say(
    variables: dict[str, str],
    endpoints: tuple[TraceEndpoint, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert settings(monkeypatch, variables).traces == endpoints


@pytest.mark.parametrize(
    ("variables", "transport"),
    [
        (
            {
                "OPENLINEAGE_URL": "http://m:5000",
                "OPENLINEAGE_ENDPOINT": "lineage",
                "OPENLINEAGE_API_KEY": "secret:marquez#key",
                "OPENLINEAGE__TRANSPORT__CUSTOM_HEADERS": '{"X-Tenant": "a"}',
            },
            {
                "type": "http",
                "url": "http://m:5000",
                "endpoint": "lineage",
                "auth": {"type": "api_key", "apiKey": "secret:marquez#key"},
                "custom_headers": {"X-Tenant": "a"},
                "timeout": 1.0,
                "retry": {"total": 0, "connect": 0, "read": 0, "status": 0},
            },
        ),
        (
            {
                "OPENLINEAGE__TRANSPORT__TYPE": "file",
                "OPENLINEAGE__TRANSPORT__LOG_FILE_PATH": "/logs/lineage.jsonl",
                "OPENLINEAGE__TRANSPORT__APPEND": "true",
            },
            {"type": "file", "log_file_path": "/logs/lineage.jsonl", "append": True},
        ),
        ({"OPENLINEAGE__TRANSPORT__TYPE": "console"}, {"type": "console"}),
    ],
)
def test_lineage_goes_where_the_variables_say(
    variables: dict[str, str], transport: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settings(monkeypatch, variables).lineage == LineageEndpoint(transport)


def test_no_request_may_take_longer_than_a_run_can_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "openlineage.yml"
    file.write_text("transport: {type: http, url: 'http://m:5000', timeout: 30}\n")
    endpoint = settings(monkeypatch, {"OPENLINEAGE_CONFIG": str(file)}).lineage
    assert endpoint.transport["timeout"] == 1.0
    assert endpoint.transport["retry"]["total"] == 0


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        (
            {"OTEL_TRACES_EXPORTER": "zipkin"},
            "OTEL_TRACES_EXPORTER: 'zipkin' is not supported, allowed is one or more of: "
            "otlp, console, none",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://me:pass@c"},
            "OTEL_EXPORTER_OTLP_ENDPOINT: 'ftp://c/v1/traces' is not an address, allowed is "
            "http://HOST:PORT, https://HOST:PORT or file:///PATH",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' is not supported, allowed is http/protobuf",
        ),
        (
            {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "hush"},
            "OTEL_EXPORTER_OTLP_HEADERS: allowed is name=value, separated by commas",
        ),
        (
            {"OPENLINEAGE__TRANSPORT__URL": "http://m"},
            "OPENLINEAGE__TRANSPORT__TYPE is missing: allowed is http, file, console or another "
            "transport of OpenLineage",
        ),
        (
            {"OPENLINEAGE_CONFIG": "/nowhere.yml"},
            "OPENLINEAGE_CONFIG: /nowhere.yml: no such file",
        ),
        *(
            (
                {"OPENLINEAGE_URL": "http://m", "OBSERVABILITY_SECONDS": given},
                f"OBSERVABILITY_SECONDS: {given!r} is not a number of seconds above 0",
            )
            for given in ("soon", "0", "-1", "inf", "nan")
        ),
    ],
)
def test_what_cannot_be_done_is_reported(
    variables: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = settings(monkeypatch, variables)
    assert found.is_off
    assert [problem.partition("sent: ")[2] for problem in found.problems] == [message]


def test_a_wrong_variable_of_one_leaves_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    right = {"OPENLINEAGE_URL": "http://m", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://c"}
    found = settings(monkeypatch, {**right, "OTEL_TRACES_EXPORTER": "otpl"})
    assert (found.traces, found.lineage is None) == ((), False)
    assert "no traces are sent: OTEL_TRACES_EXPORTER: 'otpl'" in found.problems[0]
    monkeypatch.delenv("OTEL_TRACES_EXPORTER")
    found = settings(monkeypatch, {**right, "OPENLINEAGE__TRANSPORT__TIMEOUT": "soon"})
    assert (len(found.traces), found.lineage) == (1, None)
    assert "no lineage is sent: OPENLINEAGE__TRANSPORT__TIMEOUT: 'soon'" in found.problems[0]


def test_an_address_is_shown_without_its_credentials() -> None:
    assert without_credentials("https://me:pass@c:4318/x") == "https://c:4318/x"
    assert without_credentials("/logs/spans.jsonl") == "/logs/spans.jsonl"
