"""A dbt project as a component, built and observed as those of our locations."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import dagster as dg
from dagster_dbt import DbtCliResource, DbtProjectComponent

from shared_lib.dbt.project import DUCKDB_PATH_VARIABLE
from shared_lib.dbt_step.build import DbtBuild
from shared_lib.discovery.definitions.attributes import with_changed_step


@dataclass(kw_only=True)
class ObservedDbtProject(DbtProjectComponent):
    """Dagster's dbt project, whose models report rows, columns, SQL and failures one by one.

    Where the environment names an endpoint of OpenTelemetry or OpenLineage, each node is reported
    there too. The attributes are those of `dagster_dbt.DbtProjectComponent`; the command is
    `build`. dbt writes the resource `warehouse` of the project, a
    `shared_lib.warehouse.Warehouse`: `profiles.yml` lies beside `dbt_project.yml` and takes the
    path of the file from `DBT_DUCKDB_PATH`.

    .. code-block:: yaml

        type: shared_lib.components.ObservedDbtProject
        attributes:
          project: "{{ context.project_root }}/dbt_project"
          select: tag:daily
          op:
            name: daily_models
            pool: shop_warehouse
    """

    def write_state_to_path(self, state_path: Path) -> None:
        """Let dbt parse the project, for which it opens no warehouse.

        The path of the warehouse is known when a run starts.
        """
        before = os.environ.get(DUCKDB_PATH_VARIABLE)
        os.environ.setdefault(DUCKDB_PATH_VARIABLE, ":memory:")
        try:
            super().write_state_to_path(state_path)
        finally:
            if before is None:
                del os.environ[DUCKDB_PATH_VARIABLE]

    def build_defs_from_state(
        self, context: dg.ComponentLoadContext, state_path: Path | None
    ) -> dg.Definitions:
        """Build the assets, whose step uses the resource ``warehouse``."""
        definitions = super().build_defs_from_state(context, state_path)
        [models] = cast("list[dg.AssetsDefinition]", definitions.assets)
        required = {*models.op.required_resource_keys, "warehouse"}
        return dg.Definitions(assets=[with_changed_step(models, required_resource_keys=required)])

    def execute(self, context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        """Run `dbt build` for the selected assets, and yield what it built.

        Raises:
            DagsterInvalidDefinitionError: `cli_args` name another command.
            DbtFailedError: dbt failed, after everything that it built was reported.
        """
        command, *arguments = self.get_cli_args(context)
        if command != "build":
            text = f"cli_args: {command!r} is not allowed, allowed is build with its options"
            raise dg.DagsterInvalidDefinitionError(text)
        build = replace(
            DbtBuild.of_step(context, context.resources.warehouse, arguments=arguments),
            project_directory=Path(dbt.project_dir),
            location="",
            lineage={},
        )
        yield from build.events()
        if build.failure is not None:
            raise build.failure
