"""OpenLineage events of dbt nodes, built by openlineage-dbt's processor from dbt's own events.

The processor is designed to start ``dbt`` itself and to read its log. Here dbt runs in the step's
process, so this module passes the events in, along with what the processor would otherwise look
for in files and variables: the manifest, the warehouse and the parent run.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from openlineage.client.event_v2 import Dataset, InputDataset, RunEvent, RunState
from openlineage.client.facet_v2 import (
    InputDatasetFacet,
    JobFacet,
    column_lineage_dataset,
    error_message_run,
    parent_run,
    sql_job,
    tags_job,
)
from openlineage.common.provider.dbt.facets import ParentRunMetadata
from openlineage.common.provider.dbt.structured_logs import DbtStructuredLogsProcessor
from openlineage.common.provider.dbt.utils import PRODUCER

from shared_lib.dbt.invocation_record import DbtInvocation, relation_of
from shared_lib.dbt.nodes import NodeRun
from shared_lib.observability import identity
from shared_lib.observability.lineage.asset_datasets import DatasetName
from shared_lib.observability.place import environment, location, warehouse_namespace
from shared_lib.observability.spans import StepIdentity


def place_facets() -> dict[str, JobFacet]:
    """Return the facet of a job that names code location and environment."""
    return {
        "tags": tags_job.TagsJobFacet(
            tags=[
                tags_job.TagsJobFacetFields(key=key, value=value, source="DAGSTER")
                for key, value in (("environment", environment()), ("location", location()))
                if value
            ]
        )
    }


def parent_facet(run_id: str, job_name: str, namespace: str) -> parent_run.ParentRunFacet:
    """Return the facet that names the Dagster run as the parent."""
    return _parent(run_id, job_name, namespace).to_openlineage()


def column_lineage_facet(
    origins: Mapping[str, Sequence[tuple[DatasetName, str]]],
) -> column_lineage_dataset.ColumnLineageDatasetFacet:
    """Return the facet that names, for each column, the columns that it was computed from."""
    return column_lineage_dataset.ColumnLineageDatasetFacet(
        fields={
            column: column_lineage_dataset.Fields(
                inputFields=[
                    column_lineage_dataset.InputField(
                        namespace=name.namespace, name=name.name, field=upstream
                    )
                    for name, upstream in found
                ]
            )
            for column, found in origins.items()
        }
    )


class InProcessDbt(DbtStructuredLogsProcessor):
    """openlineage-dbt's processor of dbt's events, for a dbt that it did not start."""

    def __init__(self, invocation: DbtInvocation, *, step: StepIdentity, namespace: str) -> None:
        """Process the nodes of ``invocation``, which ran in ``step``."""
        super().__init__(
            project_dir=str(invocation.project_directory),
            target_path=str(invocation.target_directory),
            # so that it does not choose a log directory itself; nothing is written or read there
            dbt_command_line=["dbt", "build", "--log-path", str(invocation.target_directory)],
            producer=PRODUCER,
            job_namespace=namespace,
        )
        self._invocation = invocation
        self._step = step
        self._compiled_manifest = _with_sql(invocation)
        self.catalog = _catalog(invocation)
        self.dbt_run_metadata = _parent(step.run_id, step.job_name, namespace)
        self._dbt_version = invocation.manifest["metadata"]["dbt_version"]
        profile = {"type": "duckdb", "path": str(invocation.warehouse)}
        self.extract_adapter_type(profile)
        self.extract_dataset_namespace(profile)
        self.dataset_namespace = warehouse_namespace(invocation.warehouse)

    def start_of(self, node: NodeRun) -> RunEvent:
        """Return the first event of ``node``."""
        self._identify(node)
        event: Any = _with_times(node)
        return self._completed(self._parse_node_start_event(event), node)

    def end_of(self, node: NodeRun) -> RunEvent:
        """Return the last event of ``node``."""
        self._identify(node)
        event: Any = _with_times(node)
        last = self.parse_node_finished_event(event)
        if node.has_failed:
            last.eventType = RunState.FAIL  # the processor does not know "partial success"
            self._explain(last, node)
        return self._completed(last, node)

    def supplement_of(self, node: NodeRun) -> RunEvent:
        """Return what is known about ``node`` after its last event, as an event of type OTHER."""
        event = self.end_of(node)
        event.eventType = RunState.OTHER
        event.eventTime = datetime.now(UTC).isoformat()
        return event

    def _identify(self, node: NodeRun) -> None:
        self._dbt_invocation_id = node.invocation_id
        span_id = identity.node_span_id(self._step.span_id, node.unique_id)
        self.node_id_to_ol_run_id[node.unique_id] = identity.lineage_run_id(
            span_id, self._step.run_id, node.started
        )

    def _explain(self, event: RunEvent, node: NodeRun) -> None:
        event.run.facets = {
            **(event.run.facets or {}),
            "errorMessage": error_message_run.ErrorMessageRunFacet(
                message=node.message or node.status, programmingLanguage="sql"
            ),
        }

    def _completed(self, event: RunEvent, node: NodeRun) -> RunEvent:
        """Add SQL, place and our column lineage; remove outputs that do not exist."""
        event.job.facets = {**(event.job.facets or {}), **place_facets()}
        if sql := self._invocation.compiled_sql.get(node.unique_id):
            event.job.facets = {
                **(event.job.facets or {}),
                "sql": sql_job.SQLJobFacet(query=sql, dialect=self.extract_dialect()),
            }
        if node.resource_type in {"test", "unit_test"}:
            event.outputs = []  # the processor names a table where dbt would store failures
            event.inputs = [_with_assertions(dataset) for dataset in event.inputs or []]
        elif columns := self._invocation.column_lineage.get(node.unique_id):
            lineage = column_lineage_facet(
                {
                    column: [
                        (DatasetName(self.dataset_namespace, self._name(owner)), name)
                        for owner, name in origins
                    ]
                    for column, origins in columns.items()
                }
            )
            for output in event.outputs or []:
                output.facets = {**(output.facets or {}), "columnLineage": lineage}
        return event

    def _name(self, unique_id: str) -> str:
        manifest = self._compiled_manifest
        node = (manifest["sources"] | manifest["nodes"])[unique_id]
        return self._format_dataset_name(node["database"], *relation_of(node))


def _with_assertions(dataset: Dataset) -> InputDataset:
    """Return test results where the specification also has them: on the event's inputs."""
    found: dict[str, InputDatasetFacet] = {
        name: facet
        for name, facet in (dataset.facets or {}).items()
        if isinstance(facet, InputDatasetFacet)
    }
    return InputDataset(
        namespace=dataset.namespace,
        name=dataset.name,
        facets=dataset.facets,
        inputFacets=found,
    )


