"""The launchpad and `trigger` refuse a request that cannot be simulated before a run exists."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
from tests.integration.dagster_client.conftest import RunningDagster, running_webserver

from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.dagster_client import DagsterClient, JobRuns, LaunchRefusedError, Webserver

LOCATION = "  - python_module: {module_name: simulation.definitions, location_name: simulation}\n"
SELECTOR = {
    "repositoryLocationName": "simulation",
    "repositoryName": "__repository__",
    "jobName": "multi_year_simulation",
}
LAUNCH = """
mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
    ... on RunConfigValidationInvalid { errors { message } }
    ... on PythonError { message errorChain { error { message } } }
} }
"""
PLAN = """
query Plan($job: PipelineSelector!, $config: RunConfigData!) {
    executionPlanOrError(pipeline: $job, mode: "default", runConfigData: $config) { __typename }
}
"""


# one webserver for all of them
pytestmark = pytest.mark.xdist_group("launchpad")


@pytest.fixture(scope="module")
def dagster(
    parsed_platform: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningDagster]:
    with running_webserver(tmp_path_factory.mktemp("launchpad"), LOCATION) as running:
        yield running


def runs_of(dagster: RunningDagster) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(dagster.home)) as instance:
        return list(instance.get_runs())


def ask(dagster: RunningDagster, query: str, **variables: Any) -> dict[str, Any]:
    answer = httpx.post(
        f"{dagster.url}/graphql",
        json={"query": query, "variables": variables},
        timeout=PATIENCE_SECONDS,
    ).json()
    assert "errors" not in answer, answer
    return next(iter(answer["data"].values()))


def client_of(dagster: RunningDagster, directory: Path) -> DagsterClient:
    job_runs = JobRuns(f"sqlite:///{directory / 'job_runs.db'}")
    return DagsterClient(Webserver(url=dagster.url), job_runs=job_runs)


@pytest.fixture(scope="module")
def censuses(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a census, and with a file of something else."""
    folder = tmp_path_factory.mktemp("censuses")
    (folder / "census_2024.csv").write_text(
        "employee_id,hire_date,birth_date,annual_salary,level,department\n"
        "1,2019-04-01,1988-02-03,64000,2,Operations\n"
    )
    (folder / "inventory.csv").write_text("article,colour\n17,blue\n")
    return folder


def in_folder(folder: Path, content: Any) -> Any:
    return json.loads(json.dumps(content).replace("{folder}", str(folder)))


def request(**config: Any) -> dict[str, Any]:
    return {"ops": {"simulation_config": {"config": config}}}


@pytest.mark.parametrize(
    ("config", "answer", "messages"),
    [
        (
            {"scenario": "basline"},
            "RunConfigValidationInvalid",
            ["basline", "baseline, high_growth"],
        ),
        ({"start_year": 1900}, "PythonError", ["start_year", "1900", "2025 to 2029"]),
        ({"start_year": 2030}, "PythonError", ["start_year", "2030", "2025 to 2029"]),
        ({"end_year": 2091}, "PythonError", ["end_year", "2091", "2025 to 2029"]),
        ({"start_year": "2026"}, "RunConfigValidationInvalid", ["start_year"]),
        ({"generated_size": 0}, "PythonError", ["generated_size", "0", "1 to 5000000"]),
        (
            {"start_year": 2028, "end_year": 2026},
            "PythonError",
            ["end_year 2026 is before start_year 2028", "2028 to 2029"],
        ),
        (
            {"scenario": "high_growth", "start_year": 2029, "end_year": 2025},
            "PythonError",
            ["end_year 2025 is before start_year 2029", "2029 to 2029"],
        ),
        (
            {"census_path": "{folder}/census_2204.csv"},
            "PythonError",
            ["census_path", "{folder}/census_2204.csv", "did you mean {folder}/census_2024.csv?"],
        ),
        (
            {"census_path": "{folder}/census_2024.docx"},
            "PythonError",
            ["census_path", ".docx", ".csv, .tsv, .txt, .parquet", "census_2024.csv?"],
        ),
        ({"census_path": "{folder}"}, "PythonError", ["census_path", "{folder}", "is a folder"]),
        (
            {"census_path": "{folder}/inventory.csv"},
            "PythonError",
            ["census_path", "{folder}/inventory.csv", "no column was recognised as", "colour"],
        ),
        (
            {"census_path": "{folder}/census_2024.csv", "census_mapping": "workdy"},
            "PythonError",
            ["census_mapping", "'workdy'"],
        ),
        ({"census_mapping": "workdy"}, "PythonError", ["census_mapping", "'workdy'"]),
    ],
)
def test_what_cannot_be_simulated_is_refused_before_a_run_exists(
    config: dict[str, Any],
    answer: str,
    messages: list[str],
    dagster: RunningDagster,
    censuses: Path,
    tmp_path: Path,
) -> None:
    config, messages = in_folder(censuses, config), in_folder(censuses, messages)
    params = {"selector": SELECTOR, "mode": "default", "runConfigData": request(**config)}
    refused = ask(dagster, LAUNCH, params=params)
    client = client_of(dagster, tmp_path)
    with pytest.raises(LaunchRefusedError) as refusal:
        client.trigger("multi_year_simulation", request(**config))

    assert refused["__typename"] == answer
    for message in messages:
        assert message in str(refused)
        assert message in str(refusal.value)
    assert runs_of(dagster) == []


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"scenario": "high_growth", "start_year": 2025, "end_year": 2029},
        {"start_year": 2027},
        {"census_path": "{folder}/census_2024.csv"},
    ],
)
def test_what_can_be_simulated_is_accepted(
    config: dict[str, Any], dagster: RunningDagster, censuses: Path
) -> None:
    job = {**SELECTOR, "pipelineName": SELECTOR["jobName"]}
    del job["jobName"]
    plan = ask(dagster, PLAN, job=job, config=request(**in_folder(censuses, config)))
    assert plan["__typename"] == "ExecutionPlan"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (("basline|2025",), "'basline|2025' is not a partition of multi_year_simulation"),
        (("baseline|1900",), "'baseline|1900' is not a partition of multi_year_simulation"),
        (("baseline|2025", "baseline|2091"), "'baseline|2091' is not a partition"),
    ],
)
def test_a_partition_that_does_not_exist_is_refused_before_a_run_exists(
    keys: tuple[str, ...], message: str, dagster: RunningDagster, tmp_path: Path
) -> None:
    with pytest.raises(LaunchRefusedError, match=re.escape(message)) as refusal:
        client_of(dagster, tmp_path).trigger("multi_year_simulation", partitions=keys)

    assert "baseline|202" in str(refusal.value)
    assert runs_of(dagster) == []
