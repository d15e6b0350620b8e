"""OpenLineage events of Dagster's runs and steps, with the datasets of their assets."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from openlineage.client.event_v2 import (
    InputDataset,
    Job,
    OutputDataset,
    Run,
    RunEvent,
    RunState,
)
from openlineage.client.facet_v2 import (
    JobFacet,
    RunFacet,
    data_quality_assertions_dataset,
    error_message_run,
    job_type_job,
    output_statistics_output_dataset,
    schema_dataset,
    tags_run,
)

from shared_lib.observability import identity
from shared_lib.observability.lineage.asset_datasets import DatasetName, WrittenDataset
from shared_lib.observability.lineage.dbt_nodes import (
    column_lineage_facet,
    parent_facet,
    place_facets,
)
from shared_lib.observability.lineage.step_datasets import CheckOutcome, StepDatasets
from shared_lib.observability.spans import StepIdentity

State = Literal["START", "COMPLETE", "FAIL"]


def run_event(
    run_id: str, job_name: str, *, state: State, moment: datetime, error: str | None, namespace: str
) -> RunEvent:
    """Return one event of a Dagster run, the parent of its steps and dbt nodes."""
    return RunEvent(
        eventType=RunState[state],
        eventTime=moment.isoformat(),
        run=Run(runId=run_id, facets=_run_facets(error)),
        job=Job(namespace=namespace, name=job_name, facets=_job_facets("JOB")),
    )


def step_event(
    step: StepIdentity,
    datasets: StepDatasets,
    *,
    state: State,
    moment: datetime,
    started: datetime,
    error: str | None,
    namespace: str,
) -> RunEvent:
    """Return one event of a step, named after job and step, with the Dagster run as parent."""
    facets = _run_facets(error)
    if datasets.made:
        facets["tags"] = tags_run.TagsRunFacet(
            tags=[
                tags_run.TagsRunFacetFields(key=key, value=value, source="DAGSTER")
                for key, value in datasets.made
            ]
        )
    facets["parent"] = parent_facet(step.run_id, step.job_name, namespace)
    return RunEvent(
        eventType=RunState[state],
        eventTime=moment.isoformat(),
        run=Run(
            runId=identity.lineage_run_id(step.span_id, step.run_id, started),
            facets=facets,
        ),
        job=Job(
            namespace=namespace,
            name=f"{step.job_name}.{step.step_key}",
            facets=_job_facets("STEP"),
        ),
        inputs=[
            _input(name, datasets.checked.get(name, ()))
            for name in sorted({*datasets.inputs, *datasets.checked})
        ],
        outputs=[_output(written) for written in datasets.outputs],
    )


def _run_facets(error: str | None) -> dict[str, RunFacet]:
    if error is None:
        return {}
    return {
        "errorMessage": error_message_run.ErrorMessageRunFacet(
            message=error, programmingLanguage="python"
        )
    }


def _job_facets(kind: str) -> dict[str, JobFacet]:
    return {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="DAGSTER", jobType=kind
        ),
        **place_facets(),
    }


def _input(name: DatasetName, outcomes: Sequence[CheckOutcome]) -> InputDataset:
    dataset = InputDataset(namespace=name.namespace, name=name.name)
    if outcomes:
        # the specification has them only on inputs: checking a dataset means reading it
        dataset.inputFacets = {
            "dataQualityAssertions": (
                data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
                    assertions=[
                        data_quality_assertions_dataset.Assertion(
                            assertion=outcome.name,
                            name=outcome.name,
                            success=outcome.passed,
                            severity=outcome.severity,
                            description=outcome.description,
                        )
                        for outcome in outcomes
                    ]
                )
            )
        }
    return dataset


def _output(written: WrittenDataset) -> OutputDataset:
    dataset = OutputDataset(namespace=written.name.namespace, name=written.name.name)
    facets = dataset.facets = {}
    if written.columns:
        facets["schema"] = schema_dataset.SchemaDatasetFacet(
            fields=[
                schema_dataset.SchemaDatasetFacetFields(
                    name=name, type=data_type, description=description
                )
                for name, data_type, description in written.columns
            ]
        )
    if written.column_origins:
        facets["columnLineage"] = column_lineage_facet(written.column_origins)
    if written.rows is not None:
        dataset.outputFacets = {
            "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                rowCount=written.rows
            )
        }
    return dataset
