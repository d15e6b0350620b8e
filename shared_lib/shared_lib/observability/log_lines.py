"""Log lines as JSON with the ids of run, step and trace.

A line leads to its trace, and a trace to its lines. Messages from ``context.log`` and from Dagster
have this form where machines read them; people at a terminal see Dagster's own lines.
"""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any

from shared_lib.configuration.environment import Environment, current_settings
from shared_lib.observability import identity
from shared_lib.observability.steps_under_way import attempt_at

WRITTEN_IN: Mapping[Environment, bool] = {
    Environment.LOCAL: False,
    Environment.CI: False,
    Environment.QA: True,
    Environment.PRODUCTION: True,
}


def handler_of_environment() -> logging.Handler | None:
    """Return the handler that writes JSON to standard error; ``None`` if nobody reads it."""
    if not WRITTEN_IN[current_settings().environment]:
        return None
    handler = logging.StreamHandler()
    handler.setFormatter(json_lines())
    return handler


def json_lines() -> logging.Formatter:
    """Return a formatter that writes a record as one line of JSON."""
    import structlog

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(allow=()),
            _add_ids,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.processors.format_exc_info,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


def _add_ids(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Add what Dagster knows about the record; remove Dagster's prefix from the message."""
    metadata = getattr(line.get("_record"), "dagster_meta", None)
    if not metadata:
        return line
    run_id, step_key = metadata.get("run_id"), metadata.get("step_key")
    line["event"] = metadata.get("orig_message") or line["event"]
    known = {"run_id": run_id, "job_name": metadata.get("job_name"), "step_key": step_key}
    line.update({name: value for name, value in known.items() if value is not None})
    if run_id is not None:
        line["trace_id"] = f"{identity.trace_id(run_id):032x}"
        line["span_id"] = f"{_span_id(run_id, step_key):016x}"
    return line


def _span_id(run_id: str, step_key: str | None) -> int:
    if step_key is None:
        return identity.run_span_id(run_id)
    return identity.step_span_id(run_id, step_key, attempt_at(run_id, step_key))
