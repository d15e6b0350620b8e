"""The user's own error, extracted from what Dagster stores about a failed step."""

import re
from collections.abc import Iterator

from orchestration_platform.alerts.facts.alert import Problem
from shared_lib.secrets import redact
from shared_lib.stored_errors import StoredError, with_causes

_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+), in (?P<function>\S+)')
_NOT_OURS = re.compile(r"[/\\](site-packages|dist-packages|lib[/\\]python3\.\d+)[/\\]|^<")
_DAGSTER = re.compile(r"[/\\]site-packages[/\\]dagster[/\\]")
_LONGEST_TRACE = 20_000


def innermost(error: StoredError, *, step: str = "") -> Problem:
    """Return the original cause, without secrets and without Dagster's wrappers.

    Its place is the last frame in user code; its trace includes the causes.
    """
    chain = list(with_causes(error))
    origin = chain[-1]
    name = (origin.cls_name or "Error").rpartition(".")[2]
    message = origin.message.strip()
    # "ValueError: text", or with the module in front
    prefix, separator, rest = message.partition(":")
    if separator and prefix.rpartition(".")[2] == name:
        message = rest.strip()
    elif message.rpartition(".")[2] == name:
        message = ""
    return Problem(
        step=step,
        error_class=name,
        message=redact(message),
        place=next(filter(None, (_place(found) for found in reversed(chain))), ""),
        trace=_end_of(redact(_trace(chain))),
    )


def _place(error: StoredError) -> str:
    for entry in reversed(list(error.stack)):
        found = _FRAME.search(entry)
        if found and not _NOT_OURS.search(found["file"]):
            return f"{found['file']}:{found['line']} in {found['function']}"
    return ""


def _trace(chain: list[StoredError]) -> str:
    """Return the user's own errors, innermost last, without Dagster's frames."""
    own = [error for error in chain if not _is_wrapper(error)] or chain
    parts = [f"{''.join(_frames(error))}{error.message.rstrip()}" for error in own]
    return "\n\ncaused by\n\n".join(parts)


def _end_of(trace: str) -> str:
    """Return the trace, or its last lines below a line that counts the omitted ones."""
    if len(trace) <= _LONGEST_TRACE:
        return trace
    end = trace[-_LONGEST_TRACE:].partition("\n")[2] or trace[-_LONGEST_TRACE:]
    lines = trace[: -len(end)].count("\n")
    return f"... {lines:,} lines before these, the run's log has them ...\n{end}"


def _is_wrapper(error: StoredError) -> bool:
    is_dagsters = error.message.startswith(("dagster._", "Exceeded max_retries"))
    return is_dagsters and error.cause is not None


def _frames(error: StoredError) -> Iterator[str]:
    for entry in error.stack:
        found = _FRAME.search(entry)
        if not (found and _DAGSTER.search(found["file"])):
            yield entry
