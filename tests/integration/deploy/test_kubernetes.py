"""What Kubernetes is given: manifests by the API's own schemas, values by Dagster's own models."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from dagster._config import process_config, resolve_to_config_type
from dagster._core.instance.config import dagster_instance_config_schema
from tests.integration.deploy.production import CODE_SERVERS, DEPLOY, REPOSITORY, load
from tests.support.kubernetes_api import VERSION as KUBERNETES

from orchestration_platform.housekeeping.settings import load_settings
from shared_lib.configuration.kept_data import VARIABLE, kept_data

KUBECTL = shutil.which("kubectl")
MANIFESTS = ("alerts_listener.yaml", "network_policies.yaml", "volumes.yaml")

# As the chart labels them, of which it has no model: component, and what listens there.
COMPONENTS = {"user-deployments", "dagster-webserver", "dagster-daemon"}


@pytest.fixture(scope="module")
def helm() -> dict[str, Any]:
    return load("helm/values.yaml")


def documents(name: str) -> list[dict[str, Any]]:
    text = (DEPLOY / "kubernetes" / name).read_text(encoding="utf-8")
    return list(yaml.safe_load_all(text))


def pods(helm: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each part of the chart that becomes a pod."""
    yield "dagster-webserver", helm["dagsterWebserver"]
    yield "dagster-daemon", helm["dagsterDaemon"]
    for deployment in helm["dagster-user-deployments"]["deployments"]:
        yield deployment["name"], deployment


def deployment_of(name: str, component: str, values: dict[str, Any]) -> dict[str, Any]:
    """The Deployment that the chart makes of ``values``."""
    labels = {"component": component, "deployment": name}
    container = {
        "name": "dagster",
        "image": f"{values['image']['repository']}:{values['image']['tag']}",
        "imagePullPolicy": values["image"]["pullPolicy"],
        "env": values["env"],
        "resources": values["resources"],
        "securityContext": values["securityContext"],
        "volumeMounts": values["volumeMounts"],
    }
    if "livenessProbe" in values:
        container["livenessProbe"] = values["livenessProbe"]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "automountServiceAccountToken": True,
                    "nodeSelector": values.get("nodeSelector", {}),
                    "securityContext": values["podSecurityContext"],
                    "containers": [container],
                    "volumes": values["volumes"],
                },
            },
        },
    }


@pytest.mark.parametrize("name", MANIFESTS)
def test_the_manifests_are_what_the_api_accepts(name: str) -> None:
    for document in documents(name):
        kubernetes_validate.validate(document, KUBERNETES, strict=True)


def test_the_validation_finds_a_misspelt_field() -> None:
    policy, *_ = documents("network_policies.yaml")
    policy["spec"]["podSelecter"] = policy["spec"].pop("podSelector")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(policy, KUBERNETES, strict=True)


def test_the_pods_of_the_chart_are_what_the_api_accepts(helm: dict[str, Any]) -> None:
    for name, values in pods(helm):
        kubernetes_validate.validate(deployment_of(name, "any", values), KUBERNETES, strict=True)


def test_pods_write_only_what_ends_with_them_and_the_warehouse(helm: dict[str, Any]) -> None:
    for name, values in pods(helm):
        assert values["securityContext"]["readOnlyRootFilesystem"] is True, name
        assert values["resources"]["limits"]["memory"], name
        kinds = {volume["name"]: set(volume) - {"name"} for volume in values["volumes"]}
        mounts = {mount["mountPath"]: mount for mount in values["volumeMounts"]}
        assert {mount["name"] for mount in values["volumeMounts"]} == set(kinds), name
        writable = {path for path, mount in mounts.items() if not mount.get("readOnly")}
        assert writable <= {"/tmp", helm["global"]["dagsterHome"], "/var/lib/dagster/warehouse"}
        assert {"/tmp", helm["global"]["dagsterHome"]} <= writable
    run = helm["runLauncher"]["config"]["k8sRunLauncher"]
    assert run["securityContext"]["readOnlyRootFilesystem"] is True
    assert run["runK8sConfig"]["podSpecConfig"]["automountServiceAccountToken"] is False


def test_the_database_proves_who_it_is(helm: dict[str, Any]) -> None:
    parameters = helm["postgresql"]["postgresqlParams"]
    assert parameters["sslmode"] == "verify-full"
    for name, values in pods(helm):
        mounts = [mount["mountPath"] for mount in values["volumeMounts"]]
        assert str(Path(parameters["sslrootcert"]).parent) in mounts, name


def test_the_instance_accepts_its_configuration(helm: dict[str, Any]) -> None:
    schema = resolve_to_config_type(dagster_instance_config_schema())
    for name, config in (
        ("chart", helm["additionalInstanceConfig"]),
        ("compose", load("dagster.yaml")),
    ):
        outcome = process_config(schema, config)
        assert outcome.success, (name, outcome.errors)