def _parent(run_id: str, job_name: str, namespace: str) -> ParentRunMetadata:
    return ParentRunMetadata(
        run_id=run_id,
        job_name=job_name,
        job_namespace=namespace,
        root_parent_run_id=run_id,
        root_parent_job_name=job_name,
        root_parent_job_namespace=namespace,
    )


def _with_sql(invocation: DbtInvocation) -> dict[str, Any]:
    """Return the manifest with the SQL that ran and the tables that were read."""
    nodes = invocation.manifest["nodes"]
    compiled = {
        unique_id: {**nodes[unique_id], "compiled_code": sql}
        for unique_id, sql in invocation.compiled_sql.items()
        if unique_id in nodes
    }
    # the processor uses dbt's name of a source, not the name of its table
    sources = {
        unique_id: {**source, "name": source.get("identifier") or source["name"]}
        for unique_id, source in invocation.manifest["sources"].items()
    }
    return {**invocation.manifest, "nodes": {**nodes, **compiled}, "sources": sources}


def _catalog(invocation: DbtInvocation) -> dict[str, Any]:
    """Return a catalog like that of ``dbt docs generate``, with the sources among the nodes."""
    owners = {**invocation.manifest["sources"], **invocation.manifest["nodes"]}
    return {
        "nodes": {
            unique_id: {
                "columns": {
                    name: {"name": name, "type": data_type}
                    for name, data_type in invocation.columns[relation].items()
                },
                "stats": {"num_rows": {"value": invocation.rows.get(relation)}},
            }
            for unique_id, owner in owners.items()
            if (relation := relation_of(owner)) in invocation.columns
        }
    }


def _with_times(node: NodeRun) -> dict[str, Any]:
    """Return the node's last event with the node's times; dbt's may be of the last batch only."""
    data = node.event["data"]
    info = {
        **data["node_info"],
        "node_started_at": node.started.isoformat(),
        "node_finished_at": node.ended.isoformat(),
    }
    return {**node.event, "data": {**data, "node_info": info}}
