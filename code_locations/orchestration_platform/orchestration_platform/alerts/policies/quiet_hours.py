"""Quiet hours: windows that begin on a cron schedule and last for a while."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints, field_validator, model_validator

from orchestration_platform.alerts.facts.alert import Severity
from shared_lib.configuration.section import Section

DURATION = r"^[1-9][0-9]{0,5}(s|min|h|d)$"
Duration = Annotated[str, StringConstraints(pattern=DURATION)]

_UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+)(\D+)")
_LONGEST_WINDOW_SECONDS = 31 * 86400.0
# Up to this many consecutive windows without a gap count as one.
_LONGEST_CHAIN = 20
# Windows that leave less than this of a year cover it: a window of 24 h a day leaves the hour by
# which the clock goes back in autumn. The last limit is two weeks of windows of a minute.
_YEAR_SECONDS = 366 * 86400.0
_LEAST_GAPS_SECONDS = 9 * 3600.0
_MOST_WINDOWS = 20_000


def seconds_of(duration: str) -> float:
    """Convert a duration such as ``15min`` to seconds."""
    [(number, unit)] = _DURATION.findall(duration)
    return int(number) * _UNITS[unit]


class Window(Section):
    """A recurring time in which only severe messages are sent immediately."""

    cron: str = Field(description="When it begins: five fields, or a name such as @daily.")
    duration: Duration = Field(description="How long it lasts: a number and s, min, h or d.")
    timezone: str = Field(default="UTC", description="IANA name, such as Europe/Berlin.")
    below_severity: Severity | None = Field(
        default=Severity.CRITICAL,
        description="Less severe messages wait until the end; null: all messages.",
    )
    recovered_meanwhile: Literal["summary", "nothing"] = Field(
        default="summary",
        description="What to send at the end about incidents that have recovered by then.",
    )

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"{name!r} is not a time zone: write an IANA name, such as Europe/Berlin"
            ) from None
        return name

    @field_validator("cron")
    @classmethod
    def _comes(cls, cron: str) -> str:
        from croniter import croniter

        is_cron = len(cron.split()) == 5 or cron.startswith("@")  # noqa: PLR2004 - as Dagster
        if not is_cron or not croniter.is_valid(cron):
            raise ValueError(
                f"{cron!r} is not a cron expression: write five fields, or a name such as @daily"
            )
        if _begin(cron, datetime.now(UTC)) is None:
            raise ValueError(f"{cron!r} never matches: write a date that exists")
        return cron

    @model_validator(mode="after")
    def _is_not_forever(self) -> Self:
        if seconds_of(self.duration) > _LONGEST_WINDOW_SECONDS:
            raise ValueError("duration is more than 31d: disable the policy instead")
        return self

    def end_of(self, at: float) -> float | None:
        """Return when the window that contains ``at`` ends, in seconds since 1970, if it does."""
        begin = _begin(self.cron, datetime.fromtimestamp(at, ZoneInfo(self.timezone)))
        if begin is None:
            return None
        end = begin + seconds_of(self.duration)
        return end if at < end else None

    def next_begin(self, at: float) -> float:
        """Return when the next window after ``at`` begins, in seconds since 1970, or infinity."""
        from croniter import CroniterBadDateError, croniter

        moment = datetime.fromtimestamp(at, ZoneInfo(self.timezone))
        try:
            return croniter(self.cron, moment).get_next(float)
        except CroniterBadDateError:
            return inf

    def holds(self, severity: Severity) -> bool:
        """Return whether a message of ``severity`` waits until the window ends."""
        order = list(Severity)
        return self.below_severity is None or order.index(severity) < order.index(
            self.below_severity
        )


def with_a_gap(windows: list[Window]) -> list[Window]:
    """Return ``windows`` if messages of every severity can be sent at some time.

    Raises:
        ValueError: together they cover all days and hours.
    """
    for severity in reversed(Severity):
        holding = [window for window in windows if window.holds(severity)]
        if _cover_a_year(holding, datetime.now(UTC).timestamp()):
            raise ValueError(
                f"they cover all days and hours, so {severity.value} messages would never be sent: "
                "shorten a window, or disable the policy"
            )
    return windows


def _cover_a_year(windows: Sequence[Window], now: float) -> bool:
    at, gaps = now, 0.0
    for _ in range(_MOST_WINDOWS):
        ends = [end for window in windows if (end := window.end_of(at)) is not None]
        later = (
            max(ends) if ends else min((window.next_begin(at) for window in windows), default=inf)
        )
        gaps += 0.0 if ends else later - at
        if gaps > _LEAST_GAPS_SECONDS:
            return False
        at = later
        if at - now > _YEAR_SECONDS:
            break
    return True


@dataclass(frozen=True)
class Hold:
    """A message waits.

    Attributes:
        until: when the wait ends, in seconds since 1970.
        reports_recovered: whether the message is sent then although the incident is over.
    """

    until: float
    reports_recovered: bool


def hold_of(windows: Sequence[Window], severity: Severity, *, now: float) -> Hold | None:
    """Return how long a message of ``severity`` waits, or None if it may be sent now."""
    holding = [window for window in windows if window.holds(severity)]
    current = [window for window in holding if window.end_of(now) is not None]
    if not current:
        return None
    until = now
    for _ in range(_LONGEST_CHAIN):
        ends = [end for window in holding if (end := window.end_of(until)) is not None]
        if not ends:
            break
        until = max(ends)
    return Hold(until, any(window.recovered_meanwhile == "summary" for window in current))


def _begin(cron: str, at: datetime) -> float | None:
    """Return the last time at or before ``at`` that ``cron`` matches, in seconds since 1970."""
    from croniter import CroniterBadDateError, croniter

    if croniter.match(cron, at):
        return at.replace(second=0, microsecond=0).timestamp()
    try:
        return croniter(cron, at).get_prev(float)
    except CroniterBadDateError:
        return None
