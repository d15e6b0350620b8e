"""The results of a dbt invocation in its target directory, and how Dagster shows them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from shared_lib.dbt.nodes import FAILED_STATUSES, SKIPPED_STATUS

# Longer SQL is truncated: every materialisation stores a copy in the event log.
LONGEST_SQL = 8_000


@dataclass(frozen=True)
class NodeResult:
    """One node's entry in ``run_results.json``.

    Attributes:
        status: dbt's status.
        message: dbt's message; ``None`` without one.
        seconds: how long it took.
        compiled_sql: the SQL that ran, for a model in batches that of its last batch; ``None`` if
            dbt did not compile it.
    """

    status: str
    message: str | None
    seconds: float
    compiled_sql: str | None

    @property
    def was_not_built(self) -> bool:
        """Whether it failed or was skipped."""
        return self.status in FAILED_STATUSES or self.status == SKIPPED_STATUS


def read_results(target: Path, manifest: Mapping[str, Any]) -> dict[str, NodeResult]:
    """Return the results of the nodes that an invocation selected; empty if dbt did not start.

    Args:
        target: the invocation's target directory.
        manifest: the project's manifest.
    """
    path = target / "run_results.json"
    if not path.is_file():
        return {}
    return {
        entry["unique_id"]: NodeResult(
            status=entry["status"],
            message=entry["message"] or None,
            seconds=entry["execution_time"],
            compiled_sql=_compiled(entry, target, manifest["nodes"].get(entry["unique_id"])),
        )
        for entry in json.loads(path.read_bytes())["results"]
    }


def sql_metadata(sql: str | None) -> dict[str, Any]:
    """Return the entry that shows a model's SQL, truncated if very long; empty without SQL."""
    if sql is None:
        return {}
    shown = sql.strip()
    if len(shown) > LONGEST_SQL:
        shown = f"{shown[:LONGEST_SQL]}\n-- and {len(shown) - LONGEST_SQL} characters more"
    return {"Compiled SQL": dg.MetadataValue.md(f"```sql\n{shown}\n```")}


def not_built(
    results: Mapping[str, NodeResult],
    manifest: Mapping[str, Any],
    asset_keys: Mapping[str, dg.AssetKey],
) -> Iterator[dg.AssetObservation]:
    """Yield what the assets that failed or were skipped show: status, reason and SQL.

    Dagster records nothing for an asset that was planned but not built, as if nothing had been
    tried.

    Args:
        results: the results of the invocation.
        manifest: the project's manifest.
        asset_keys: the assets of the step by the unique id of their node.
    """
    for unique_id, result in results.items():
        if result.was_not_built and unique_id in asset_keys:
            reason = result.message or _cause(unique_id, manifest, results)
            status = "skipped" if result.status == SKIPPED_STATUS else "failed"
            yield dg.AssetObservation(
                asset_key=asset_keys[unique_id],
                description=f"{status}: {reason}",
                metadata={
                    "dbt/status": result.status,
                    "dbt/message": reason,
                    "Execution Duration": result.seconds,
                    "unique_id": unique_id,
                    **sql_metadata(result.compiled_sql),
                },
            )


def _cause(unique_id: str, manifest: Mapping[str, Any], results: Mapping[str, NodeResult]) -> str:
    """Return why a node was skipped: the upstream nodes, or their tests, that failed."""
    before = set(manifest["nodes"][unique_id]["depends_on"]["nodes"])
    culprits = sorted(
        other
        for other, result in results.items()
        if result.was_not_built
        and (other in before or before & _tested_by(manifest["nodes"].get(other)))
    )
    return f"something before it failed: {', '.join(culprits) or 'see the log of dbt'}"


def _tested_by(node: Mapping[str, Any] | None) -> set[str]:
    is_test = node is not None and node["resource_type"] in {"test", "unit_test"}
    return set(node["depends_on"]["nodes"]) if node and is_test else set()


def _compiled(entry: Mapping[str, Any], target: Path, node: Mapping[str, Any] | None) -> str | None:
    """Return the SQL that dbt ran for a node, of a model in batches that of the last.

    Batches have files, their model no compiled code. dbt Core 2 has files alone.
    """
    code = entry.get("compiled_code")
    if code or node is None:
        return code
    is_in_batches = node["config"].get("incremental_strategy") == "microbatch"
    if "compiled_code" in entry and not is_in_batches:
        # there may be a file, of an earlier invocation
        return None
    path = target / "compiled" / node["package_name"] / node["original_file_path"]
    batches = sorted(path.with_suffix("").glob("*.sql")) if is_in_batches else []
    file = batches[-1] if batches else path
    is_compiled = file.suffix == ".sql" and file.is_file()
    return file.read_text(encoding="utf-8") if is_compiled else None