def test_the_listener_of_buttons_is_a_pod_as_that_of_the_location(helm: dict[str, Any]) -> None:
    [document] = documents("alerts_listener.yaml")
    pod = document["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [location] = [
        one
        for one in helm["dagster-user-deployments"]["deployments"]
        if one["name"] == "orchestration-platform"
    ]
    image = location["image"]
    assert container["image"] == f"{image['repository']}:{image['tag']}"
    assert container["securityContext"] == location["securityContext"]
    assert pod["securityContext"] == location["podSecurityContext"]
    assert pod["serviceAccountName"] == location["serviceAccount"]["name"]
    assert pod["automountServiceAccountToken"] is False
    given = [one for one in container["env"] if "value" in one]
    of_the_location_alone = ("DAGSTER_WEBSERVER_", VARIABLE)
    assert given == [
        one for one in location["env"] if not one["name"].startswith(of_the_location_alone)
    ]
    shared = {"tmp", "home", "postgres-ca", "vault-token"}
    for part, whole in (("volumes", pod), ("volumeMounts", container)):
        of_location = {one["name"]: one for one in location[part]}
        ours = {one["name"]: one for one in whole[part]}
        assert {name: ours[name] for name in shared} == {name: of_location[name] for name in shared}
        assert ours.keys() - shared == {"instance"}
    # it is for those alone who have a token of the app
    assert "alerts_listener.yaml" not in documents("kustomization.yaml")[0]["resources"]


def test_only_webserver_and_daemon_reach_code_servers(helm: dict[str, Any]) -> None:
    nobody, code_servers, webserver = documents("network_policies.yaml")
    assert nobody["spec"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
    assert code_servers["spec"]["podSelector"]["matchLabels"] == {"component": "user-deployments"}
    ((rule,),) = [[*code_servers["spec"]["ingress"]]]
    ((source,),) = [[*rule["from"]]]
    assert set(source) == {"podSelector"}
    (expression,) = source["podSelector"]["matchExpressions"]
    assert set(expression["values"]) == COMPONENTS - {"user-deployments"}
    ports = {one["port"] for one in helm["dagster-user-deployments"]["deployments"]}
    assert {entry["port"] for entry in rule["ports"]} == ports
    (rule,) = webserver["spec"]["ingress"]
    assert [entry["port"] for entry in rule["ports"]] == [
        helm["dagsterWebserver"]["service"]["port"]
    ]


def test_each_claim_that_the_chart_mounts_is_made(helm: dict[str, Any]) -> None:
    claims = {
        volume["persistentVolumeClaim"]["claimName"]
        for _, values in pods(helm)
        for volume in values["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert claims == {claim["metadata"]["name"] for claim in documents("volumes.yaml")}


def test_the_locations_that_read_the_settings_have_them(
    helm: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    generated, *others = documents("kustomization.yaml")[0]["configMapGenerator"]
    assert not others
    name = generated["name"]
    assert generated["options"] == {"disableNameSuffixHash": True}
    [file] = generated["files"]
    readers = set()
    for pod, values in pods(helm):
        given = [one["value"] for one in values["env"] if one["name"] == VARIABLE]
        if not given:
            continue
        readers.add(pod)
        [volume] = [one for one in values["volumes"] if one.get("configMap") == {"name": name}]
        [mount] = [one for one in values["volumeMounts"] if one["name"] == volume["name"]]
        assert mount["readOnly"] is True
        assert given == [f"{mount['mountPath']}/{file}"]
    assert readers == {"orchestration-platform", "simulation"}
    # each of the two reads the file; one that is not agreed deletes nothing
    shipped = load_settings()
    monkeypatch.setenv(VARIABLE, str(DEPLOY / "kubernetes" / file))
    assert load_settings() == shipped
    assert kept_data() == shipped.data


@pytest.mark.skipif(KUBECTL is None, reason="kubectl, which has kustomize, is not installed")
def test_kustomize_takes_the_token_from_code_servers_alone(
    helm: dict[str, Any], tmp_path: Path
) -> None:
    made = tmp_path / "kubernetes"
    shutil.copytree(DEPLOY / "kubernetes", made)
    chart = [
        deployment_of(name, name if name in COMPONENTS else "user-deployments", values)
        for name, values in pods(helm)
    ]
    # JSON is YAML, and takes the texts of the file as they are
    (made / "chart.yaml").write_text("\n---\n".join(map(json.dumps, chart)))
    built = subprocess.run(
        [str(KUBECTL), "kustomize", made], capture_output=True, text=True, check=True
    )
    found = list(yaml.safe_load_all(built.stdout))
    for document in found:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
        assert document["metadata"]["namespace"] == "dagster"
    [settings] = [one for one in found if one["kind"] == "ConfigMap"]
    assert settings["metadata"]["name"] == "dagster-platform-settings"
    schema = json.loads((REPOSITORY / "schemas" / "platform.schema.json").read_text())
    jsonschema.validate(yaml.safe_load(settings["data"]["platform.yaml"]), schema)
    tokens = {
        one["metadata"]["name"]: one["spec"]["template"]["spec"]["automountServiceAccountToken"]
        for one in found
        if one["kind"] == "Deployment"
    }
    assert tokens == {
        "dagster-webserver": True,
        "dagster-daemon": True,
        **dict.fromkeys(CODE_SERVERS, False),
    }
