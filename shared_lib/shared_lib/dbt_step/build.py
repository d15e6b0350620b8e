"""Run one dbt invocation as a Dagster step, and report each model to Dagster."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DbtProject
from dagster_dbt.asset_utils import get_manifest_and_translator_from_dbt_assets
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from shared_lib.dbt.engine import ENGINE_VARIABLE, EngineSettingError, engine_executable
from shared_lib.dbt.invocation import DbtFailedError, Event, invoke_dbt
from shared_lib.dbt.invocation_record import DbtInvocation, target_of
from shared_lib.dbt.lineage import ColumnLineage, read_column_lineage
from shared_lib.dbt.node_cpu import NodeCpu
from shared_lib.dbt.project import (
    OBSERVABILITY_TAG,
    PROJECT_DIRECTORY,
    STATE_TAG,
    TARGET_DIRECTORY,
    target_directory,
)
from shared_lib.dbt.results import NodeResult, not_built, read_results, sql_metadata
from shared_lib.dbt.variables import with_step_variables
from shared_lib.dbt_step.observed import ObservedBuild
from shared_lib.dbt_step.place import BuildPlace
from shared_lib.dbt_step.run_directory import new_run_directory
from shared_lib.dbt_step.selection import UNIQUE_ID, chosen_nodes, step_selection, with_inputs
from shared_lib.metadata import Relation, column_lineage, table_metadata
from shared_lib.observability.step_cost import CPU_SECONDS
from shared_lib.warehouse import Warehouse
from shared_lib.warehouse.setting import Backend, backend_of

# of a batch, in dbt's words
_BUILT = frozenset({"ok", "success"})


class ManifestStaleError(RuntimeError):
    """The dbt project has changed since its manifest was built."""


@dataclass(frozen=True)
class NodeTiming:
    """The outcome of one model or batch, in dbt's own terms and times."""

    name: str
    status: str
    seconds: float
    relation: Relation


