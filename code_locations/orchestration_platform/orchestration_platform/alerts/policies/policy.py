"""``alert_policies.yaml``: who is notified of what, in the field names of Dagster+."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from orchestration_platform.alerts.facts.alert import Alert, Severity
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.policies.message_blocks import OwnBlock
from orchestration_platform.alerts.policies.quiet_hours import (
    Duration,
    Window,
    seconds_of,
    with_a_gap,
)
from orchestration_platform.alerts.policies.services import NotificationService
from orchestration_platform.alerts.policies.targets import KnownAssets, Target
from shared_lib.configuration.documents import Reference, schema_document
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.section import Section
from shared_lib.configuration.validated_yaml import load_yaml, validate_document

POLICIES_FILE = Path(__file__).with_name("alert_policies.yaml")
SHORTEST_AGAIN_SECONDS = 60.0
SCHEMA_FILE = REPOSITORY_ROOT / "schemas" / "alert_policies.schema.json"


Windows = Annotated[list[Window], AfterValidator(with_a_gap)]


class PolicyOptions(Section):
    """Further options. Only the first three exist in Dagster+."""

    include_description_in_notification: bool = Field(
        default=False, description="Whether the message contains the policy's description."
    )
    runbook_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>|]+$")] | None = Field(
        default=None,
        description="Not in Dagster+. What to do; the metadata entry runbook of the asset or job "
        "takes precedence.",
    )
    message_blocks: list[OwnBlock] = Field(
        default_factory=list,
        max_length=5,
        description="Not in Dagster+. What the team adds to the messages.",
    )
    consecutive_failure_threshold: int = Field(
        default=1,
        ge=1,
        le=100,
        description="For TICK_FAILURE only: how many ticks must fail in a row.",
    )
    renotify_interval_minutes: float | None = Field(
        default=None,
        ge=1,
        description="For TICK_FAILURE, CODE_LOCATION_ERROR and DAEMON_HEARTBEAT_MISSING only: "
        "minutes between reminders of an incident that continues and nobody has acknowledged.",
    )
    announce: Literal["first_failure", "retries_exhausted"] = Field(
        default="first_failure",
        description="When to announce a failed run that Dagster retries automatically.",
    )
    notify_on_recovery: bool = Field(
        default=True, description="Whether to report in the thread that the incident has recovered."
    )
    new_message_after_hours: float = Field(
        default=24,
        gt=0,
        description="Hours without an occurrence after which the next one is a new message.",
    )
    escalate_after: Duration | None = Field(
        default=None,
        description="How long a message may stay unacknowledged: a number and s, min, h or d.",
    )
    escalation_service: NotificationService | None = Field(
        default=None, description="Who is notified then; required with escalate_after."
    )
    escalation_owners: list[str] = Field(
        default_factory=list,
        max_length=10,
        description="Owners whom the escalation calls, as in owner_mentions of its service.",
    )
    escalate_again_after: Duration | None = Field(
        default=None, description="How long until they are notified again; without it, once."
    )
    quiet_hours: Windows = Field(
        default_factory=list,
        max_length=20,
        description="When only severe messages are sent immediately.",
    )

    @model_validator(mode="after")
    def _can_escalate(self) -> Self:
        if (self.escalate_after is None) != (self.escalation_service is None):
            raise ValueError("escalate_after and escalation_service go together: write both")
        if self.renotify_interval_minutes is not None and self.escalate_after is not None:
            raise ValueError(
                "renotify_interval_minutes and escalate_after: write one of them, and "
                "escalate_again_after for how often it is escalated"
            )
        others = self.escalation_owners or self.escalate_again_after
        if self.escalate_after is None and others:
            raise ValueError(
                "escalation_owners and escalate_again_after need escalate_after: write that too"
            )
        shortest = self.escalate_again_after and seconds_of(self.escalate_again_after)
        if shortest and shortest < SHORTEST_AGAIN_SECONDS:
            raise ValueError("escalate_again_after is less than a minute: write 1min or more")
        return self


class Policy(Section):
    """Who is notified of what."""

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_ -]{1,80}$")] = Field(
        description="Identifies the policy; renaming it makes it a new one."
    )
    description: str = Field(default="", description="For people.")
    enabled: bool = Field(description="Whether the policy is enabled.")
    event_types: list[EventType] = Field(
        min_length=1, description="Which events to report; all of one kind, such as assets."
    )
    alert_targets: list[Target] = Field(
        default_factory=list, description="One of these must match; empty: everything."
    )
    notification_service: NotificationService = Field(description="How.")
    policy_options: PolicyOptions = Field(default_factory=PolicyOptions, description="Details.")

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        kinds = sorted({kind.category.value for kind in self.event_types})
        if len(kinds) > 1:
            raise ValueError(
                f"event_types of {' and '.join(kinds)} in one policy: write one for each kind"
            )
        others = [target for target in self.alert_targets if target.category != kinds[0]]
        if others or (self.alert_targets and kinds[0] == "daemon"):
            raise ValueError(f"alert_targets: one of them is not for events of a {kinds[0]}")
        if EventType.JOB_LONG_RUNNING in self.event_types and not self.thresholds:
            raise ValueError(
                "JOB_LONG_RUNNING needs a long_running_job_threshold_target with threshold_seconds"
            )
        given = self.policy_options.model_fields_set
        if "consecutive_failure_threshold" in given and kinds[0] != "schedule or sensor":
            raise ValueError("consecutive_failure_threshold is only for TICK_FAILURE")
        if self.reminds_after is not None and kinds[0] in ("job", "asset"):
            raise ValueError(
                "renotify_interval_minutes is only for TICK_FAILURE, CODE_LOCATION_ERROR and "
                "DAEMON_HEARTBEAT_MISSING: write escalate_after and escalate_again_after"
            )
        for service in (self.notification_service, self.policy_options.escalation_service):
            other = service.chosen.instead_without_asset if service else ""
            if service and other and kinds[0] != "asset":
                raise ValueError(f"{service.name} is only for events of an asset: write {other}")
        return self

    @property
    def thresholds(self) -> list[float]:
        """The thresholds of its targets: how long runs may take, in seconds."""
        return [
            target.long_running_job_threshold_target.threshold_seconds
            for target in self.alert_targets
            if target.long_running_job_threshold_target
        ]

    @property
    def needs_workspace(self) -> bool:
        """Whether the policy can only be applied when the assets of the workspace are known."""
        return any(target.needs_workspace for target in self.alert_targets)

    @property
    def reminds_after(self) -> float | None:
        """The seconds after which the same people are reminded, or None if they are not."""
        minutes = self.policy_options.renotify_interval_minutes
        return None if minutes is None else minutes * 60.0

    @property
    def can_escalate(self) -> bool:
        """Whether anyone is notified when nobody acknowledges a message."""
        return self.policy_options.escalation_service is not None or self.reminds_after is not None

    def escalates_at(self, severity: Severity, *, since: float) -> float | None:
        """Return when a message sent at ``since`` is escalated or repeated; never for good news."""
        after = self.policy_options.escalate_after
        seconds = self.reminds_after if after is None else seconds_of(after)
        return None if seconds is None or severity is Severity.INFO else since + seconds

    def covers(self, alert: Alert, tags: Mapping[str, str], assets: KnownAssets) -> bool:
        """Return whether the policy covers ``alert``, which is of a run with ``tags``."""
        if alert.event_type not in self.event_types:
            return False
        if alert.event_type == EventType.TICK_FAILURE:
            if alert.consecutive < self.policy_options.consecutive_failure_threshold:
                return False
        elif alert.event_type == EventType.JOB_LONG_RUNNING:
            return any(
                target.long_running_job_threshold_target is not None
                and (alert.duration_seconds or 0.0)
                >= target.long_running_job_threshold_target.threshold_seconds
                and target.fits(alert, tags, assets)
                for target in self.alert_targets
            )
        return not self.alert_targets or any(
            target.fits(alert, tags, assets) for target in self.alert_targets
        )


class AlertPolicies(Section):
    """The whole file."""

    alert_policies: list[Policy] = Field(min_length=1, description="The policies.")
    maintenance_windows: Windows = Field(
        default_factory=list, max_length=50, description="Like quiet_hours, for all policies."
    )
    keep_days: float = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days after which ended and delivered incidents are deleted.",
    )

    @model_validator(mode="after")
    def _each_name_once(self) -> Self:
        names = [policy.name for policy in self.alert_policies]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"more than one policy is named {', '.join(repeated)}: rename one")
        return self

    @model_validator(mode="after")
    def _can_be_sent(self) -> Self:
        for policy in self.in_force:
            try:
                with_a_gap(policy.policy_options.quiet_hours)
            except ValueError as error:
                raise ValueError(
                    f"quiet_hours of {policy.name} and maintenance_windows: {error}"
                ) from None
        return self

    @property
    def in_force(self) -> list[Policy]:
        """The enabled policies, each with the windows that apply to all."""
        return [self._with_windows(policy) for policy in self.alert_policies if policy.enabled]

    def _with_windows(self, policy: Policy) -> Policy:
        windows = [*policy.policy_options.quiet_hours, *self.maintenance_windows]
        options = policy.policy_options.model_copy(update={"quiet_hours": windows})
        return policy.model_copy(update={"policy_options": options})


def load_policies(path: Path = POLICIES_FILE) -> list[Policy]:
    """Return the policies in force.

    Raises:
        ConfigurationError: lists everything that is wrong with the file, one problem per line.
    """
    return load_file(path).in_force


def load_file(path: Path = POLICIES_FILE) -> AlertPolicies:
    """Return the whole file.

    Raises:
        ConfigurationError: lists everything that is wrong with the file, one problem per line.
    """
    return validate_document(load_yaml(path), AlertPolicies, path=path)


def reference() -> Reference:
    """Return the page of the documentation that ends with the fields of the file."""
    return Reference(REPOSITORY_ROOT / "docs/alerts/policy_reference.md", AlertPolicies)


def schema_text() -> str:
    """Return the JSON Schema of the file, for editors."""
    return schema_document(AlertPolicies.model_json_schema())
