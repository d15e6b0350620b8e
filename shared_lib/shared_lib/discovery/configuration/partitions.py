"""``partitions``: named partitions definitions, attached to assets by pattern."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared_lib.configuration.section import Section

_TIME_ZONE = Field(default="UTC", description="IANA name, such as Europe/Berlin.")


class TimePartitions(Section):
    """Fields of all partitions by time."""

    start: str = Field(description="The first partition, in the format of `format`.")
    end: str | None = Field(default=None, description="The end; without it, partitions continue.")
    timezone: str = _TIME_ZONE
    end_offset: int = Field(
        default=0,
        description="Number of partitions after the last complete one; 1 adds the current one.",
    )
    format: str | None = Field(
        default=None, description="strftime format of keys; default: Dagster's."
    )


class Hourly(TimePartitions):
    """A partition for each hour."""

    type: Literal["hourly"]
    minute: int = Field(default=0, ge=0, le=59, description="Minute at which an hour begins.")


class Daily(TimePartitions):
    """A partition for each day."""

    type: Literal["daily"]
    hour: int = Field(default=0, ge=0, le=23, description="Hour at which a day begins.")


class Weekly(TimePartitions):
    """A partition for each week."""

    type: Literal["weekly"]
    weekday: int = Field(default=0, ge=0, le=6, description="Day on which a week begins; 0 Sunday.")


class Monthly(TimePartitions):
    """A partition for each month."""

    type: Literal["monthly"]
    day: int = Field(default=1, ge=1, le=28, description="Day on which a month begins.")


class Yearly(TimePartitions):
    """A partition for each year."""

    type: Literal["yearly"]
    month: int = Field(default=1, ge=1, le=12, description="Month in which a year begins.")


class CronWindow(TimePartitions):
    """A partition for each time between two ticks of a cron schedule."""

    type: Literal["cron"]
    cron: str = Field(description="Five fields; each tick begins a partition.")
    format: str = Field(  # pyright: ignore[reportIncompatibleVariableOverride] - required here
        description="strftime format of keys; fine enough that no two are equal."
    )


class Static(Section):
    """A list of partitions, computed ones, or a range of whole numbers."""

    type: Literal["static"]
    keys: list[str] | None = Field(default=None, min_length=1, description="The keys, in order.")
    first: int | None = Field(default=None, description="First whole number, instead of keys.")
    last: int | None = Field(default=None, description="Last whole number, inclusive.")
    keys_from: str | None = Field(
        default=None,
        pattern=r"^[\w.]+:\w+$",
        description="A function without arguments that returns the keys, as `module:name`, "
        "instead of keys.",
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        ways = (self.keys, self.keys_from, None if self.last is None else self.first)
        if sum(way is not None for way in ways) != 1:
            raise ValueError("allowed is either keys, or keys_from, or both first and last")
        if self.keys is None and (self.first or 0) > (self.last or 0):
            raise ValueError(f"first {self.first} is above last {self.last}")
        if self.keys is not None and len(set(self.keys)) < len(self.keys):
            twice = sorted({key for key in self.keys if self.keys.count(key) > 1})
            raise ValueError(f"the keys {', '.join(twice)} occur twice")
        return self


class Dynamic(Section):
    """Partitions that sensors or people add while the platform runs."""

    type: Literal["dynamic"]
    name: str = Field(description="The name under which the instance keeps the keys.")


SinglePartitions = Annotated[
    Hourly | Daily | Weekly | Monthly | Yearly | CronWindow | Static | Dynamic,
    Field(discriminator="type"),
]


class Multi(Section):
    """The pairs of the partitions of two dimensions."""

    type: Literal["multi"]
    dimensions: dict[str, SinglePartitions] = Field(
        min_length=2, max_length=2, description="The two dimensions by name."
    )


Partitions = Annotated[
    Hourly | Daily | Weekly | Monthly | Yearly | CronWindow | Static | Dynamic | Multi,
    Field(discriminator="type"),
]
