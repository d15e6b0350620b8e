"""``orchestration.yaml``: what a code location consists of."""

from collections import Counter
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from shared_lib.configuration.environment import Environment
from shared_lib.configuration.section import Section
from shared_lib.discovery.configuration.assets import AssetRule, ModuleOfAssets
from shared_lib.discovery.configuration.checks import Check
from shared_lib.discovery.configuration.jobs import Executor, Job, Schedule, Sensor
from shared_lib.discovery.configuration.partitions import Partitions
from shared_lib.discovery.configuration.section import KeyPrefix, Name, Pool, Reference


class PartitionedModels(Section):
    """Which dbt models have partitions."""

    by: str = Field(description="A name from the section partitions.")
    column: str = Field(description="The documented column that marks a partitioned model.")


class DbtModels(Section):
    """The dbt models of the location, built by one invocation.

    Tests and the freshness limits of a source are checks of the asset that its
    `meta.dagster.asset_key` names.
    """

    project: str = Field(
        default="dbt_project", description="Directory, relative to the repository."
    )
    name: Name = Field(description="Name of the step.")
    key_prefix: KeyPrefix | None = Field(
        default=None, description="What the keys of the models begin with, such as shop/marts."
    )
    select: str = Field(default="fqn:*", description="dbt selection of nodes.")
    exclude: str = Field(default="", description="dbt exclusion of nodes.")
    selector: str | None = Field(
        default=None,
        description="A selector of `selectors.yml`, instead of select and exclude.",
    )
    state: str | None = Field(
        default=None,
        description="Directory with the manifest.json of another build, relative to the "
        "repository. A model that is neither selected nor built is read from there.",
    )
    vars: dict[Name, str | int | float | bool] = Field(
        default_factory=dict,
        description="Other values for variables of `dbt_project.yml`, by name.",
    )
    target: str | None = Field(default=None, description="A target of the profile.")
    observability: Literal["per_model", "job_level"] = Field(
        default="per_model", description="Whether to report each model, or only the step."
    )
    partitioned: PartitionedModels | None = Field(
        default=None,
        description="Which models have partitions; default: none. Without a body, dbt gets the "
        "partitions of a run: by time as event times, others as the variable partition_keys.",
    )
    pool: Pool | None = Field(default=None, description="Concurrency pool of the step.")
    body: Reference | None = Field(
        default=None,
        description="A function that runs the step instead of the plain `dbt build`.",
    )

    @property
    def prefix(self) -> list[str]:
        """The parts that the keys of the models begin with."""
        return self.key_prefix.split("/") if self.key_prefix else []

    @model_validator(mode="after")
    def _select_in_one_way(self) -> Self:
        others = [name for name in ("select", "exclude") if name in self.model_fields_set]
        if self.selector is not None and others:
            raise ValueError(f"selector does not go with {' and '.join(others)}: leave out one")
        return self


class SecretNeed(Section):
    """A secret that the location needs."""

    path: str = Field(pattern=r"^[a-z0-9_/-]+$", description="Its path, such as slack/bot.")
    keys: list[str] = Field(min_length=1, description="The keys that are read.")
    one_of: Name | None = Field(
        default=None,
        description="Of the secrets with the same word here, one is enough; default: it is needed.",
    )
    optional: bool = Field(
        default=False, description="Whether the location also works while nobody has stored it."
    )


Fields = dict[str, Any]
"""Some fields of an entry."""


class Overrides(Section):
    """What one environment has different: fields of entries that the file has."""

    jobs: dict[Name, Fields] = Field(default_factory=dict, description="Fields of jobs by name.")
    schedules: dict[Name, Fields] = Field(
        default_factory=dict, description="Fields of schedules by name."
    )
    sensors: dict[Name, Fields] = Field(
        default_factory=dict, description="Fields of sensors by name."
    )


class LocationConfiguration(Section):
    """The whole file."""

    asset_modules: list[ModuleOfAssets] = Field(
        default_factory=list,
        description="Modules and packages whose definitions are the location's; `.assets` lies in "
        "the package of the file. A mapping has a group or prefix for their assets.",
    )
    resources: dict[Name, Reference] = Field(
        default_factory=dict, description="Objects that steps require, by name."
    )
    executor: Executor = Field(default="in_process", description="How jobs run their steps.")
    dbt: DbtModels | None = Field(default=None, description="The location's dbt models.")
    partitions: dict[Name, Partitions] = Field(
        default_factory=dict, description="Partitions by name."
    )
    assets: list[AssetRule] = Field(
        default_factory=list, description="Attributes of assets by pattern."
    )
    jobs: dict[Name, Job] = Field(default_factory=dict, description="Jobs by name.")
    schedules: dict[Name, Schedule] = Field(default_factory=dict, description="By name.")
    sensors: dict[Name, Sensor] = Field(default_factory=dict, description="Sensors by name.")
    checks: dict[Name, Check] = Field(default_factory=dict, description="Checks by name.")
    environments: dict[Environment, Overrides] = Field(
        default_factory=dict,
        description="What is different in local, ci, qa or production.",
    )
    secrets: list[SecretNeed] = Field(
        default_factory=list, description="The secrets that the location needs."
    )

    @field_validator("secrets")
    @classmethod
    def _have_alternatives(cls, needs: list[SecretNeed]) -> list[SecretNeed]:
        groups = Counter(need.one_of for need in needs if need.one_of is not None)
        if alone := [name for name, count in groups.items() if count == 1]:
            raise ValueError(
                f"one_of: {alone[0]} is the word of one secret only, give it to others"
            )
        return needs
