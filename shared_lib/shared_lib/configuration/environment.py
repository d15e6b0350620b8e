"""Where the platform runs, and everything that depends on it.

``DAGSTER_ENVIRONMENT`` is one of ``local`` (the default), ``ci``, ``qa`` and ``production``.
Everything that differs between them is a column of the one table below.
"""

import os
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

VARIABLE = "DAGSTER_ENVIRONMENT"
DATA_DIRECTORY_VARIABLE = "PLATFORM_DATA_DIRECTORY"
UI_URL_VARIABLE = "DAGSTER_WEBSERVER_URL"
PEOPLES_URL_VARIABLE = "PLATFORM_UI_URL"
CHANNEL_VARIABLE = "PLATFORM_ALERT_CHANNEL"
HOME_VARIABLE = "DAGSTER_HOME"
INSTANCE_FILE_NAME = "dagster.yaml"
# as Slack names channels
_CHANNEL = re.compile(r"#?[^\s#@<>:]{1,80}")

REPOSITORY_ROOT = Path(__file__).resolve().parents[3]


class UnknownEnvironmentError(ValueError):
    """``DAGSTER_ENVIRONMENT``, or a variable that changes its settings, has a wrong value."""


class Environment(StrEnum):
    """The places where the platform runs."""

    LOCAL = "local"
    CI = "ci"
    QA = "qa"
    PRODUCTION = "production"

    @property
    def is_deployed(self) -> bool:
        """Whether other people use the platform here, with secrets of their own."""
        return self in (Environment.QA, Environment.PRODUCTION)


@dataclass(frozen=True, kw_only=True)
class EnvironmentSettings:
    """What an environment implies.

    Attributes:
        environment: the environment itself.
        data_directory: holds the warehouse files and the reports.
        dbt_target: the target in ``dbt_project/profiles.yml``.
        ui_url: where people open Dagster; links in messages start with it.
        alert_channel: the Slack channel of the operations team.
        secrets_backend: where secrets come from.
        sensors_run_by_default: whether a sensor starts without being switched on.
    """

    environment: Environment
    data_directory: Path
    dbt_target: str
    ui_url: str
    alert_channel: str
    secrets_backend: Literal["env", "vault"]
    sensors_run_by_default: bool

    def warehouse_path(self, location: str) -> Path:
        """Return the DuckDB file that only ``location`` writes."""
        return self.data_directory / f"{location}.duckdb"

    @property
    def report_directory(self) -> Path:
        """Where finished reports are stored for people to open."""
        return self.data_directory / "reports"


_SETTINGS = {
    Environment.LOCAL: EnvironmentSettings(
        environment=Environment.LOCAL,
        data_directory=REPOSITORY_ROOT / "data" / "local",
        dbt_target="duckdb",
        ui_url="http://127.0.0.1:3000",
        alert_channel="#notifications-data-platform-local",
        secrets_backend="env",
        sensors_run_by_default=False,
    ),
    Environment.CI: EnvironmentSettings(
        environment=Environment.CI,
        data_directory=REPOSITORY_ROOT / "data" / "ci",
        dbt_target="duckdb",
        ui_url="http://127.0.0.1:3000",
        alert_channel="#notifications-data-platform-ci",
        secrets_backend="env",
        sensors_run_by_default=False,
    ),
    Environment.QA: EnvironmentSettings(
        environment=Environment.QA,
        data_directory=Path("/var/lib/dagster/warehouse"),
        dbt_target="duckdb",
        ui_url="https://dagster.qa.example.com",
        alert_channel="#notifications-data-platform-qa",
        secrets_backend="vault",
        sensors_run_by_default=False,
    ),
    Environment.PRODUCTION: EnvironmentSettings(
        environment=Environment.PRODUCTION,
        data_directory=Path("/var/lib/dagster/warehouse"),
        dbt_target="duckdb",
        ui_url="https://dagster.example.com",
        alert_channel="#notifications-data-platform",
        secrets_backend="vault",
        sensors_run_by_default=True,
    ),
}


def current_environment() -> Environment:
    """Return the environment that ``DAGSTER_ENVIRONMENT`` names; ``local`` when it is unset.

    Raises:
        UnknownEnvironmentError: it names no environment; the empty string is an error too.
    """
    name = os.environ.get(VARIABLE, Environment.LOCAL)
    try:
        return Environment(name)
    except ValueError:
        allowed = ", ".join(Environment)
        message = f"{VARIABLE}: {name!r} is not an environment, allowed is one of: {allowed}"
        raise UnknownEnvironmentError(message) from None


def use_home_of_make() -> None:
    """Let an unset ``DAGSTER_HOME`` be the instance of `make`, on a developer's machine."""
    home = REPOSITORY_ROOT / ".dagster_home"
    if current_environment() is Environment.LOCAL and (home / INSTANCE_FILE_NAME).is_file():
        os.environ.setdefault(HOME_VARIABLE, str(home))


def current_settings() -> EnvironmentSettings:
    """Return the settings of the current environment.

    ``PLATFORM_DATA_DIRECTORY`` moves the data directory of any environment, for a volume that
    is mounted elsewhere. ``PLATFORM_UI_URL`` is where people open Dagster; without it
    ``DAGSTER_WEBSERVER_URL`` moves the UI of ``local`` and ``ci``. Elsewhere that one is the
    address for processes. ``PLATFORM_ALERT_CHANNEL`` is the channel of alerts.

    Raises:
        UnknownEnvironmentError: ``DAGSTER_ENVIRONMENT`` is not an environment, or
            ``PLATFORM_ALERT_CHANNEL`` is not a channel.
    """
    settings = _SETTINGS[current_environment()]
    served = os.environ.get(PEOPLES_URL_VARIABLE)
    if not served and settings.environment in (Environment.LOCAL, Environment.CI):
        served = os.environ.get(UI_URL_VARIABLE)
    if served:
        settings = replace(settings, ui_url=served.rstrip("/"))
    channel = os.environ.get(CHANNEL_VARIABLE)
    if channel:
        if not _CHANNEL.fullmatch(channel):
            message = f"{CHANNEL_VARIABLE}: {channel!r} is not a channel, such as #data-platform"
            raise UnknownEnvironmentError(message)
        settings = replace(settings, alert_channel=f"#{channel.removeprefix('#')}")
    moved = os.environ.get(DATA_DIRECTORY_VARIABLE)
    return replace(settings, data_directory=Path(moved).resolve()) if moved else settings
