"""Run dbt by an executable instead of the library in this process, such as dbt Core 2.

``DBT_ENGINE`` names it. dbt Core 2 is written in Rust and has no callbacks in Python; its log in
JSON has the events of the nodes that the library's callbacks have. It loads DuckDB as an ADBC
driver, which the wheel of this environment contains. So both engines write with the same DuckDB.
"""

import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from shared_lib.dbt.failed_nodes import FailedNode, FailedNodes
from shared_lib.dbt.nodes import FAILED_STATUSES, NODE_EVENTS
from shared_lib.dbt.project import DUCKDB_PATH_VARIABLE

ENGINE_VARIABLE = "DBT_ENGINE"

_DRIVERS_VARIABLE = "ADBC_DRIVER_PATH"
_DRIVER = """\
manifest_version = 1
name = "DuckDB"
version = "{version}"

[Driver]
entrypoint = "duckdb_adbc_init"
shared = "{library}"
"""
# how much of what is no event is shown when dbt cannot start
_LAST_LINES = 12

Event = Mapping[str, Any]


class EngineSettingError(ValueError):
    """``DBT_ENGINE`` names what cannot run; the message says what is allowed."""


class EngineFailedError(RuntimeError):
    """The engine failed; ``failed`` are its nodes, none if it could not start."""

    def __init__(self, text: str, failed: FailedNodes) -> None:
        """Keep what failed."""
        super().__init__(text)
        self.failed = failed


def engine_executable() -> Path | None:
    """Return the executable that ``DBT_ENGINE`` names, or None: dbt in this process.

    Raises:
        EngineSettingError: it is not an executable file.
    """
    named = os.environ.get(ENGINE_VARIABLE)
    if not named:
        return None
    path = Path(named)
    if not path.is_file() or not os.access(path, os.X_OK):
        raise EngineSettingError(
            f"{ENGINE_VARIABLE}: {named!r} is not an executable file, allowed is the path of a "
            "`dbt`, or nothing for the one of this environment"
        )
    return path


def run_engine(
    executable: Path,
    arguments: Sequence[str],
    *,
    warehouse: Path,
    target: Path,
    project_directory: Path,
    on_event: Callable[[Event], None],
    debug_events: Collection[str],
    on_node: Callable[[str, str], None],
    manifest: Mapping[str, Any],
) -> None:
    """Run dbt to completion in a process of its own; see ``invoke_dbt`` for the arguments.

    The id of a test ends with a digest, which is another one of some tests in dbt Core 2: events
    have the ids of the manifest.

    Raises:
        EngineFailedError: a node failed, or dbt could not start.
    """
    target.mkdir(parents=True, exist_ok=True)
    tests = {
        node["name"]: unique_id
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] == "test"
    }
    # by the engine's own id, as in its results
    ended: dict[str, Event] = {}
    others: list[str] = []
    with subprocess.Popen(  # noqa: S603 - the operator's own setting
        [str(executable), *arguments, "--log-format", "json"],
        cwd=project_directory,
        env=os.environ | _driver(target) | {DUCKDB_PATH_VARIABLE: str(warehouse)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            for line in process.stdout or ():
                event = _event(line)
                if event is None:
                    others.append(line)
                    continue
                info = event["info"]
                node = event["data"].get("node_info") or {}
                if info["name"] == "NodeFinished":
                    ended[node["unique_id"]] = event
                if node.get("resource_type") == "test":
                    node["unique_id"] = tests.get(node["node_name"], node["unique_id"])
                if info["name"] in NODE_EVENTS:
                    on_node(info["name"], node["unique_id"])
                if info["level"] == "error":
                    others.append(info["msg"])
                if info["level"] != "debug" or info["name"] in debug_events:
                    on_event(event)
        except BaseException:
            # a run that is cancelled leaves no process that writes: after an interrupt, Popen
            # itself would wait for a quarter of a second
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        failed = _failed_nodes(ended, target)
        text = "; ".join(f"{node.unique_id}: {node.message}" for node in failed.nodes)
        raise EngineFailedError(text or "\n".join(others[-_LAST_LINES:]).strip(), failed)


def _event(line: str) -> Event | None:
    """Return the event of a line; dbt's own trouble is written as text."""
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return None
    return found if isinstance(found, dict) and "info" in found else None


def _driver(target: Path) -> dict[str, str]:
    """Return the variables with which dbt finds DuckDB; an operator's own driver has priority.

    The library is an extension module of Python, so that Python's own library is loaded before it.
    """
    if _DRIVERS_VARIABLE in os.environ:
        return {}
    import duckdb

    # an import of the extension module would need a dependency of that name
    library = sys.modules["_duckdb"].__file__

    folder = target / "drivers"
    folder.mkdir(exist_ok=True)
    (folder / "duckdb.toml").write_text(
        _DRIVER.format(version=duckdb.__version__, library=library), encoding="utf-8"
    )
    python = Path(
        str(sysconfig.get_config_var("LIBDIR")), str(sysconfig.get_config_var("INSTSONAME"))
    )
    return {_DRIVERS_VARIABLE: str(folder), "LD_PRELOAD": str(python)}


def _failed_nodes(ended: Mapping[str, Event], target: Path) -> FailedNodes:
    results = target / "run_results.json"
    messages = (
        {
            entry["unique_id"]: entry.get("message")
            for entry in json.loads(results.read_bytes())["results"]
        }
        if results.is_file()
        else {}
    )
    return FailedNodes(
        nodes=tuple(
            FailedNode(
                unique_id=node["unique_id"],
                name=node["node_name"],
                resource_type=node["resource_type"],
                status=node["node_status"].lower(),
                message=" ".join((messages.get(own_id) or "no message").split()),
                path=node["node_path"],
            )
            for own_id, node in (
                (own_id, event["data"]["node_info"]) for own_id, event in ended.items()
            )
            if node["node_status"].lower() in FAILED_STATUSES
        )
    )
