"""Run dbt in this process, through its own programmatic interface, unless ``DBT_ENGINE`` is set.

A run has already loaded dbt's modules, because ``dagster_dbt`` imports them. A separate ``dbt``
command would load them again and compete with Dagster for the processor: five years of 10,000
employees took 15 to 18 s with the command and take 11 to 12 s in this process. It also means one
process less that can outlive its run and keep writing after the run has been killed.
"""

import os
import shutil
import signal
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import dagster as dg

from shared_lib.dbt.engine import EngineFailedError, engine_executable, run_engine
from shared_lib.dbt.failed_nodes import FailedNode, FailedNodes
from shared_lib.dbt.nodes import NODE_EVENTS
from shared_lib.dbt.project import (
    DUCKDB_PATH_VARIABLE,
    PROJECT_DIRECTORY,
    parsed_project_directory,
)

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# dbt's cache of a parsed project. It is copied, because dbt writes to it.
_PARSED_PROJECT = "partial_parse.msgpack"

_FAILED = frozenset({"error", "fail", "partial success"})

Event = Mapping[str, Any]


class DbtFailedError(dg.Failure):
    """dbt failed; description and metadata name the failed nodes and the reasons.

    The metadata is that of :class:`shared_lib.dbt.failed_nodes.FailedNodes`; it is empty when dbt
    could not start.
    """


def invoke_dbt(
    arguments: Sequence[str],
    *,
    warehouse: Path,
    target: Path,
    on_event: Callable[[Event], None],
    project_directory: Path = PROJECT_DIRECTORY,
    debug_events: Collection[str] = (),
    on_node: Callable[[str, str], None] = lambda _kind, _unique_id: None,
    manifest: Mapping[str, Any] | None = None,
) -> None:
    """Run dbt to completion.

    Args:
        arguments: the command and its options.
        warehouse: the DuckDB file that dbt writes; released at the end, whatever the outcome.
        target: the directory for what dbt compiles and logs; dbt starts from the parsed project
            next to it, or next to the manifest if ``DBT_TARGET_PATH`` moves what runs write.
        on_event: called with each event except debug events, in the form of dbt's JSON log, from
            any of dbt's threads. It must not raise, which would abort dbt.
        project_directory: contains the project and its profiles.
        debug_events: names of debug events that ``on_event`` receives nevertheless.
        on_node: called with the name of the event and the unique id when a node begins and ends;
            as ``on_event``, it must not raise.
        manifest: the parsed project, with whose ids another engine's events are reported.

    Raises:
        DbtFailedError: a node failed, or dbt could not start.
        KeyboardInterrupt: dbt was interrupted and has stopped.
    """
    engine = engine_executable()
    if engine:
        with _interruptible() as interrupted:
            try:
                run_engine(
                    engine,
                    [*arguments, *_directories(project_directory, target)],
                    warehouse=warehouse,
                    target=target,
                    project_directory=project_directory,
                    on_event=on_event,
                    debug_events=debug_events,
                    on_node=on_node,
                    manifest=manifest or {"nodes": {}},
                )
            except EngineFailedError as error:
                if interrupted.is_set():
                    raise KeyboardInterrupt("cancelled") from error
                raise DbtFailedError(
                    f"dbt {arguments[0]}: {error}",
                    metadata=error.failed.to_metadata() if error.failed.nodes else None,
                ) from error
        return
    # imported here because loading a location does not need it
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.artifacts.schemas.run import RunExecutionResult
    from dbt.cli.main import dbtRunner
    from dbt_common.events.functions import msg_to_dict

    batch_errors: dict[str, list[str]] = defaultdict(list)

    def hand_on(message: Any) -> None:
        if message.info.name in NODE_EVENTS:
            on_node(message.info.name, message.data.node_info.unique_id)
        # nine in ten are debug events, and converting one takes 0.2 ms
        if message.info.level != "debug" or message.info.name in debug_events:
            on_event(msg_to_dict(message))
        if message.info.name == "GenericExceptionOnRun":
            batch_errors[message.data.unique_id].append(message.data.exc)

    os.environ[DUCKDB_PATH_VARIABLE] = str(warehouse)
    _start_from_parsed_project(target)
    runner = dbtRunner(callbacks=[hand_on])
    # dbt changes the working directory and does not restore it
    with chdir(project_directory), _interruptible() as interrupted:
        try:
            # a build would write its manifest twice: 0.6 s for what the location has already
            artifacts = ["--no-write-json"] if arguments[0] == "build" else []
            outcome = runner.invoke(
                [*_OPTIONS, *artifacts, *arguments, *_directories(project_directory, target)]
            )
            if artifacts and isinstance(outcome.result, RunExecutionResult):
                outcome.result.write(str(target / "run_results.json"))
        finally:
            DuckDBConnectionManager.close_all_connections()
            (target / _PARSED_PROJECT).unlink(missing_ok=True)
    if interrupted.is_set():
        # whatever dbt makes of it: interrupted while parsing, it reports a long parser's error
        raise KeyboardInterrupt("cancelled")
    _raise_unless_successful(outcome, arguments[0], batch_errors)


_OPTIONS = ("--no-use-colors", "--no-send-anonymous-usage-stats")


def _directories(project_directory: Path, target: Path) -> list[str]:
    return [
        *("--project-dir", str(project_directory)),
        *("--profiles-dir", str(project_directory)),
        *("--target-path", str(target)),
        *("--log-path", str(target)),
    ]


def _start_from_parsed_project(target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    parsed = target.parent / _PARSED_PROJECT
    if not parsed.exists():
        parsed = parsed_project_directory(target.parent) / _PARSED_PROJECT
    if parsed.exists():
        shutil.copy(parsed, target)


def _raise_unless_successful(
    outcome: "dbtRunnerResult", command: str, batch_errors: Mapping[str, Sequence[str]]
) -> None:
    if isinstance(outcome.exception, Exception):
        raise DbtFailedError(f"dbt {command}: {outcome.exception}") from outcome.exception
    if outcome.exception is not None:
        # KeyboardInterrupt and the like, which dbt returns as a result
        raise outcome.exception
    if not outcome.success:
        failed = _failed_nodes(outcome.result, batch_errors)
        text = "; ".join(f"{node.unique_id}: {node.message}" for node in failed.nodes)
        raise DbtFailedError(f"dbt {command}: {text}", metadata=failed.to_metadata())


def _failed_nodes(result: Any, batch_errors: Mapping[str, Sequence[str]]) -> FailedNodes:
    """Return what failed and why; for a model in batches, dbt's result has only a count."""
    return FailedNodes(
        nodes=tuple(
            FailedNode(
                unique_id=entry.node.unique_id,
                name=entry.node.name,
                resource_type=entry.node.resource_type,
                status=entry.status,
                message=" ".join(message.split()),
                path=entry.node.original_file_path,
                # a unit test counts itself; a test that could not run has no count
                failing_rows=entry.failures
                if (entry.node.resource_type, entry.status) == ("test", "fail")
                else None,
            )
            for entry in result
            if entry.status in _FAILED
            for message in batch_errors.get(entry.node.unique_id) or [entry.message or "no message"]
        )
    )


@contextmanager
def _interruptible() -> Iterator[threading.Event]:
    """Let SIGINT and SIGTERM raise KeyboardInterrupt, on which dbt cancels its queries.

    Dagster raises its own exception, after which dbt would leave its threads running. The event
    is set when a signal has come.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupted.set()
        signal.default_int_handler(number, frame)

    handled = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interrupt) for number in handled]
    try:
        yield interrupted
    finally:
        for number, handler in zip(handled, before, strict=True):
            signal.signal(number, handler)
