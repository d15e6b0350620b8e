"""Build assets from the dbt models of a location."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration.location import DbtModels
from shared_lib.discovery.modules import UnresolvedReferenceError, did_you_mean, find_object

if TYPE_CHECKING:
    from shared_lib.dbt_step.lake_views import LakeViews
    from shared_lib.warehouse import Warehouse


@dataclass(frozen=True)
class BuiltModels:
    """The models and exposures of a location, and the checks of the sources that they read."""

    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec] = ()
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

    from shared_lib.dbt.exposures import exposure_specs
    from shared_lib.dbt.project import (
        OBSERVABILITY_TAG,
        PROJECT_DIRECTORY,
        STATE_TAG,
        load_manifest,
    )
    from shared_lib.dbt.translator import PlatformDbtTranslator
    from shared_lib.dbt.variables import VARIABLES_TAG
    from shared_lib.dbt_step.selection import UNIQUE_ID
    from shared_lib.dbt_step.source_freshness import source_freshness

    if (REPOSITORY_ROOT / entry.project).resolve() != PROJECT_DIRECTORY.resolve():
        text = f"there is no dbt project {entry.project}, allowed is {PROJECT_DIRECTORY.name}"
        return BuiltModels(), [Problem(("dbt", "project"), text)]
    translator = PlatformDbtTranslator(
        location,
        key_prefix=entry.prefix,
        partitions_def=partitions.get(entry.partitioned.by) if entry.partitioned else None,
        partition_column=entry.partitioned.column if entry.partitioned else None,
    )
    manifest = load_manifest(location)
    wrong = [_wrong_selector(entry, manifest), _wrong_state(entry), *_unknown_variables(entry)]
    if problems := [problem for problem in wrong if problem]:
        return BuiltModels(), problems
    try:
        body = find_object(entry.body, package=package) if entry.body else _plain_build
    except UnresolvedReferenceError as error:
        return BuiltModels(), [Problem(("dbt", "body"), str(error))]
    tags = {OBSERVABILITY_TAG: entry.observability}
    if entry.state is not None:
        tags[STATE_TAG] = str(REPOSITORY_ROOT / entry.state)
    if entry.vars:
        tags[VARIABLES_TAG] = json.dumps(entry.vars)
    exclude = " ".join(filter(None, [entry.exclude, "resource_type:unit_test"]))
    try:
        models = dbt_assets(
            manifest=manifest,
            project=DbtProject(PROJECT_DIRECTORY, target=entry.target),
            name=entry.name,
            select=entry.select,
            # beside a selector Dagster refuses it; the step names what it builds then
            exclude=None if entry.selector else exclude,
            selector=entry.selector,
            dagster_dbt_translator=translator,
            backfill_policy=dg.BackfillPolicy.single_run() if entry.partitioned else None,
            op_tags=tags,
            pool=entry.pool,
        )(body)
        built = {models.metadata_by_key[key][UNIQUE_ID]: key for key in models.keys}
        exposures = exposure_specs(manifest, translator, built=built, group=f"{location}_exposures")
        assets = [models, *exposures]
    except dg.DagsterInvalidDefinitionError as error:
        return BuiltModels(), [Problem(("dbt",), " ".join(str(error).split()))]
    if not models.keys:
        chosen = "selector" if entry.selector else "select"
        text = f"{getattr(entry, chosen)!r} selects no model of {entry.project}"
        return BuiltModels(), [Problem(("dbt", chosen), text)]
    freshness = source_freshness(
        models,
        manifest,
        translator,
        target=entry.target,
        pool=entry.pool,
        project_directory=PROJECT_DIRECTORY,
        tags={VARIABLES_TAG: tags[VARIABLES_TAG]} if entry.vars else None,
    )
    return BuiltModels(assets, freshness), []


def _wrong_selector(entry: DbtModels, manifest: Mapping[str, Any]) -> Problem | None:
    known = sorted(manifest["selectors"])
    if entry.selector is None or entry.selector in known:
        return None
    allowed = f"allowed is one of: {', '.join(known)}" if known else "the file has no selector"
    hint = did_you_mean(entry.selector, known) or f", {allowed}"
    text = f"there is no selector {entry.selector} in {entry.project}/selectors.yml{hint}"
    return Problem(("dbt", "selector"), text)


def _wrong_state(entry: DbtModels) -> Problem | None:
    from shared_lib.dbt.project import MANIFEST_FILE_NAME

    if entry.state is None or (REPOSITORY_ROOT / entry.state / MANIFEST_FILE_NAME).is_file():
        return None
    is_directory = (REPOSITORY_ROOT / entry.state).is_dir()
    missing = f"{MANIFEST_FILE_NAME} in the directory" if is_directory else "directory"
    text = f"there is no {missing} {entry.state}, allowed is a directory that dbt has written"
    return Problem(("dbt", "state"), text)


def _unknown_variables(entry: DbtModels) -> list[Problem]:
    """A misspelled variable would change nothing, and dbt would not say so."""
    from shared_lib.dbt.project import PROJECT_DIRECTORY
    from shared_lib.dbt.variables import declared_variables

    if not entry.vars:
        return []
    known = declared_variables(PROJECT_DIRECTORY)
    allowed = f"allowed is one of: {', '.join(known)}" if known else "the file has no vars"
    return [
        Problem(
            ("dbt", "vars", name),
            f"there is no variable {name} in {entry.project}/dbt_project.yml"
            + (did_you_mean(name, known) or f", {allowed}"),
        )
        for name in entry.vars
        if name not in known
    ]


def _plain_build(
    context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Any]
) -> Iterator[Any]:
    """Build the selected models; in a lake they are views."""
    from shared_lib.dbt_step.build import DbtBuild
    from shared_lib.dbt_step.partition import partition_arguments

    with _place(warehouse) as place:
        build = DbtBuild.of_step(
            context, warehouse, arguments=partition_arguments(context), place=place
        )
        yield from build.events()
    if build.failure is not None:
        raise build.failure


def _place(warehouse: "Warehouse") -> "AbstractContextManager[LakeViews | None]":
    """Return where dbt builds: in memory beside the lake; None: in the warehouse file."""
    if not warehouse.is_lake:
        return nullcontext()
    # needs Postgres, as a file does not
    from shared_lib.dbt_step.lake_views import lake_views

    return lake_views(warehouse)
