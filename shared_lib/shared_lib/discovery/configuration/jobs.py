"""``jobs``, ``schedules``: what is run, and when."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from shared_lib.configuration.section import Section
from shared_lib.discovery.configuration.section import Reference, Tags

Executor = Literal["in_process", "multiprocess"]


class AssetJob(Section):
    """A job of the assets that a selection gives."""

    selection: str = Field(
        description="Dagster's asset selection, such as `group:marts and not key:report`."
    )
    description: str | None = Field(default=None, description="Shown in the UI.")
    partitions: str | None = Field(
        default=None,
        description="A name of the section partitions: those that its assets are to have. Without "
        "it, whichever they have.",
    )
    tags: Tags = Field(default_factory=dict, description="Tags of each of its runs.")
    config: dict[str, Any] | None = Field(default=None, description="Run configuration.")
    executor: Executor | None = Field(default=None, description="By default the location's own.")
    retry_on_failure: int | None = Field(
        default=None, ge=0, le=10, description="How often the platform starts a failed run again."
    )


class OpJob(Section):
    """A job that calls one function of the location."""

    function: Reference
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="What the function is called with, by name."
    )
    description: str | None = Field(default=None, description="Shown in the UI.")
    tags: Tags = Field(default_factory=dict, description="Tags of each of its runs.")
    executor: Executor | None = Field(default=None, description="By default the location's own.")


def _kind_of_job(entry: Any) -> str:
    has_function = "function" in entry if isinstance(entry, dict) else isinstance(entry, OpJob)
    return OpJob.__name__ if has_function else AssetJob.__name__


Job = Annotated[
    Annotated[AssetJob, Tag(AssetJob.__name__)] | Annotated[OpJob, Tag(OpJob.__name__)],
    Discriminator(_kind_of_job),
]


class Schedule(Section):
    """Runs of a job by the clock."""

    job: str = Field(description="A job of this location.")
    cron: str = Field(description="Five fields, names and ranges allowed, or such as @daily.")
    timezone: str = Field(default="UTC", description="IANA name, such as Europe/Berlin.")
    enabled: bool = Field(default=False, description="Whether it runs without being switched on.")
    partitions: Literal["latest", "all_new"] | None = Field(
        default=None,
        description="Of a partitioned job: the latest partition at each tick, or each that has "
        "ended and was never run.",
    )
    skip_while_running: bool = Field(
        default=False, description="Whether a tick is skipped while a run of the job goes on."
    )
    tags: Tags = Field(default_factory=dict, description="Tags of the runs, beside the job's own.")
    config: dict[str, Any] | None = Field(default=None, description="Run configuration.")
    description: str | None = Field(default=None, description="Shown in the UI.")


class SensorBase(Section):
    """What all sensors have."""

    interval_seconds: int = Field(default=30, ge=5, description="Seconds between two ticks.")
    enabled: bool = Field(default=False, description="Whether it runs without being switched on.")
    description: str | None = Field(default=None, description="Shown in the UI.")


class FileSensor(SensorBase):
    """Runs a job for each new or changed file of a directory."""

    type: Literal["file"]
    job: str = Field(description="A job of this location.")
    directory: str = Field(description="A local directory, or one of an object store: s3://...")
    glob: str | None = Field(default=None, description="Pattern of file names, such as *.csv.")
    regex: str | None = Field(default=None, description="The same as a regular expression.")
    recursive: bool = Field(default=False, description="Whether directories below count too.")

    @model_validator(mode="after")
    def _one_pattern(self) -> Self:
        if (self.glob is None) == (self.regex is None):
            raise ValueError("allowed is exactly one of glob and regex")
        return self


class AssetSensor(SensorBase):
    """Runs a job when assets have been made."""

    type: Literal["asset"]
    job: str = Field(description="A job of this location.")
    assets: list[str] = Field(min_length=1, description="Asset keys, with slashes.")
    require: Literal["any", "all"] = Field(
        default="any", description="Whether one new materialisation will do, or each needs one."
    )


class RunStatusSensor(SensorBase):
    """Runs a job when a run of other jobs has ended in some way."""

    type: Literal["run_status"]
    job: str = Field(description="A job of this location.")
    status: Literal["SUCCESS", "FAILURE", "CANCELED", "STARTED"] = Field(description="Of the run.")
    monitored_jobs: list[str] | None = Field(
        default=None, min_length=1, description="Jobs of this location; by default all others."
    )


class FreshnessSensor(SensorBase):
    """Evaluates the freshness checks of this location, or of some assets."""

    type: Literal["freshness"]
    assets: list[str] | None = Field(default=None, description="Patterns; by default all.")


class CustomSensor(SensorBase):
    """Calls a function of the location with Dagster's sensor context."""

    type: Literal["custom"]
    function: Reference
    job: str | None = Field(default=None, description="The job that its run requests are for.")


Sensor = Annotated[
    FileSensor | AssetSensor | RunStatusSensor | FreshnessSensor | CustomSensor,
    Field(discriminator="type"),
]
