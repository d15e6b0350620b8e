"""The freshness that dbt sources declare, as checks of the assets that write them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from shared_lib.dbt.invocation import DbtFailedError, invoke_dbt
from shared_lib.dbt.project import PROJECT_DIRECTORY, target_directory
from shared_lib.dbt.variables import with_step_variables
from shared_lib.dbt_step.run_directory import new_run_directory
from shared_lib.dbt_step.selection import UNIQUE_ID
from shared_lib.warehouse import Warehouse
from shared_lib.warehouse.setting import Backend, backend_of

_SEVERITIES = {"warn": dg.AssetCheckSeverity.WARN, "error": dg.AssetCheckSeverity.ERROR}


def source_freshness(
    models: dg.AssetsDefinition,
    manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
    *,
    target: str | None = None,
    pool: str | None = None,
    project_directory: Path = PROJECT_DIRECTORY,
    tags: Mapping[str, str] | None = None,
) -> list[dg.AssetChecksDefinition]:
    """Return one step with a check for each source that the models read and that has a limit.

    Args:
        models: the dbt models of a location.
        manifest: the manifest that they are from.
        translator: maps a source to its asset.
        target: a target of the profile.
        pool: the pool of the step, which opens the warehouse as dbt does.
        project_directory: contains the project and its profiles.
        tags: tags of the step, such as the location's variables.
    """
    read = _read_sources(models, manifest)
    if not read:
        return []
    specs = [
        dg.AssetCheckSpec(
            f"{source['source_name']}_{source['name']}_is_fresh",
            asset=translator.get_asset_key(source),
            description=f"dbt's limits for the age of {source['schema']}.{source['identifier']}.",
        )
        for source in read
    ]
    sources = {spec.key: source for spec, source in zip(specs, read, strict=True)}
    name = f"{models.op.name}_source_freshness"

    @dg.multi_asset_check(name=name, specs=specs, can_subset=True, pool=pool, op_tags=tags)
    def are_fresh(
        context: dg.AssetCheckExecutionContext, warehouse: dg.ResourceParam[Any]
    ) -> Iterator[dg.AssetCheckResult]:
        asked = {key: sources[key] for key in sorted(context.selected_asset_check_keys)}
        found = _ask_dbt(context, warehouse, list(asked.values()), target, project_directory)
        for key, source in asked.items():
            yield _result(key, found[source["unique_id"]])

    return [are_fresh]


def _read_sources(
    models: dg.AssetsDefinition, manifest: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    """Return the sources with a limit that the models read, each once."""
    nodes = [manifest["nodes"][models.metadata_by_key[key][UNIQUE_ID]] for key in models.keys]
    read = {unique_id for node in nodes for unique_id in node["depends_on"].get("nodes", ())}
    return [
        source
        for unique_id, source in sorted(manifest["sources"].items())
        if unique_id in read and _has_limit(source.get("freshness") or {})
    ]


def _has_limit(freshness: Mapping[str, Any]) -> bool:
    return any((freshness.get(name) or {}).get("count") for name in ("warn_after", "error_after"))


def _ask_dbt(
    context: dg.AssetCheckExecutionContext,
    warehouse: Warehouse,
    sources: Sequence[Mapping[str, Any]],
    target: str | None,
    project_directory: Path,
) -> dict[str, Mapping[str, Any]]:
    """Run ``dbt source freshness`` and return its results by the sources' unique ids.

    Raises:
        DbtFailedError: dbt could not find out how old a source is.
    """
    # parsed for each location, if the project serves several
    several = warehouse.location if project_directory == PROJECT_DIRECTORY else ""
    directory = new_run_directory(
        target_directory(several, project_directory),
        step=context.op_execution_context.op.name,
        run_id=context.run.run_id,
    )
    named = "lake" if backend_of(warehouse.location) is Backend.LAKE else target
    at = ["--target", named] if named else []
    variables = with_step_variables([], context.op_execution_context.op.tags)
    selection = [f"source:{source['source_name']}.{source['name']}" for source in sources]
    events: list[Any] = []
    failure = None
    try:
        invoke_dbt(
            ["source", "freshness", *at, *variables, "--select", *selection],
            warehouse=warehouse.path,
            target=directory,
            on_event=events.append,
            project_directory=project_directory,
        )
    except DbtFailedError as error:
        failure = error  # also where a source is too old
    path = directory / "sources.json"
    results = json.loads(path.read_bytes())["results"] if path.is_file() else []
    found = {result["unique_id"]: result for result in results}
    unknown = [
        source["unique_id"]
        for source in sources
        if found.get(source["unique_id"], {}).get("status") not in {"pass", "warn", "error"}
    ]
    if unknown:
        raise failure or DbtFailedError(f"dbt says nothing about the age of {', '.join(unknown)}")
    return found


def _result(key: dg.AssetCheckKey, found: Mapping[str, Any]) -> dg.AssetCheckResult:
    hours = found["max_loaded_at_time_ago_in_s"] / 3600
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=found["status"] == "pass",
        severity=_SEVERITIES.get(found["status"], dg.AssetCheckSeverity.ERROR),
        description=f"the newest row is {hours:.1f} hours old",
        metadata={
            "dbt/status": found["status"],
            "dbt/max_loaded_at": found["max_loaded_at"],
            "dbt/criteria": dg.MetadataValue.json(found["criteria"]),
        },
    )
