"""What an environment implies, and that there is no fallback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared_lib.configuration.environment import (
    CHANNEL_VARIABLE,
    DATA_DIRECTORY_VARIABLE,
    REPOSITORY_ROOT,
    UI_URL_VARIABLE,
    VARIABLE,
    Environment,
    UnknownEnvironmentError,
    current_settings,
)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(DATA_DIRECTORY_VARIABLE, raising=False)
    monkeypatch.delenv(UI_URL_VARIABLE, raising=False)


def test_a_machine_where_nothing_is_set_is_a_developers() -> None:
    settings = current_settings()
    assert settings.environment is Environment.LOCAL
    assert settings.warehouse_path("simulation") == REPOSITORY_ROOT / "data/local/simulation.duckdb"
    assert settings.report_directory == REPOSITORY_ROOT / "data/local/reports"


@pytest.mark.parametrize("name", ["", "prod", "LOCAL", " local", "staging"])
def test_an_unknown_environment_is_refused_with_the_known_ones(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, name)
    with pytest.raises(UnknownEnvironmentError) as refused:
        current_settings()
    assert str(refused.value) == (
        f"DAGSTER_ENVIRONMENT: {name!r} is not an environment, "
        "allowed is one of: local, ci, qa, production"
    )


@pytest.mark.parametrize(
    "command",
    [
        ("simulation.run",),
        ("shared_lib.discovery.dbt", "prepare"),
        ("shared_lib.dagster_client", "list"),
        ("sandboxes.vault",),
    ],
)
def test_a_command_reports_it_in_one_line(command: tuple[str, ...]) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        env={**os.environ, VARIABLE: "prod", "JOB_RUNS_DATABASE_URL": "sqlite://"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr == (
        "DAGSTER_ENVIRONMENT: 'prod' is not an environment, "
        "allowed is one of: local, ci, qa, production\n"
    )


def test_each_environment_has_settings_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for environment in Environment:
        monkeypatch.setenv(VARIABLE, environment)
        found[environment] = current_settings()
        assert found[environment].environment is environment
        assert found[environment].data_directory.is_absolute()
    channels = {settings.alert_channel for settings in found.values()}
    assert len(channels) == len(Environment), "two environments would alert in one channel"
    on_one_machine = {found[name].data_directory for name in (Environment.LOCAL, Environment.CI)}
    assert len(on_one_machine) == 2


def test_only_production_starts_sensors_automatically(monkeypatch: pytest.MonkeyPatch) -> None:
    starting = []
    for environment in Environment:
        monkeypatch.setenv(VARIABLE, environment)
        if current_settings().sensors_run_by_default:
            starting.append(environment)
    assert starting == [Environment.PRODUCTION]


@pytest.mark.parametrize("environment", list(Environment))
def test_the_data_directory_of_any_environment_can_be_moved(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, environment)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(DATA_DIRECTORY_VARIABLE, "volume")
    settings = current_settings()
    # absolute, because dbt and Dagster's processes run in folders of their own
    assert settings.warehouse_path("gocardless") == tmp_path / "volume" / "gocardless.duckdb"
    assert settings.report_directory == tmp_path / "volume" / "reports"


@pytest.mark.parametrize("environment", list(Environment))
def test_the_channel_of_any_environment_can_be_named(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, environment)
    shipped = current_settings().alert_channel
    for value, channel in (("", shipped), ("#data", "#data"), ("data", "#data")):
        monkeypatch.setenv(CHANNEL_VARIABLE, value)
        assert current_settings().alert_channel == channel
    monkeypatch.setenv(CHANNEL_VARIABLE, "#two words")
    with pytest.raises(UnknownEnvironmentError, match="PLATFORM_ALERT_CHANNEL: '#two words' is"):
        current_settings()


def test_links_lead_to_the_webserver_of_a_laptop_and_to_the_proxy_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert current_settings().ui_url == "http://127.0.0.1:3000"
    # in qa and production it is the address inside, which people do not reach
    monkeypatch.setenv(UI_URL_VARIABLE, "http://127.0.0.1:3977/")
    found = {}
    for environment in Environment:
        monkeypatch.setenv(VARIABLE, environment)
        found[environment.value] = current_settings().ui_url
    assert found == {
        "local": "http://127.0.0.1:3977",
        "ci": "http://127.0.0.1:3977",
        "qa": "https://dagster.qa.example.com",
        "production": "https://dagster.example.com",
    }
