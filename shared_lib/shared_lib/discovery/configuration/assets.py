"""``assets``: attributes of assets, by a pattern of their keys."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from shared_lib.configuration.section import Section
from shared_lib.discovery.configuration.section import (
    MOST_MINUTES,
    KeyPrefix,
    Pool,
    Reference,
    Tags,
)


class Eager(Section):
    """When an upstream asset has changed."""

    type: Literal["eager"]
    label: str | None = Field(default=None, description="Name of the condition in the UI.")


class OnCron(Section):
    """When a cron schedule has ticked and all upstream assets have been updated since."""

    type: Literal["on_cron"]
    cron: str = Field(description="Five fields.")
    timezone: str = Field(default="UTC", description="IANA name, such as Europe/Berlin.")
    label: str | None = Field(default=None, description="Name of the condition in the UI.")


class OnMissing(Section):
    """When a partition has never been made and all upstream ones have."""

    type: Literal["on_missing"]
    label: str | None = Field(default=None, description="Name of the condition in the UI.")


class NamedCondition(Section):
    """An automation condition of the location's own code."""

    type: Literal["condition"]
    condition: Reference
    label: str | None = Field(default=None, description="Name of the condition in the UI.")


Automation = Annotated[
    Eager | OnCron | OnMissing | NamedCondition,
    Field(discriminator="type"),
]


class BackfillPolicy(Section):
    """How a backfill is split into runs."""

    partitions_per_run: int | None = Field(
        default=None, ge=1, description="Maximum partitions per run; without it, one run for all."
    )


class WindowFreshness(Section):
    """The asset must have been made within this time before now."""

    type: Literal["window"]
    fail_after_minutes: float = Field(
        ge=1, le=MOST_MINUTES, description="Age in minutes at which the asset fails."
    )
    warn_after_minutes: float | None = Field(
        default=None,
        ge=1,
        description="Age in minutes at which it warns; below fail_after_minutes.",
    )

    @model_validator(mode="after")
    def _warns_first(self) -> Self:
        if self.warn_after_minutes is not None and (
            self.warn_after_minutes >= self.fail_after_minutes
        ):
            raise ValueError(
                f"warn_after_minutes {self.warn_after_minutes:g} is not allowed, allowed is below "
                f"fail_after_minutes {self.fail_after_minutes:g}"
            )
        return self


class DeadlineFreshness(Section):
    """The asset must have been made by each tick of a cron schedule."""

    type: Literal["deadline"]
    cron: str = Field(description="Five fields; each tick is a deadline.")
    timezone: str = Field(default="UTC", description="IANA name, such as Europe/Berlin.")
    within_minutes: float = Field(
        gt=0, description="How many minutes before the deadline a materialisation counts."
    )


class NoFreshness(Section):
    """The asset has no freshness policy, for a reason that its page shows."""

    type: Literal["none"]
    reason: str = Field(min_length=1, description="Why it does not become stale.")


Freshness = Annotated[
    WindowFreshness | DeadlineFreshness | NoFreshness, Field(discriminator="type")
]


class RetryPolicy(Section):
    """How often a failed step is tried again within its run."""

    max_retries: int = Field(ge=1, le=20, description="Maximum attempts after the first.")
    delay_seconds: float = Field(default=0, ge=0, description="Seconds before the next attempt.")
    backoff: Literal["constant", "linear", "exponential"] = Field(
        default="constant", description="How the delay grows from attempt to attempt."
    )
    jitter: bool = Field(default=False, description="Whether the delay is random.")


class AssetModule(Section):
    """A module or package whose assets have something in common."""

    module: str = Field(description="Its name; `.assets` lies in the package of the file.")
    group: str | None = Field(
        default=None, description="Asset group, where no rule of the section assets sets one."
    )
    key_prefix: KeyPrefix | None = Field(
        default=None, description="What their keys begin with, such as shop/raw."
    )


def _kind_of_module(entry: Any) -> str:
    return AssetModule.__name__ if isinstance(entry, dict | AssetModule) else "text"


ModuleOfAssets = Annotated[
    Annotated[str, Tag("text")] | Annotated[AssetModule, Tag(AssetModule.__name__)],
    Discriminator(_kind_of_module),
]


class AssetRule(Section):
    """Attributes of all assets whose key matches. The last rule for an attribute wins."""

    match: str | list[str] = Field(
        description="Patterns of keys, such as `source/gocardless/*`; * matches no slash, "
        "** matches any text."
    )
    group: str | None = Field(default=None, description="Asset group.")
    owners: list[str] | None = Field(
        default=None, min_length=1, description="E-mail addresses, or team:name."
    )
    kinds: list[str] | None = Field(
        default=None, min_length=1, max_length=3, description="Kinds that the UI shows."
    )
    tags: Tags | None = Field(default=None, description="Added to the asset's own tags.")
    partitions: str | None = Field(default=None, description="A name from the section partitions.")
    automation: Automation | None = Field(
        default=None, description="When Dagster makes it automatically."
    )
    backfill: BackfillPolicy | None = Field(
        default=None, description="How backfills are split into runs."
    )
    freshness: Freshness | None = Field(default=None, description="How old it may be.")
    retry: RetryPolicy | None = Field(default=None, description="Retries of its step.")
    pool: Pool | None = Field(default=None, description="Concurrency pool of its step.")

    @property
    def patterns(self) -> list[str]:
        """The patterns, whichever way they were written."""
        return [self.match] if isinstance(self.match, str) else self.match
