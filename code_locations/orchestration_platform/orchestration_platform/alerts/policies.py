"""``alert_policies.yaml``: who is told of what, in the field names of Dagster+."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from shared_lib.validated_yaml import load_yaml, validate_document

POLICIES_FILE = Path(__file__).with_name("alert_policies.yaml")


class Section(BaseModel):
    """A mapping with the named keys and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class JobTarget(Section):
    """One job of one code location."""

    location_name: str = Field(description="The code location.")
    repo_name: Literal["__repository__"] = Field(
        default="__repository__", description="Its repository; there is one."
    )
    job_name: str = Field(description="The job.")


class TagTarget(Section):
    """A tag that a run must have."""

    key: str = Field(min_length=1, description="The tag's name.")
    value: str = Field(description="Its value.")


class RunResult(Section):
    """Which runs are meant: of all that is given, each must fit."""

    jobs: list[JobTarget] = Field(default_factory=list, description="One of these; empty: any.")
    tags: list[TagTarget] = Field(default_factory=list, description="All of these.")
    location_names: list[str] = Field(
        default_factory=list, description="A job of one of these locations; empty: any."
    )

    def fits(self, *, location: str, job_name: str, tags: Mapping[str, str]) -> bool:
        """Whether a run of ``job_name`` in ``location`` with ``tags`` is meant."""
        return (
            (not self.location_names or location in self.location_names)
            and (
                not self.jobs
                or (location, job_name) in {(job.location_name, job.job_name) for job in self.jobs}
            )
            and all(tags.get(tag.key) == tag.value for tag in self.tags)
        )


class Target(Section):
    """Something that a policy watches."""

    run_result_target: RunResult = Field(description="Runs by job, tag and code location.")


class Slack(Section):
    """A channel of Slack."""

    slack_workspace_name: str | None = Field(
        default=None, description="For people to read: the bot's token belongs to one workspace."
    )
    slack_channel_name: Annotated[str, StringConstraints(pattern=r"^#?[^\s#@<>]{1,80}$")] | None = (
        Field(default=None, description="The channel; by default that of the environment.")
    )


class NotificationService(Section):
    """How people are told."""

    slack: Slack = Field(description="By the bot whose token is the secret of the location.")


class PolicyOptions(Section):
    """What else can be chosen. All but the first are not in Dagster+."""

    include_description_in_notification: bool = Field(
        default=False, description="Whether the message has the policy's description."
    )
    announce: Literal["first_failure", "retries_exhausted"] = Field(
        default="first_failure",
        description="When a failed run is announced that Dagster starts again by itself.",
    )
    notify_on_recovery: bool = Field(
        default=True, description="Whether the thread says so when what had failed succeeds again."
    )
    new_message_after_hours: float = Field(
        default=24, gt=0, description="Hours of silence after which a repeat is a new message."
    )


class Policy(Section):
    """Who is told of what."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_ -]{1,80}$")] = Field(
        description="Identifies the policy; renaming it makes it a new one."
    )
    description: str = Field(default="", description="For people.")
    enabled: bool = Field(description="Whether it is in force.")
    event_types: list[Literal["JOB_FAILURE"]] = Field(min_length=1, description="What is told.")
    alert_targets: list[Target] = Field(
        default_factory=list, description="One of these must fit; empty: all runs."
    )
    notification_service: NotificationService = Field(description="How.")
    policy_options: PolicyOptions = Field(default_factory=PolicyOptions, description="Details.")

    def covers(self, *, location: str, job_name: str, tags: Mapping[str, str]) -> bool:
        """Whether a run of ``job_name`` in ``location`` with ``tags`` is to be told."""
        return not self.alert_targets or any(
            target.run_result_target.fits(location=location, job_name=job_name, tags=tags)
            for target in self.alert_targets
        )


class AlertPolicies(Section):
    """The whole file."""

    alert_policies: list[Policy] = Field(min_length=1, description="The policies.")

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        names = [policy.name for policy in self.alert_policies]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"more than one policy is named {', '.join(repeated)}: rename one")
        return self


def load_policies(path: Path = POLICIES_FILE) -> list[Policy]:
    """The policies that are in force.

    Raises:
        ConfigurationError: all that is wrong with the file, a line each.
    """
    found = validate_document(load_yaml(path), AlertPolicies, path=path)
    return [policy for policy in found.alert_policies if policy.enabled]


def schema_text() -> str:
    """The JSON Schema of the file, for editors."""
    schema = AlertPolicies.model_json_schema()
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
