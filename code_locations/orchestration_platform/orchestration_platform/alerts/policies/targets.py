"""``alert_targets`` of a policy: which subjects its events are about."""

from collections.abc import Mapping
from typing import Literal, Protocol

from pydantic import Field, field_validator, model_validator

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import Category
from shared_lib.configuration.section import Section


class KnownAssets(Protocol):
    """What is known about the assets of the workspace."""

    def in_group(self, asset: str, *, group: str, location: str) -> bool:
        """Return whether ``asset`` is in ``group`` of the code location."""
        ...

    def selected(self, asset: str, selection: str) -> bool:
        """Return whether ``selection`` includes ``asset``."""
        ...


class JobTarget(Section):
    """One job of one code location."""

    location_name: str = Field(description="The code location.")
    repo_name: Literal["__repository__"] = Field(
        default="__repository__", description="Its repository; a location has one."
    )
    job_name: str = Field(description="The job.")


class TagTarget(Section):
    """A tag that a run must have."""

    key: str = Field(min_length=1, description="The tag's name.")
    value: str = Field(description="Its value.")


class RunResult(Section):
    """Which runs match: every condition must hold."""

    jobs: list[JobTarget] = Field(default_factory=list, description="One of these; empty: any.")
    tags: list[TagTarget] = Field(default_factory=list, description="All of these.")
    location_names: list[str] = Field(
        default_factory=list, description="A job of one of these locations; empty: any."
    )

    def fits(self, *, location: str, job_name: str, tags: Mapping[str, str]) -> bool:
        """Return whether a run of ``job_name`` in ``location`` with ``tags`` matches."""
        return (
            (not self.location_names or location in self.location_names)
            and (
                not self.jobs
                or (location, job_name) in {(job.location_name, job.job_name) for job in self.jobs}
            )
            and all(tags.get(tag.key) == tag.value for tag in self.tags)
        )


class LongRunning(RunResult):
    """Runs, and how long they may take."""

    threshold_seconds: float = Field(gt=0, description="Maximum duration of a run, in seconds.")


class AssetKey(Section):
    """One asset."""

    asset_key: list[str] = Field(min_length=1, description="The parts of its key.")


class AssetGroup(Section):
    """The assets of one group of one code location."""

    asset_group: str = Field(description="The group.")
    location_name: str = Field(description="The code location.")
    repo_name: Literal["__repository__"] = Field(
        default="__repository__", description="Its repository; a location has one."
    )


class AssetSelection(Section):
    """Assets by Dagster's selection: group, tag, owner, kind, code location, upstream ..."""

    asset_selection: str = Field(
        min_length=1, description='As in the UI, for example group:"marts" or owner:"team:hr".'
    )

    @field_validator("asset_selection")
    @classmethod
    def _can_be_read(cls, text: str) -> str:
        from orchestration_platform.alerts.workspace.asset_graph import parsed_selection

        parsed_selection(text)
        return text


class Instigator(Section):
    """One schedule or sensor."""

    location_name: str = Field(description="The code location.")
    repo_name: Literal["__repository__"] = Field(
        default="__repository__", description="Its repository; a location has one."
    )
    name: str = Field(description="The schedule or sensor.")


class SchedulesAndSensors(Section):
    """Which schedules and sensors match: every condition must hold."""

    schedules_or_sensors: list[Instigator] = Field(
        default_factory=list, description="One of these; empty: any."
    )
    location_names: list[str] = Field(
        default_factory=list, description="Of one of these locations; empty: any."
    )
    types: list[Literal["SCHEDULE", "SENSOR"]] = Field(
        default_factory=list, description="Of one of these types; empty: either."
    )

    def fits(self, alert: Alert) -> bool:
        """Return whether the schedule or sensor of ``alert`` matches."""
        named = {(one.location_name, one.name) for one in self.schedules_or_sensors}
        return (
            (not named or (alert.location, alert.subject) in named)
            and (not self.location_names or alert.location in self.location_names)
            and (not self.types or alert.kind.upper() in self.types)
        )


class CodeLocations(Section):
    """Code locations."""

    location_names: list[str] = Field(default_factory=list, description="These; empty: all.")


class Target(Section):
    """What a policy monitors: exactly one of these."""

    run_result_target: RunResult | None = Field(default=None, description="Runs that end.")
    long_running_job_threshold_target: LongRunning | None = Field(
        default=None, description="Runs that take too long; by job, tag and code location."
    )
    asset_key_target: AssetKey | None = Field(default=None, description="An asset.")
    asset_group_target: AssetGroup | None = Field(default=None, description="A group of assets.")
    asset_selection_target: AssetSelection | None = Field(default=None, description="A selection.")
    schedule_or_sensor_target: SchedulesAndSensors | None = Field(
        default=None, description="Schedules and sensors."
    )
    code_location_target: CodeLocations | None = Field(default=None, description="Code locations.")

    @model_validator(mode="after")
    def _is_one(self) -> "Target":
        given = [name for name in type(self).model_fields if getattr(self, name) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"{len(given)} set, required is exactly one of: {known}")
        return self

    @property
    def category(self) -> Category:
        """The category of events that the target is for."""
        if self.run_result_target or self.long_running_job_threshold_target:
            return Category.JOB
        if self.schedule_or_sensor_target:
            return Category.TICK
        return Category.LOCATION if self.code_location_target else Category.ASSET

    @property
    def runs(self) -> RunResult | None:
        """The runs that the target matches, if it is for runs."""
        return self.run_result_target or self.long_running_job_threshold_target

    @property
    def needs_workspace(self) -> bool:
        """Whether the target needs the assets of the workspace, and not the key alone."""
        return bool(self.asset_group_target or self.asset_selection_target)

    def fits(self, alert: Alert, tags: Mapping[str, str], assets: KnownAssets) -> bool:
        """Return whether ``alert``, which is of a run with ``tags``, matches."""
        if self.runs is not None:
            return self.runs.fits(location=alert.location, job_name=alert.job_name, tags=tags)
        if self.schedule_or_sensor_target:
            return self.schedule_or_sensor_target.fits(alert)
        if self.code_location_target:
            names = self.code_location_target.location_names
            return not names or alert.location in names
        return any(self._means(asset, assets) for asset in alert.assets)

    def _means(self, asset: str, assets: KnownAssets) -> bool:
        if self.asset_key_target:
            return asset == "/".join(self.asset_key_target.asset_key)
        if self.asset_group_target:
            group = self.asset_group_target
            return assets.in_group(asset, group=group.asset_group, location=group.location_name)
        selection = self.asset_selection_target
        return selection is not None and assets.selected(asset, selection.asset_selection)
