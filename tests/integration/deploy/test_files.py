"""The files of deploy/ agree with each other and with the repository."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.integration.deploy.production import (
    CODE_SERVERS,
    DEPLOY,
    Production,
    filled_in,
    image_environment,
    load,
    root_instance,
)

from gocardless.bank_account_data.reachability import VENDOR_BASE_URL, base_url
from gocardless.budgets.settings import PACKAGED_BUDGETS, budgets_path
from gocardless.tagging.rules import PACKAGED_RULES, rules_path
from orchestration_platform.alerts.services.protocol.http import address_from
from orchestration_platform.web.login.settings import Way
from sandboxes.ports import reserved_port
from shared_lib.configuration.environment import Environment, current_settings
from shared_lib.dagster_client.webserver import URL_VARIABLE
from shared_lib.definitions_check import workspace_modules
from shared_lib.secrets.vault.server import vault_server

# What is deploy/dagster.yaml's alone; all else is the root's.
OF_PRODUCTION = {"storage", "run_launcher", "compute_logs"}


LONGEST_RUN = {"max_runtime_seconds": 21600}


def test_the_instance_is_that_of_a_laptop_but_for_what_it_names() -> None:
    production, laptop = load("dagster.yaml"), root_instance()
    common = {key: value for key, value in laptop.items() if key != "storage"}
    common["run_monitoring"] = {**common["run_monitoring"], **LONGEST_RUN}
    assert {k: v for k, v in production.items() if k not in OF_PRODUCTION} == common
    assert "sqlite" not in str(production).lower()


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
