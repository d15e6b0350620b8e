"""What failed inside a step that ran dbt: each model and test with its own message."""

import json
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from orchestration_platform.alerts.alert import Problem

_ERROR_CLASS = "DbtFailedError"

# shared_lib/dbt/invocation.py puts what failed into one text: "dbt build: id: message; id: ..."
_NODE = re.compile(
    r"(?:^dbt \w+: |; )(?P<id>(?P<kind>model|seed|snapshot|test|unit_test)\.\w+\.[\w.]+): "
)
_ROWS = re.compile(r"^Got (?P<rows>\d+) results?, configured to (?P<what>fail|warn) if")
_PATH = re.compile(r"\((?P<path>(?:models|seeds|snapshots|tests)/[^)\s]+)\)")


def dbt_problems(whole: Problem) -> list[Problem]:
    """The models and tests that failed in a step; nothing where it was not dbt that failed.

    Args:
        whole: the step's own failure.
    """
    if whole.error_class != _ERROR_CLASS:
        return []
    nodes = list(_NODE.finditer(whole.message))
    if not nodes:
        # it did not come to build anything
        return []
    ends = [node.start() for node in nodes[1:]] + [len(whole.message)]
    found = [
        _problem(node["kind"], node["id"], whole.message[node.end() : end].strip(), whole)
        for node, end in zip(nodes, ends, strict=True)
    ]
    # one trace is enough, and it is dbt's
    return [replace(found[0], trace=whole.trace), *found[1:]]


def _problem(kind: str, unique_id: str, message: str, whole: Problem) -> Problem:
    name = unique_id.split(".")[2]
    rows = _ROWS.match(message)
    said = _rows_failing(int(rows["rows"])) if rows else message
    named = _PATH.search(message)
    path = named["path"] if named else _project_paths().get(unique_id, "")
    return Problem(
        step=whole.step,
        error_class=f"dbt {kind.replace('_', ' ')} {name}",
        message=said,
        place=path,
        trace="",
    )


def _rows_failing(rows: int) -> str:
    return "1 row does not pass" if rows == 1 else f"{rows} rows do not pass"


def _project_paths() -> dict[str, str]:
    """The file of each node, as far as this machine has the manifests of the locations."""
    from shared_lib.dbt.project import TARGET_DIRECTORY

    found: dict[str, str] = {}
    for manifest in sorted(TARGET_DIRECTORY.glob("*/manifest.json")):
        found |= _paths_in(manifest, manifest.stat().st_mtime)
    return found


@lru_cache(maxsize=4)
def _paths_in(manifest: Path, _changed_at: float) -> dict[str, str]:
    nodes = json.loads(manifest.read_bytes())["nodes"]
    return {unique_id: node["original_file_path"] for unique_id, node in nodes.items()}
