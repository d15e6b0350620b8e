"""Runs as pods: what the launcher of the chart sends to Kubernetes, and what its pods do."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._config import process_config, resolve_to_config_type
from dagster._core.code_pointer import FileCodePointer
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.launcher import LaunchRunContext
from dagster_k8s import K8sRunLauncher
from dagster_k8s.client import DagsterK8sUnrecoverableAPIError
from dagster_k8s.job import UserDefinedDagsterK8sConfig
from tests.integration.deploy.production import REPOSITORY
from tests.support.kubernetes_api import KubernetesApi, kubernetes_api, mistakes_in

SNAKE = re.compile(r"(?<=[a-z])(?=[A-Z])")
IMAGE = "registry.example.com/dagster-platform@sha256:0123"

LOCATION = """
from pathlib import Path
from shared_lib.discovery import load_location

defs = load_location(Path(__file__).with_name("orchestration.yaml")).definitions
"""

JOBS = """
jobs:
  note:
    function: examples.assets:note
    arguments: {{path: {path}, lines: [from a pod]}}
    pod_resources:
      requests: {{cpu: 1.5, memory: 2Gi}}
      limits: {{memory: 6Gi}}
  plain:
    function: examples.assets:note
    arguments: {{path: {path}, lines: []}}
  refused:
    function: examples.assets:note
    arguments: {{path: {path}, lines: []}}
    tags:
      dagster-k8s/config: >-
        {{"container_config": {{"resources": {{"requests": {{"memory": "8Gi"}}}}}}}}
"""


def launcher_config(helm: dict[str, Any]) -> dict[str, Any]:
    """What the chart writes into dagster.yaml for the launcher."""
    config = {
        SNAKE.sub("_", key).lower(): value
        for key, value in helm["runLauncher"]["config"]["k8sRunLauncher"].items()
    }
    config["run_k8s_config"] = {
        SNAKE.sub("_", key).lower(): value for key, value in config["run_k8s_config"].items()
    }
    return config | {
        # what the chart adds
        "service_account_name": "dagster",
        "dagster_home": helm["global"]["dagsterHome"],
        "instance_config_map": "dagster-instance",
    }


def location_config(helm: dict[str, Any], name: str) -> dict[str, Any]:
    """What the chart gives a code server for its runs (`includeConfigInLaunchedRuns`)."""
    [location] = [
        one
        for one in helm["dagster-user-deployments"]["deployments"]
        if one["name"] == name and one["includeConfigInLaunchedRuns"]["enabled"]
    ]
    config = {
        "k8s": {
            "image_pull_policy": location["image"]["pullPolicy"],
            "namespace": "dagster",
            "service_account_name": location["serviceAccount"]["name"],
            "env": location["env"],
            "volumes": location["volumes"],
            "volume_mounts": location["volumeMounts"],
            "resources": location["resources"],
            "security_context": location["securityContext"],
        }
    }
    return json.loads(json.dumps(config))  # without what remembers the lines of the file


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubernetesApi]:
    with kubernetes_api(tmp_path_factory.mktemp("cluster")) as api:
        yield api


@pytest.fixture(scope="module")
def instance(
    cluster: KubernetesApi, helm: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dg.DagsterInstance]:
    """An instance with the launcher of the chart, whose cluster is the stand-in."""
    home = tmp_path_factory.mktemp("home")
    config = launcher_config(helm)
    config |= {"load_incluster_config": False, "kubeconfig_file": str(cluster.kubeconfig)}
    launcher = {"module": "dagster_k8s", "class": "K8sRunLauncher", "config": config}
    (home / "dagster.yaml").write_text(
        json.dumps({"run_launcher": launcher, "telemetry": {"enabled": False}})
    )
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


@pytest.fixture(scope="module")
def location(helm: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A location that the chart would serve as ``simulation``; its jobs write a file."""
    directory = tmp_path_factory.mktemp("location")
    (directory / "orchestration.yaml").write_text(JOBS.format(path=directory / "note.txt"))
    file = directory / "definitions.py"
    file.write_text(LOCATION)
    return ReconstructableRepository(
        FileCodePointer(str(file), "defs", str(directory)),
        container_image=IMAGE,
        container_context=location_config(helm, "simulation"),
    )


