"""The settings of the platform, from one file."""

from pathlib import Path

import dagster as dg
from pydantic import Field

from orchestration_platform.board.history.shown_days import DAYS
from shared_lib.configuration.documents import Reference, schema_document
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.kept_data import VARIABLE, KeptData
from shared_lib.configuration.section import Section
from shared_lib.configuration.validated_yaml import file_of, load_yaml, validate_document

SETTINGS_FILE = Path(__file__).with_name("platform.yaml")
SCHEMA_FILE = REPOSITORY_ROOT / "schemas" / "platform.schema.json"


class KeepDays(Section):
    """Days for which ended runs are kept, by status. The board shows two weeks."""

    success: float = Field(ge=DAYS, le=3650, description="Runs that succeeded.")
    failure: float = Field(ge=DAYS, le=3650, description="Runs that failed.")
    canceled: float = Field(ge=DAYS, le=3650, description="Runs that were canceled.")

    def of(self, status: dg.DagsterRunStatus) -> float | None:
        """Return the days for runs of ``status``; None if they are not deleted."""
        return {
            dg.DagsterRunStatus.SUCCESS: self.success,
            dg.DagsterRunStatus.FAILURE: self.failure,
            dg.DagsterRunStatus.CANCELED: self.canceled,
        }.get(status)


class Retention(Section):
    """What the nightly job deletes: runs with their events and logs, and rows of own tables."""

    deletes: bool = Field(
        default=False,
        description="Whether the nightly job deletes. Until then it reports what it would delete.",
    )
    keep_days: KeepDays = Field(description="For the jobs that are not listed.")
    jobs: dict[str, KeepDays] = Field(default_factory=dict, description="By the name of the job.")
    audit_days: float = Field(
        default=730, ge=DAYS, le=3650, description="Days for which the audit log is kept."
    )

    def days(self, job: str, status: dg.DagsterRunStatus) -> float | None:
        """Return the days for runs of ``job`` in ``status``; None if they are not deleted."""
        return self.jobs.get(job, self.keep_days).of(status)

    @property
    def shortest_days(self) -> float:
        """The shortest time that any run is kept."""
        return min(self._all_days())

    @property
    def longest_days(self) -> float:
        """The longest time that any run is kept that nothing needs."""
        return max(self._all_days())

    def _all_days(self) -> list[float]:
        rules = [self.keep_days, *self.jobs.values()]
        return [days for rule in rules for days in (rule.success, rule.failure, rule.canceled)]


class Backup(Section):
    """Where backups go."""

    place: str | None = Field(
        default=None,
        description="A directory or bucket, such as s3://bucket/folder; empty for no backups.",
    )
    keep: int = Field(default=14, ge=1, le=1000, description="Complete backups that stay.")
    overdue_hours: float = Field(
        default=30, gt=0, description="Age of the newest backup at which platform_health warns."
    )


_URL = r"^https?://[^/\s@]+(/[^\s?#]*)?$"


class DataHub(Section):
    """A DataHub."""

    url: str = Field(
        pattern=_URL,
        description="Address of its metadata service, such as https://datahub.example.com/gms.",
    )


class OpenMetadata(Section):
    """An OpenMetadata."""

    url: str = Field(
        pattern=_URL, description="Its address, such as https://openmetadata.example.com."
    )
    service: str = Field(
        default="dagster", min_length=1, description="Its database service with our warehouses."
    )


class Catalog(Section):
    """Where tables, columns, owners, lineage and checks are published; nowhere unless named."""

    datahub: DataHub | None = Field(default=None, description="Its token is a secret.")
    openmetadata: OpenMetadata | None = Field(default=None, description="Its token is a secret.")


class PlatformSettings(Section):
    """The whole file."""

    retention: Retention = Field(description="What is deleted when it is old.")
    data: KeptData = Field(
        default_factory=KeptData, description="What the locations delete of their own old data."
    )
    backup: Backup = Field(default_factory=Backup, description="Where backups go.")
    catalog: Catalog = Field(
        default_factory=Catalog, description="Where people find what the workspace has."
    )


def load_settings() -> PlatformSettings:
    """Return the settings in the file that ``PLATFORM_SETTINGS`` names, or the shipped ones.

    Raises:
        ConfigurationError: lists everything that is wrong with the file, one problem per line.
    """
    path = file_of(VARIABLE, otherwise=SETTINGS_FILE)
    return validate_document(load_yaml(path), PlatformSettings, path=path)


def reference() -> Reference:
    """Return the page of the documentation that ends with the fields of the file."""
    return Reference(REPOSITORY_ROOT / "docs/orchestration_platform/settings.md", PlatformSettings)


def schema_text() -> str:
    """Return the JSON Schema of the file, for editors."""
    return schema_document(PlatformSettings.model_json_schema())