@dataclass
class DbtBuild:
    """A ``dbt build`` of the models of one step.

    Iterate :meth:`events` for Dagster's events. Afterwards ``timings`` holds what dbt recorded and,
    if dbt failed, ``failure`` holds the error, which the caller raises after cleaning up.
    ``location`` is the code location that the project was parsed for, if it serves several.
    ``counted`` limits the row counts; see :func:`shared_lib.metadata.table_metadata`.
    ``place`` is where dbt builds, if not in the warehouse.
    ``lineage`` is what each column is computed from; by default it was prepared with the manifest.
    dbt locks the warehouse while it runs. Only when it has finished can row counts and schemas be
    read and the outputs of the models be passed on.
    """

    context: dg.AssetExecutionContext
    warehouse: Warehouse
    manifest: Mapping[str, Any]
    translator: DagsterDbtTranslator
    arguments: Sequence[str] = ()
    project_directory: Path = PROJECT_DIRECTORY
    location: str = ""
    per_model: bool = True
    counted: Mapping[str, str] = field(default_factory=dict)
    place: BuildPlace | None = None
    lineage: ColumnLineage | None = None
    timings: list[NodeTiming] = field(default_factory=list)
    failure: DbtFailedError | None = None
    cpu_seconds: float = 0.0

    @classmethod
    def of_step(
        cls,
        context: dg.AssetExecutionContext,
        warehouse: Warehouse,
        *,
        arguments: Sequence[str] = (),
        counted: Mapping[str, str] | None = None,
        place: BuildPlace | None = None,
    ) -> Self:
        """Return the build of the models that the step of ``context`` represents.

        Args:
            context: the context of the step.
            warehouse: the file that dbt writes.
            arguments: the arguments of ``dbt build``, except the selection.
            counted: columns with the value of the rows that row counts are of.
            place: where dbt builds, if not in the warehouse.
        """
        manifest, translator, project = get_manifest_and_translator_from_dbt_assets(
            [context.assets_def]
        )
        named = project.target if project else None
        if backend_of(warehouse.location) is Backend.LAKE:
            named = "lake"
        target = ["--target", named] if named else []
        tags = context.op_execution_context.op.tags
        state = ["--defer", "--state", tags[STATE_TAG]] if tags.get(STATE_TAG) else []
        return cls(
            context,
            warehouse,
            manifest,
            translator,
            [*with_step_variables(arguments, tags), *target, *state],
            project_directory=Path(project.project_dir) if project else PROJECT_DIRECTORY,
            location=warehouse.location,
            per_model=tags.get(OBSERVABILITY_TAG) != "job_level",
            counted=counted or {},
            place=place,
        )

    def events(self) -> Iterator[Any]:
        """Run dbt; yield an output for each model built and a result for each test run.

        For a model that failed or was skipped, yield an observation that says why. With
        ``per_model``, also report every node to the endpoint that the environment names, if any.

        Raises:
            ManifestStaleError: dbt ran a node that is not in the manifest.
        """
        target = new_run_directory(
            target_directory(self.location, self.project_directory),
            step=self.context.op_execution_context.op.name,
            run_id=self.context.run.run_id,
        )
        cpu = NodeCpu()
        observed = ObservedBuild.of_step(self.context) if self.per_model else None
        if observed:
            observed.begin(self._invocation(target, {}, {}))
        recorded = self._run_dbt(target, observed, cpu)
        if self.place:
            self.place.finish()
        results = read_results(target, self.manifest)
        outputs = []
        for result in self._results(recorded, target):
            if isinstance(result, dg.Output):
                outputs.append(result)
            else:
                yield result
        # if nothing was built, the warehouse may not exist
        tables = self._table_metadata(outputs) if outputs else {}
        if observed:
            observed.send(recorded, self._invocation(target, results, tables), self._built)
        yield from self._described(outputs, results, tables, cpu)
        yield from not_built(results, self.manifest, self._asset_keys())
        if observed:
            observed.finish()

    def _run_dbt(self, target: Path, observed: ObservedBuild | None, cpu: NodeCpu) -> list[Event]:
        """Run dbt to completion; return its events and keep its error in ``failure``."""
        recorded: list[Event] = []
        writing = threading.Lock()

        def record(event: Event) -> None:
            with writing:
                recorded.append(event)
                self._note(event)
            if self.place and event["info"]["name"] == "LogBatchResult":
                self._report_batch(self.place, event["data"])
            if observed:
                observed.note(event)

        engine = engine_executable()
        if engine and self.place:
            raise EngineSettingError(
                f"{ENGINE_VARIABLE} is set, and the tables are in the lake: dbt builds them with a "
                "plugin in Python, which only the dbt of this environment has"
            )
        selection = step_selection(self.context, self.manifest, by_name=engine is not None)
        if self.place:
            selection = with_inputs(selection, kept=self.place.kept)
        arguments = ["build", *self.arguments, *selection]
        self.context.log.info(f"dbt {' '.join(arguments)}")
        try:
            invoke_dbt(
                arguments,
                warehouse=self.warehouse.path,
                target=target,
                on_event=record,
                project_directory=self.project_directory,
                debug_events=observed.debug_events if observed else (),
                on_node=cpu.note,
                manifest=self.manifest,
            )
        except DbtFailedError as error:
            self.failure = error
        return recorded

    def _report_batch(self, place: BuildPlace, data: Mapping[str, Any]) -> None:
        if data["status"].lower() in _BUILT:
            place.batch_done(data["node_info"]["node_name"], int(data["description"].split()[1]))

    def _results(self, recorded: Sequence[Event], target: Path) -> Iterator[Any]:
        # one for all: the translator keeps the assets of a project by its identity
        project = DbtProject(self.project_directory)
        chosen = chosen_nodes(self.context)
        for event in recorded:
            message = DbtCoreCliEventMessage(raw_event=dict(event), event_history_metadata={})
            if not message.is_result_event:
                continue
            unique_id = event["data"]["node_info"]["unique_id"]
            if unique_id not in self._nodes:
                raise ManifestStaleError(
                    f"dbt runs {unique_id}, which is not in the manifest: run `make manifest`"
                )
            if self.place and unique_id not in chosen:
                continue
            yield from message.to_default_asset_events(
                manifest=self.manifest,
                dagster_dbt_translator=self.translator,
                context=self.context,
                target_path=target,
                project=project,
            )

    def _note(self, event: Event) -> None:
        kind, data = event["info"]["name"], event["data"]
        if kind == "LogBatchResult":
            batch = data["description"].split(" of ")[0]
            self.context.log.info(
                f"{batch}: {data['status'].lower()} in {data['execution_time']:.2f} s "
                f"({data['batch_index']} of {data['total_batches']})"
            )
        elif kind == "LogModelResult":
            info = data["node_info"]
            self.timings.append(
                NodeTiming(
                    name=info["node_name"],
                    status=data["status"].lower(),
                    seconds=data["execution_time"],
                    relation=(
                        info["node_relation"]["schema"],
                        info["node_relation"]["alias"],
                    ),
                )
            )

    @property
    def _built(self) -> Warehouse | BuildPlace:
        return self.place or self.warehouse

    @property
    def _nodes(self) -> Mapping[str, Any]:
        return self.manifest["nodes"]

    def _described(
        self,
        outputs: Sequence[dg.Output[Any]],
        results: Mapping[str, NodeResult],
        tables: Mapping[Relation, Mapping[str, Any]],
        cpu: NodeCpu,
    ) -> Iterator[dg.Output[Any]]:
        nodes = self._nodes_by_output()
        shares = cpu.shares([nodes[output.output_name]["unique_id"] for output in outputs])
        self.cpu_seconds = sum(shares.values())
        lineage = self._known_lineage()
        for output in outputs:
            node = nodes[output.output_name]
            extra = dict(tables.get(_relation(node), {}))
            extra[CPU_SECONDS] = round(shares[node["unique_id"]], 3)
            if node["unique_id"] in results:
                extra |= sql_metadata(results[node["unique_id"]].compiled_sql)
            if node["unique_id"] in lineage:
                extra |= self._column_lineage(lineage[node["unique_id"]])
            yield output.with_metadata({**output.metadata, **extra})

    def _asset_keys(self) -> dict[str, dg.AssetKey]:
        """Return the keys of the step's models as its definition has them, by unique id."""
        definition = self.context.assets_def
        return {definition.metadata_by_key[key][UNIQUE_ID]: key for key in definition.keys}

    def _known_lineage(self) -> ColumnLineage:
        if self.lineage is not None:
            return self.lineage
        return read_column_lineage(self.project_directory / TARGET_DIRECTORY.name / self.location)

    def _invocation(
        self,
        target: Path,
        results: Mapping[str, NodeResult],
        tables: Mapping[Relation, Mapping[str, Any]],
    ) -> DbtInvocation:
        return DbtInvocation(
            project_directory=self.project_directory,
            target_directory=target,
            warehouse=self.warehouse.path,
            manifest=self.manifest,
            target=target_of(self.arguments),
            compiled_sql={
                unique_id: result.compiled_sql
                for unique_id, result in results.items()
                if result.compiled_sql
            },
            rows={relation: known["dagster/row_count"] for relation, known in tables.items()},
            column_lineage=self._known_lineage(),
        )

    def _nodes_by_output(self) -> dict[str, Mapping[str, Any]]:
        return {
            key.to_python_identifier(): self._nodes[unique_id]
            for unique_id, key in self._asset_keys().items()
        }

    def _table_metadata(self, outputs: Sequence[dg.Output[Any]]) -> dict[Relation, dict[str, Any]]:
        nodes = self._nodes_by_output()
        descriptions = {
            _relation(node): {
                name: column["description"] for name, column in node["columns"].items()
            }
            for node in (nodes[output.output_name] for output in outputs)
        }
        previewed = {
            _relation(node)
            for node in (nodes[output.output_name] for output in outputs)
            if node["config"]["meta"].get("preview")
        }
        with self._built.reading() as connection:
            return table_metadata(
                connection,
                descriptions,
                descriptions=descriptions,
                counted=self.counted,
                previewed=previewed,
            )

    def _column_lineage(self, columns: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, Any]:
        owners = {**self.manifest["nodes"], **self.manifest["sources"]}
        return column_lineage(
            {
                column: [
                    (self.translator.get_asset_key(owners[owner]), name) for owner, name in origins
                ]
                for column, origins in columns.items()
            }
        )


def _relation(node: Mapping[str, Any]) -> Relation:
    return node["schema"], node.get("alias") or node["name"]