def launch(instance: dg.DagsterInstance, location: Any, name: str) -> dg.DagsterRun:
    """Start a run as the daemon does."""
    job = location.get_reconstructable_job(name)
    definition = job.get_definition()
    run = instance.create_run_for_job(
        definition, tags=definition.run_tags, job_code_origin=job.get_python_origin()
    )
    instance.run_launcher.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
    return run


def only_container(body: dict[str, Any]) -> dict[str, Any]:
    [container] = body["spec"]["template"]["spec"]["containers"]
    return container


def test_the_run_launcher_accepts_its_configuration(helm: dict[str, Any]) -> None:
    config = launcher_config(helm)
    found = UserDefinedDagsterK8sConfig.from_dict(config["run_k8s_config"])
    assert found.pod_spec_config["automount_service_account_token"] is False
    outcome = process_config(resolve_to_config_type(K8sRunLauncher.config_type()), config)
    assert outcome.success, outcome.errors


def test_a_run_is_a_pod_with_the_resources_of_its_job_and_its_command_makes_the_run(
    cluster: KubernetesApi, instance: dg.DagsterInstance, location: Any, helm: dict[str, Any]
) -> None:
    run = launch(instance, location, "note")
    body = cluster.jobs["dagster", f"dagster-run-{run.run_id}"]
    pod = body["spec"]["template"]["spec"]
    container = only_container(body)
    assert container["image"] == IMAGE
    assert container["resources"] == {
        "requests": {"cpu": "1.5", "memory": "2Gi"}, "limits": {"memory": "6Gi"}
    }  # fmt: skip
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["serviceAccountName"] == "dagster-simulation"
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert body["spec"]["ttlSecondsAfterFinished"] == 86400
    assert {one["name"] for one in pod["volumes"]} >= {"warehouse", "tmp", "vault-token"}

    program, *arguments = container["args"]
    assert program == "dagster"
    home = Path(instance.root_directory)
    made = subprocess.run(
        [sys.executable, "-m", "dagster", *arguments],
        env={**os.environ, "DAGSTER_HOME": str(home), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    said = "\n".join(str(entry.dagster_event) for entry in instance.all_logs(run.run_id))
    assert made.returncode == 0, made.stdout + made.stderr + said
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.SUCCESS
    note = Path(location.pointer.python_file).with_name("note.txt").read_text().splitlines()
    assert note == ["from a pod", run.run_id]
    # it goes with its pod: no step starts another
    definition = location.get_reconstructable_job("note").get_definition()
    assert definition.executor_def.name == "in_process"


def test_a_run_of_another_job_has_the_resources_of_its_location(
    cluster: KubernetesApi, instance: dg.DagsterInstance, location: Any, helm: dict[str, Any]
) -> None:
    run = launch(instance, location, "plain")
    body = cluster.jobs["dagster", f"dagster-run-{run.run_id}"]
    expected = location_config(helm, "simulation")["k8s"]["resources"]
    assert only_container(body)["resources"] == expected


def test_what_kubernetes_would_refuse_is_an_error_of_the_launch(
    cluster: KubernetesApi, instance: dg.DagsterInstance, location: Any
) -> None:
    with pytest.raises(DagsterK8sUnrecoverableAPIError) as raised:
        launch(instance, location, "refused")
    assert "8Gi of memory is more than the limit 4Gi" in str(raised.value.__cause__)
    body = json.loads(json.dumps(next(iter(cluster.jobs.values()))))
    assert mistakes_in(body) == ""
    only_container(body)["imagePullPolice"] = "Always"
    assert "imagePullPolice" in mistakes_in(body)
