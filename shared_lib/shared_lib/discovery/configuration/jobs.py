"""``jobs``, ``schedules``: what is run, and when."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from shared_lib.configuration.section import Section
from shared_lib.discovery.configuration.pod import TAG, PodResources
from shared_lib.discovery.configuration.section import Reference, Tags

Executor = Literal["in_process", "multiprocess"]


def _pod_is_said_once(job: "Job") -> "Job":
    if job.pod_resources is not None and TAG in job.tags:
        raise ValueError(f"allowed is one of pod_resources and the tag {TAG}")
    return job


class AssetJob(Section):
    """A job of the assets in a selection."""

    selection: str = Field(
        description="Dagster's asset selection, such as `group:marts and not key:report`."
    )
    description: str | None = Field(default=None, description="Description in the UI.")
    partitions: str | None = Field(
        default=None,
        description="A name from the section partitions that its assets must have. Without it, "
        "any that they have.",
    )
    tags: Tags = Field(default_factory=dict, description="Tags of each of its runs.")
    config: dict[str, Any] | None = Field(default=None, description="Run configuration.")
    executor: Executor | None = Field(
        default=None, description="Default: the executor of the location."
    )
    hooks: list[Reference] = Field(
        default_factory=list, description="Hooks of Dagster, called after each step."
    )
    max_concurrent: int | None = Field(
        default=None, ge=1, description="With multiprocess: maximum steps at a time."
    )
    retry_on_failure: int | None = Field(
        default=None, ge=0, le=10, description="Maximum automatic retries of a failed run."
    )
    pod_resources: PodResources | None = Field(
        default=None, description="CPU and memory of its runs where each run is a pod."
    )

    _one_pod = model_validator(mode="after")(_pod_is_said_once)

    @model_validator(mode="after")
    def _has_steps_at_a_time(self) -> Self:
        if self.max_concurrent is not None and self.executor != "multiprocess":
            raise ValueError("max_concurrent is allowed with executor: multiprocess only")
        return self


class OpJob(Section):
    """A job that calls one function of the location."""

    function: Reference
    arguments: dict[str, Any] = Field(
        default_factory=dict, description="Keyword arguments of the function."
    )
    description: str | None = Field(default=None, description="Description in the UI.")
    tags: Tags = Field(default_factory=dict, description="Tags of each of its runs.")
    executor: Executor | None = Field(
        default=None, description="Default: the executor of the location."
    )
    hooks: list[Reference] = Field(
        default_factory=list, description="Hooks of Dagster, called after each step."
    )
    pod_resources: PodResources | None = Field(
        default=None, description="CPU and memory of its runs where each run is a pod."
    )

    _one_pod = model_validator(mode="after")(_pod_is_said_once)


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
    enabled: bool = Field(default=False, description="Whether it is on from the start.")
    partitions: Literal["latest", "all_new"] | None = Field(
        default=None,
        description="For a partitioned job: the latest partition at each tick, or every partition "
        "that has ended and that no run has made, so that a failed one is repeated.",
    )
    skip_while_running: bool = Field(
        default=False, description="Whether a tick is skipped while the job runs."
    )
    tags: Tags = Field(
        default_factory=dict, description="Tags of the runs, in addition to the job's."
    )
    config: dict[str, Any] | None = Field(default=None, description="Run configuration.")
    description: str | None = Field(default=None, description="Description in the UI.")


class SensorBase(Section):
    """Fields of all sensors."""

    interval_seconds: int = Field(default=30, ge=5, description="Seconds between two ticks.")
    enabled: bool = Field(default=False, description="Whether it is on from the start.")
    description: str | None = Field(default=None, description="Description in the UI.")


class FileSensor(SensorBase):
    """Runs a job for each new or changed file of a directory."""

    type: Literal["file"]
    job: str = Field(description="A job of this location.")
    directory: str = Field(description="A local directory, or s3://... for an object store.")
    glob: str | None = Field(default=None, description="Pattern of file names, such as *.csv.")
    regex: str | None = Field(
        default=None, description="Regular expression for file names, instead of glob."
    )
    recursive: bool = Field(default=False, description="Whether to include subdirectories.")
    partition: str | dict[str, str] | None = Field(
        default=None,
        description="For a partitioned job: the partition, or one for each dimension, with {path}, "
        "{name}, {stem} and the named groups of regex.",
    )
    config: dict[str, Any] | None = Field(
        default=None, description="Run configuration, with the same names in its texts."
    )

    @model_validator(mode="after")
    def _one_pattern(self) -> Self:
        if (self.glob is None) == (self.regex is None):
            raise ValueError("allowed is exactly one of glob and regex")
        return self


class AssetSensor(SensorBase):
    """Runs a job when assets were materialised."""

    type: Literal["asset"]
    job: str = Field(description="A job of this location.")
    assets: list[str] = Field(
        min_length=1,
        description="Asset keys, with slashes; of another location as `location:key`.",
    )
    require: Literal["any", "all"] = Field(
        default="any",
        description="Whether any asset, or every one, needs a new materialisation. A partitioned "
        "job runs for each partition that has them.",
    )
    config: dict[str, Any] | None = Field(
        default=None,
        description="Run configuration, with {asset}, {run_id} and, for a partitioned job, "
        "{partition} in its texts.",
    )


class RunStatusSensor(SensorBase):
    """Runs a job, for the same partition, when a run of another job reaches a status."""

    type: Literal["run_status"]
    job: str = Field(description="A job of this location.")
    status: Literal["SUCCESS", "FAILURE", "CANCELED", "STARTED"] = Field(
        description="Status of the run."
    )
    monitored_jobs: list[str] | None = Field(
        default=None,
        min_length=1,
        description="Jobs of this location, or of another as `location:job`; default: all others "
        "of this location.",
    )


class FreshnessSensor(SensorBase):
    """Evaluates the freshness checks of this location, or of some assets."""

    type: Literal["freshness"]
    assets: list[str] | None = Field(
        default=None, description="Patterns of asset keys; default: all."
    )


class CustomSensor(SensorBase):
    """Calls a function of the location with Dagster's sensor context."""

    type: Literal["custom"]
    function: Reference
    job: str | None = Field(default=None, description="The job of its run requests.")


Sensor = Annotated[
    FileSensor | AssetSensor | RunStatusSensor | FreshnessSensor | CustomSensor,
    Field(discriminator="type"),
]
