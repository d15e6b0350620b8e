"""The log of another engine of dbt: its events, its failures, and what it is refused for."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from sandboxes.waiting import wait_until
from shared_lib.dbt.engine import EngineSettingError, engine_executable
from shared_lib.dbt.invocation import DbtFailedError, invoke_dbt

MANIFEST = {
    "nodes": {
        "test.workforce.sums.111": {"name": "sums", "resource_type": "test"},
        "model.workforce.one": {"name": "one", "resource_type": "model"},
    }
}


def event(name: str, kind: str, node: str, *, status: str, level: str = "debug") -> dict[str, Any]:
    return {
        "info": {"name": name, "level": level, "msg": f"{name} {node}"},
        "data": {
            "node_info": {
                "unique_id": f"{kind}.workforce.{node}" + (".999" if kind == "test" else ""),
                "node_name": node,
                "resource_type": kind,
                "node_status": status,
                "node_path": f"models/{node}.sql",
            }
        },
    }


# what dbt Core 2 writes on a model and on a test that fails, less what is not read
LOG = [
    {"info": {"name": "MainReportVersion", "level": "info", "msg": "2.0"}, "data": {}},
    event("NodeStart", "model", "one", status="started"),
    event("LogModelResult", "model", "one", status="success", level="info"),
    event("NodeFinished", "model", "one", status="success"),
    event("NodeExecuting", "test", "sums", status="executing"),
    event("LogTestResult", "test", "sums", status="fail", level="info"),
    event("NodeFinished", "test", "sums", status="fail"),
]
RESULTS = {"results": [{"unique_id": "test.workforce.sums.999", "message": "3 rows\n are off"}]}


def engine(folder: Path, lines: list[str], *, status: int) -> Path:
    """An executable that prints lines, and writes results where it is asked to."""
    log = folder / "log.txt"
    log.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path = folder / "dbt"
    path.write_text(
        "#!/bin/bash\n"
        f"""printf '%s' '{json.dumps(RESULTS)}' > "$PWD/target/run/run_results.json"\n"""
        f"""printf '%s\\n' "$@" "$DBT_DUCKDB_PATH" > "$PWD/asked.txt"\ncat "{log}"\n"""
        f"exit {status}\n",
        encoding="utf-8",
    )
    path.chmod(0o755)
    return path


def invoked(
    folder: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], *, status: int
) -> tuple[list[Any], list[tuple[str, str]]]:
    monkeypatch.setenv("DBT_ENGINE", str(engine(folder, lines, status=status)))
    events: list[Any] = []
    nodes: list[tuple[str, str]] = []
    try:
        invoke_dbt(
            ["build", "--select", "one"],
            warehouse=folder / "w.duckdb",
            target=folder / "target" / "run",
            on_event=events.append,
            on_node=lambda kind, unique_id: nodes.append((kind, unique_id)),
            project_directory=folder,
            debug_events=["NodeFinished"],
            manifest=MANIFEST,
        )
    finally:
        asked = (folder / "asked.txt").read_text(encoding="utf-8").split("\n")
        assert asked[:3] == ["build", "--select", "one"]
        assert asked[-2] == str(folder / "w.duckdb")
    return events, nodes


def test_events_of_nodes_come_with_the_ids_of_the_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, nodes = invoked(tmp_path, monkeypatch, [json.dumps(one) for one in LOG], status=0)

    assert nodes == [
        ("NodeStart", "model.workforce.one"),
        ("NodeFinished", "model.workforce.one"),
        ("NodeFinished", "test.workforce.sums.111"),
    ]
    names = [one["info"]["name"] for one in events]
    assert names == [
        *("MainReportVersion", "LogModelResult", "NodeFinished"),
        *("LogTestResult", "NodeFinished"),
    ]
    # both are of this environment: an extension of Python, and the library that it needs
    assert "_duckdb" in (tmp_path / "target/run/drivers/duckdb.toml").read_text(encoding="utf-8")


def test_a_failure_names_the_node_and_dbts_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DbtFailedError) as raised:
        invoked(tmp_path, monkeypatch, [json.dumps(one) for one in LOG], status=1)

    assert raised.value.description == "dbt build: test.workforce.sums.111: 3 rows are off"
    assert "dbt/failed_nodes" in raised.value.metadata


def test_what_dbt_says_before_it_starts_is_in_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DbtFailedError, match="no such profile"):
        invoked(tmp_path, monkeypatch, ["error: no such profile"], status=2)


def test_an_interrupted_run_ends_the_process_that_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = engine(tmp_path, [json.dumps(LOG[1])], status=0)
    text = program.read_text(encoding="utf-8")
    program.write_text(text.replace("exit 0", "echo $$ > pid.txt; exec sleep 900"), "utf-8")
    monkeypatch.setenv("DBT_ENGINE", str(program))

    pid = tmp_path / "pid.txt"

    def interrupt() -> None:
        wait_until(lambda: pid.is_file() and pid.read_text().endswith("\n"))
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        invoke_dbt(
            ["build"],
            warehouse=tmp_path / "w.duckdb",
            target=tmp_path / "target" / "run",
            on_event=print,
            on_node=lambda _kind, _unique_id: interrupt(),
            project_directory=tmp_path,
            manifest=MANIFEST,
        )
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


def test_a_setting_that_cannot_run_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DBT_ENGINE", raising=False)
    assert engine_executable() is None
    monkeypatch.setenv("DBT_ENGINE", str(tmp_path / "dbt"))
    with pytest.raises(EngineSettingError, match="allowed is the path of a `dbt`"):
        engine_executable()
