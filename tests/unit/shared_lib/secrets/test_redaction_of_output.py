"""Logs, prints, Dagster's events and errors, by real loggers and real runs."""

import copy
import http.client
import http.server
import io
import logging
import pickle
import subprocess
import sys
import threading
import traceback
from typing import NoReturn

import dagster as dg
import pytest

from shared_lib.secrets import (
    Secret,
    SecretNotFoundError,
    install_redaction,
    redacted_event,
    redacting_exceptions,
    skips_without_secrets,
)

PLAIN = "correct-horse-battery"


@pytest.fixture(autouse=True)
def secret() -> str:
    install_redaction()
    return Secret("gocardless/api", {"secret_id": PLAIN})["secret_id"].reveal()


def refuse(text: str) -> NoReturn:
    raise ValueError(text)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(map(caplog.handler.format, caplog.records))


def test_messages_arguments_and_traces_of_any_logger_are_redacted(
    secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("some.library")
    log.warning("plain %s", secret)
    log.warning("nested %r", {"a": [secret]})
    log.warning("number %d of %s", 3, "harmless")
    try:
        refuse(f"refused {secret}")
    except ValueError:
        log.exception("failed")
    text = logged(caplog)
    assert "plain [secret gocardless/api secret_id]" in text
    assert "number 3 of harmless" in text
    assert "ValueError: refused [secret gocardless/api secret_id]" in text
    assert secret not in text
    assert secret not in str([record.__dict__ for record in caplog.records])


class Request:
    """An object of a library, with a secret in what it shows."""

    def __init__(self, secret: str) -> None:
        self.secret = secret

    def __str__(self) -> str:
        return f"GET {self.secret}"


class Unshowable:
    def __str__(self) -> str:
        raise OSError("no")


def test_extras_of_a_record_are_redacted_before_any_handler(
    secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    kept = object()
    extra = {
        "header": f"Bearer {secret}",
        "nested": {"a": [secret, (secret, 1)], secret: {secret}},
        "request": Request(secret),
        "error": ValueError(secret),
        "raw": secret.encode(),
        "odd": Unshowable(),
        "number": 3,
        "kept": kept,
    }
    log = logging.getLogger("some.library")
    log.warning("with extras", extra=extra)
    logging.LoggerAdapter(log, extra).warning("by an adapter")
    log.handle(logging.makeLogRecord({"msg": f"made {secret}", "levelno": 30, **extra}))
    assert len(caplog.records) == 3
    for record in caplog.records:
        assert secret not in str(record.__dict__)
        assert secret not in repr(pickle.loads(pickle.dumps({**record.__dict__, "kept": None})))
        assert record.__dict__["header"].startswith("Bearer [")
        assert (record.__dict__["number"], record.__dict__["kept"]) == (3, kept)
        copied = copy.copy(record)
        assert copied.__dict__ == record.__dict__
    assert extra["header"] == f"Bearer {secret}", "the caller's own object has changed"


def test_the_class_of_an_error_can_name_a_secret_and_is_redacted(
    secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    named = type(f"Refused_{secret}", (ValueError,), {"__module__": f"module_{secret}"})
    with pytest.raises(RuntimeError) as raised, redacting_exceptions():
        raise named("harmless")
    assert secret not in "".join(traceback.format_exception(raised.value))
    assert "a Refused_[secret" in str(raised.value)
    try:
        raise named("harmless")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    assert secret not in str([record.__dict__ for record in caplog.records])

    @dg.asset
    def failing() -> None:
        raise named("harmless")

    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([failing], instance=instance, raise_on_error=False)
        text = "\n".join(map(dg.serialize_value, instance.all_logs(result.run_id)))
    assert "Refused_[secret gocardless/api secret_id]" in text
    assert secret not in text


def test_a_trace_without_secrets_keeps_its_exception(caplog: pytest.LogCaptureFixture) -> None:
    try:
        refuse("harmless")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is ValueError


def test_the_http_clients_debug_output_shows_no_header(
    secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = io.StringIO()
    monkeypatch.setattr(sys, "stdout", printed)
    install_redaction()
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        connection = http.client.HTTPConnection(*server.server_address)
        connection.set_debuglevel(1)
        connection.request("GET", "/", headers={"X-Key": secret, "X-Vault-Token": "unknown-one"})
        connection.getresponse().read()
        connection.close()
    assert "send: b'GET / HTTP/1.1" in printed.getvalue()
    assert "X-Key: [secret gocardless/api secret_id]" in printed.getvalue()
    assert secret not in printed.getvalue()
    assert "unknown-one" not in printed.getvalue()


def test_an_uncaught_error_of_a_process_is_printed_redacted() -> None:
    program = (
        "import os\n"
        "from shared_lib.secrets import SecretsResource\n"
        "value = SecretsResource(location='x').get('gocardless/api')['secret_id'].reveal()\n"
        "raise RuntimeError('died of ' + value)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env={"GOCARDLESS_API__SECRET_ID": PLAIN, "DAGSTER_ENVIRONMENT": "ci"},
        capture_output=True,
        text=True,
    )
    assert "RuntimeError: died of [secret gocardless/api secret_id]" in ended.stderr
    assert PLAIN not in ended.stderr


def test_what_a_run_leaves_in_its_events_is_redacted_and_still_works(
    secret: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("checked", asset="shown")])
    def shown(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        context.log.debug(f"debug {secret}")
        return dg.MaterializeResult(
            metadata={
                "text": secret,
                "json": {secret: [f"x {secret}"]},
                "table": dg.MetadataValue.table([dg.TableRecord({"column": secret})]),
                "number": 3,
            },
            check_results=[dg.AssetCheckResult(passed=False, description=f"saw {secret}")],
        )

    @dg.asset
    def failing() -> None:
        try:
            refuse(f"inner {secret}")
        except ValueError as error:
            raise dg.Failure(f"outer {secret}", metadata={"why": secret}) from error

    with dg.DagsterInstance.ephemeral(str(tmp_path_factory.mktemp("home"))) as instance:
        result = dg.materialize([shown, failing], instance=instance, raise_on_error=False)
        entries = instance.all_logs(result.run_id)
        text = "\n".join(map(dg.serialize_value, entries))
        (event,) = instance.fetch_materializations(dg.AssetKey("shown"), limit=1).records
    assert secret not in text
    assert text.count("[secret gocardless/api secret_id]") >= 8
    assert event.asset_materialization
    metadata = event.asset_materialization.metadata
    assert metadata["number"].value == 3
    assert metadata["json"].value == {
        "[secret gocardless/api secret_id]": ["x [secret gocardless/api secret_id]"]
    }
    (failure,) = [
        entry
        for entry in entries
        if entry.dagster_event_type and entry.get_dagster_event().is_step_failure
    ]
    assert failure.get_dagster_event().step_failure_data.error.cause is not None


def test_an_event_keeps_what_dagster_finds_it_by() -> None:
    Secret("common/words", {"location": "gocardless", "asset": "transactions"})
    entry = dg.EventLogEntry(
        error_info=None,
        level=10,
        user_message="transactions of gocardless",
        run_id="1",
        timestamp=0.0,
        step_key="transactions",
        job_name="gocardless",
    )
    clean = redacted_event(entry)
    assert clean.user_message == "[secret common/words asset] of [secret common/words location]"
    assert (clean.step_key, clean.job_name) == ("transactions", "gocardless")


def test_an_error_that_leaves_for_another_process_carries_no_secret(secret: str) -> None:
    with pytest.raises(RuntimeError) as raised, redacting_exceptions():
        raise KeyError("harmless itself") from ValueError(secret)
    text = "".join(traceback.format_exception(raised.value))
    assert secret not in text
    assert "ValueError: [secret gocardless/api secret_id]" in text
    assert "a KeyError, redacted" in text
    with pytest.raises(ValueError, match="nothing secret"), redacting_exceptions():
        raise ValueError("nothing secret")


def test_a_tick_without_its_secret_skips_with_the_reason(secret: str) -> None:
    @dg.sensor(job_name="some_job")
    @skips_without_secrets
    def returning(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        raise SecretNotFoundError("no secret gocardless/api: write it")

    @dg.sensor(job_name="some_job")
    @skips_without_secrets
    def yielding(context: dg.SensorEvaluationContext):
        yield dg.RunRequest()
        raise SecretNotFoundError("no secret gocardless/api: write it")

    @dg.sensor(job_name="some_job")
    @skips_without_secrets
    def careless(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        raise ValueError(secret)

    context = dg.build_sensor_context()
    reason = "no secret gocardless/api: write it"
    assert returning(context) == dg.SkipReason(reason)
    assert list(yielding(context))[-1] == dg.SkipReason(reason)
    with pytest.raises(RuntimeError) as raised:
        careless(context)
    assert secret not in str(raised.value)


def test_a_process_without_a_console_and_a_second_installation_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    factory = logging.getLogRecordFactory()
    install_redaction()
    assert sys.stdout is None
    assert logging.getLogRecordFactory() is factory
