"""One dbt invocation as a Dagster step, with what Dagster should know about each model."""

import os
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtCliRuntimeError, DagsterDbtTranslator, DbtCliInvocation

from shared_lib.dbt.lineage import read_column_lineage
from shared_lib.dbt.project import DUCKDB_PATH_VARIABLE, TARGET_DIRECTORY
from shared_lib.dbt.resource import DbtCommand
from shared_lib.metadata import Relation, column_lineage, table_metadata
from shared_lib.warehouse import Warehouse

# What dbt runs, by the first part of a node's unique id.
_NODES = frozenset({"model", "seed", "snapshot", "test"})


class ManifestStaleError(RuntimeError):
    """The dbt project has changed since its manifest was made."""


@dataclass(frozen=True)
class NodeTiming:
    """How one model or batch of it fared, in dbt's own words and clock."""

    name: str
    status: str
    seconds: float
    relation: Relation


@dataclass
class DbtBuild:
    """A ``dbt build`` of the models of one step.

    Iterate :meth:`events` for Dagster's events; afterwards ``timings`` holds what dbt recorded.
    dbt keeps the warehouse to itself while it runs. Row counts and schemas can only be read, and
    the outputs of the models only be handed on, when it has finished.
    """

    context: dg.AssetExecutionContext
    dbt: DbtCommand
    warehouse: Warehouse
    manifest: Mapping[str, Any]
    translator: DagsterDbtTranslator
    arguments: Sequence[str]
    timings: list[NodeTiming] = field(default_factory=list)

    def events(self) -> Generator[Any, None, DagsterDbtCliRuntimeError | None]:
        """Run dbt and yield an output for each model built and a result for each test run.

        Returns:
            The error when dbt failed, for the caller to raise when it has tidied up; the events
            of what succeeded have been yielded then.

        Raises:
            ManifestStaleError: dbt ran a node that the manifest does not have.
        """
        # profiles.yml reads the file from the environment.
        os.environ[DUCKDB_PATH_VARIABLE] = str(self.warehouse.path)
        outputs: list[dg.Output[Any]] = []
        failure: DagsterDbtCliRuntimeError | None = None
        invocation = self.dbt.cli(list(self.arguments), context=self.context)
        try:
            for event in invocation.stream_raw_events():
                self._note(event.raw_event)
                for result in event.to_default_asset_events(
                    manifest=self.manifest,
                    dagster_dbt_translator=self.translator,
                    context=self.context,
                    target_path=invocation.target_path,
                    project=invocation.project,
                ):
                    if isinstance(result, dg.Output):
                        outputs.append(result)
                    else:
                        # Dagster stores it while dbt goes on in its own process.
                        yield result
        except DagsterDbtCliRuntimeError as error:
            failure = error
        finally:
            _end(invocation)
        yield from self._described(outputs)
        return failure

    def _note(self, raw_event: Mapping[str, Any]) -> None:
        kind, data = raw_event["info"]["name"], raw_event["data"]
        unique_id = data.get("node_info", {}).get("unique_id")
        if unique_id and unique_id.split(".")[0] in _NODES and unique_id not in self._nodes:
            message = f"dbt runs {unique_id}, which the manifest lacks: run `make manifest`"
            raise ManifestStaleError(message)
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
    def _nodes(self) -> Mapping[str, Any]:
        return self.manifest["nodes"]

    def _described(self, outputs: Sequence[dg.Output[Any]]) -> Iterator[dg.Output[Any]]:
        nodes = {
            self.translator.get_asset_key(node).to_python_identifier(): node
            for node in self._nodes.values()
            if node["resource_type"] in {"model", "seed"}
        }
        tables = self._table_metadata([nodes[output.output_name] for output in outputs])
        lineage = read_column_lineage(TARGET_DIRECTORY)
        for output in outputs:
            node = nodes[output.output_name]
            extra = dict(tables.get(_relation(node), {}))
            if node["unique_id"] in lineage:
                extra |= self._column_lineage(lineage[node["unique_id"]])
            yield output.with_metadata({**output.metadata, **extra})

    def _table_metadata(self, nodes: Sequence[Mapping[str, Any]]) -> dict[Relation, dict[str, Any]]:
        descriptions = {
            _relation(node): {
                name: column["description"] for name, column in node["columns"].items()
            }
            for node in nodes
        }
        with self.warehouse.reading() as connection:
            return table_metadata(connection, descriptions, descriptions=descriptions)

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


def _end(invocation: DbtCliInvocation) -> None:
    """Let no dbt process outlive its step: it would go on writing, and hold the file."""
    if invocation.process.poll() is None:
        invocation.process.terminate()
        invocation.process.wait()
