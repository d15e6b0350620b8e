"""The values for Dagster's Helm chart agree with the chart, and with the rest of deploy/."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.integration.deploy.production import (
    DEPLOY,
    dockerfile,
    image_environment,
    root_instance,
)

from shared_lib.dagster_client.webserver import URL_VARIABLE
from shared_lib.secrets.vault.authentication import (
    FromEnvironment,
    KubernetesMethod,
    chosen_method,
)

# Where the official chart allows no other field, in the version that Chart.yaml calls 1.13.
CHART_FIELDS = {
    ("dagsterWebserver",): (
        "replicaCount image nameOverride pathPrefix service workspace env envConfigMaps envSecrets "
        "deploymentLabels labels nodeSelector affinity tolerations podSecurityContext "
        "securityContext resources readinessProbe livenessProbe startupProbe annotations "
        "enableReadOnly dbStatementTimeout dbPoolRecycle logLevel schedulerName volumeMounts "
        "volumes initContainerResources"
    ),
    ("dagsterDaemon",): (
        "enabled image runCoordinator heartbeatTolerance env envConfigMaps envSecrets "
        "deploymentLabels labels nodeSelector affinity tolerations podSecurityContext "
        "securityContext resources livenessProbe readinessProbe startupProbe annotations "
        "runMonitoring runRetries sensors schedules schedulerName volumeMounts volumes"
    ),
    ("runLauncher",): "type config",
    ("runLauncher", "config", "k8sRunLauncher"): (
        "image imagePullPolicy jobNamespace loadInclusterConfig kubeconfigFile envConfigMaps "
        "envSecrets envVars volumeMounts volumes labels failPodOnRunFailure resources "
        "schedulerName securityContext runK8sConfig"
    ),
    ("runLauncher", "config", "k8sRunLauncher", "runK8sConfig"): (
        "containerConfig podSpecConfig podTemplateSpecMetadata jobSpecConfig jobMetadata"
    ),
    ("computeLogManager",): "type config",
}


def test_the_instance_of_the_chart_is_that_of_a_laptop_too(helm: dict[str, Any]) -> None:
    laptop = root_instance()
    # the chart writes these two from values of its own
    handlers = laptop.pop("python_logs")["dagster_handler_config"]
    assert helm["pythonLogs"] == {"dagsterHandlerConfig": handlers}
    assert helm["telemetry"] == laptop.pop("telemetry")
    laptop.pop("storage")
    assert helm["additionalInstanceConfig"] == laptop
    # and would write some of those a second time
    for chart in (
        helm["retention"],
        helm["concurrency"],
        *(
            helm["dagsterDaemon"][name]
            for name in ("runCoordinator", "runMonitoring", "runRetries")
        ),
    ):
        assert chart == {"enabled": False}


def test_the_webserver_that_the_chart_starts_has_the_front_door() -> None:
    directory, *_ = image_environment()["PATH"].split(":")
    command = DEPLOY / "bin" / "dagster-webserver"
    assert directory == "/opt/dagster/app/deploy/bin"
    environment = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    shown = subprocess.run(
        [command, "--help"], env=environment, capture_output=True, text=True, check=True
    )
    assert "orchestration_platform.web serve" in shown.stdout


def test_the_alerts_of_the_chart_know_where_the_webserver_is(helm: dict[str, Any]) -> None:
    (alerts,) = [
        deployment
        for deployment in helm["dagster-user-deployments"]["deployments"]
        if deployment["name"] == "orchestration-platform"
    ]
    environment = {entry["name"]: entry["value"] for entry in alerts["env"]}
    assert environment[URL_VARIABLE] == environment["PLATFORM_UI_URL"]
    token = Path(environment["DAGSTER_WEBSERVER_TOKEN_FILE"])
    assert str(token.parent) in [mount["mountPath"] for mount in alerts["volumeMounts"]]
    webserver = helm["dagsterWebserver"]
    (address,) = [entry["value"] for entry in webserver["env"] if entry["name"] == URL_VARIABLE]
    # the chart calls the service by its release, and the release is named where it is installed
    comment = (DEPLOY / "helm" / "values.yaml").read_text(encoding="utf-8")
    release = re.findall(r"helm upgrade --install (\S+)", comment)
    assert release == ["dagster"]
    assert address == (
        f"http://{release[0]}-{webserver['nameOverride']}:{webserver['service']['port']}"
    )


def test_pods_log_in_to_vault_as_their_location(
    helm: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for deployment in helm["dagster-user-deployments"]["deployments"]:
        for variable in deployment["env"]:
            monkeypatch.setenv(variable["name"], variable["value"])
        location = deployment["name"].replace("-", "_")
        method = chosen_method(FromEnvironment(), location=location)
        assert isinstance(method, KubernetesMethod)
        assert method.role == location
        assert deployment["serviceAccount"]["name"] == f"dagster-{deployment['name']}"
        (token,) = [
            source["serviceAccountToken"]
            for volume in deployment["volumes"]
            for source in volume.get("projected", {}).get("sources", ())
        ]
        mounted = [Path(mount["mountPath"]) / token["path"] for mount in deployment["volumeMounts"]]
        assert Path(method.token_file) in mounted
        assert token["audience"] == "vault"


@pytest.mark.parametrize("place", CHART_FIELDS, ids=".".join)
def test_the_chart_knows_every_field(place: tuple[str, ...], helm: dict[str, Any]) -> None:
    section = helm
    for name in place:
        section = section[name]
    assert set(section) <= set(CHART_FIELDS[place].split())


def test_no_container_runs_as_root(helm: dict[str, Any]) -> None:
    user, group = dockerfile("USER")[-1].split(":")
    assert (user, group) == ("10001", "10001")
    pods = [
        helm["dagsterWebserver"],
        helm["dagsterDaemon"],
        *helm["dagster-user-deployments"]["deployments"],
    ]
    run = helm["runLauncher"]["config"]["k8sRunLauncher"]
    contexts = [pod["podSecurityContext"] for pod in pods]
    contexts.append(run["runK8sConfig"]["podSpecConfig"]["securityContext"])
    assert all(context["runAsNonRoot"] and context["runAsUser"] == 10001 for context in contexts)
    assert all(pod["securityContext"]["allowPrivilegeEscalation"] is False for pod in [*pods, run])
