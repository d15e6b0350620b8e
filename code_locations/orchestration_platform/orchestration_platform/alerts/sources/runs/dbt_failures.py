"""What failed in a step that ran dbt: each model and test with its own message."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from orchestration_platform.alerts.facts.alert import Problem
from shared_lib.dbt.failed_nodes import FailedNode, FailedNodes
from shared_lib.secrets import redact


def dbt_problems(whole: Problem, metadata: Mapping[str, Any]) -> list[Problem]:
    """Return the models and tests that failed in a step; empty if its failure names none.

    Args:
        whole: the step's own failure.
        metadata: the metadata of that failure, as Dagster stores it.
    """
    found = [_problem(node, whole) for node in FailedNodes.from_metadata(metadata).nodes]
    # one trace is enough: the one from dbt
    first = {"trace": whole.trace, "details": whole.details, "attempts": whole.attempts}
    return [replace(found[0], **first), *found[1:]] if found else []


def _problem(node: FailedNode, whole: Problem) -> Problem:
    rows = node.failing_rows
    return Problem(
        step=whole.step,
        error_class=f"dbt {node.resource_type.replace('_', ' ')} {node.name}",
        message=redact(node.message) if rows is None else _rows_failing(rows),
        place=node.path,
        trace="",
    )


def _rows_failing(rows: int) -> str:
    return "1 row does not pass" if rows == 1 else f"{rows} rows do not pass"
