"""Build assets from the dbt models of a location."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration.location import DbtModels
from shared_lib.discovery.modules import UnresolvedReferenceError, find_object


@dataclass(frozen=True)
class BuiltModels:
    """The models of a location, and the checks of the sources that they read."""

    assets: Sequence[dg.AssetsDefinition] = ()
    checks: Sequence[dg.AssetChecksDefinition] = ()


def build_dbt_models(
    entry: DbtModels,
    *,
    location: str,
    partitions: Mapping[str, dg.PartitionsDefinition],
    package: str,
) -> tuple[BuiltModels, list[Problem]]:
    """Return the entry's models as one asset definition, and the problems of the entry."""
    # imported here: dagster_dbt takes 1.5 s, and one of the locations has no models
    from dagster_dbt import DbtProject, dbt_assets

    from shared_lib.dbt.project import OBSERVABILITY_TAG, PROJECT_DIRECTORY, load_manifest
    from shared_lib.dbt.translator import PlatformDbtTranslator
    from shared_lib.dbt_step.source_freshness import source_freshness

    if (REPOSITORY_ROOT / entry.project).resolve() != PROJECT_DIRECTORY.resolve():
        text = f"there is no dbt project {entry.project}, allowed is {PROJECT_DIRECTORY.name}"
        return BuiltModels(), [Problem(("dbt", "project"), text)]
    translator = PlatformDbtTranslator(
        location,
        partitions_def=partitions.get(entry.partitioned.by) if entry.partitioned else None,
        partition_column=entry.partitioned.column if entry.partitioned else None,
    )
    try:
        body = find_object(entry.body, package=package) if entry.body else _plain_build
    except UnresolvedReferenceError as error:
        return BuiltModels(), [Problem(("dbt", "body"), str(error))]
    try:
        models = dbt_assets(
            manifest=load_manifest(location),
            project=DbtProject(Path(PROJECT_DIRECTORY), target=entry.target),
            name=entry.name,
            select=entry.select,
            exclude=" ".join(filter(None, [entry.exclude, "resource_type:unit_test"])),
            dagster_dbt_translator=translator,
            backfill_policy=dg.BackfillPolicy.single_run() if entry.partitioned else None,
            op_tags={OBSERVABILITY_TAG: entry.observability},
            pool=entry.pool,
        )(body)
    except dg.DagsterInvalidDefinitionError as error:
        return BuiltModels(), [Problem(("dbt",), " ".join(str(error).split()))]
    if not models.keys:
        text = f"{entry.select!r} selects no model of {entry.project}"
        return BuiltModels(), [Problem(("dbt", "select"), text)]
    freshness = source_freshness(
        models, load_manifest(location), translator, target=entry.target, pool=entry.pool
    )
    return BuiltModels([models], freshness), []


def _plain_build(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Any]
) -> Iterator[Any]:
    """Build the selected models."""
    from shared_lib.dbt_step.build import DbtBuild
    from shared_lib.dbt_step.partition import partition_arguments

    build = DbtBuild.of_step(context, warehouse, arguments=partition_arguments(context))
    yield from build.events()
    if build.failure is not None:
        raise build.failure
