"""What each key of partitions by time does to the asset that they are attached to."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from shared_lib.discovery import Location

Load = Callable[[str], Location]


@dataclass(frozen=True)
class Period:
    """A kind of partitions, tried at a moment.

    Attributes:
        more: what the kind needs beside a start.
        start: the first partition.
        now: when Dagster is asked.
        keys: those that have ended by then.
        following: the one under way.
        end: the beginning of the last of ``keys``, which is so left out.
        format: another way to write keys, and the first key so written.
        detail: the key that says when a period begins, and when the first then does.
    """

    more: dict[str, str]
    start: str
    now: datetime
    keys: list[str]
    following: str
    end: str
    format: tuple[str, str]
    detail: tuple[dict[str, object], datetime]


PERIODS = {
    "hourly": Period(
        more={},
        start="2026-03-01-02:00",
        now=datetime(2026, 3, 1, 5, 50, tzinfo=UTC),
        keys=["2026-03-01-02:00", "2026-03-01-03:00", "2026-03-01-04:00"],
        following="2026-03-01-05:00",
        end="2026-03-01-04:00",
        format=("%d.%m.%Y %H", "01.03.2026 02"),
        detail=({"minute": 45}, datetime(2026, 3, 1, 2, 45, tzinfo=UTC)),
    ),
    "daily": Period(
        more={},
        start="2026-03-01",
        now=datetime(2026, 3, 4, 12, tzinfo=UTC),
        keys=["2026-03-01", "2026-03-02", "2026-03-03"],
        following="2026-03-04",
        end="2026-03-03",
        format=("%d.%m.%Y", "01.03.2026"),
        detail=({"hour": 7}, datetime(2026, 3, 1, 7, tzinfo=UTC)),
    ),
    "weekly": Period(
        more={},
        start="2026-03-01",  # a Sunday
        now=datetime(2026, 3, 25, tzinfo=UTC),
        keys=["2026-03-01", "2026-03-08", "2026-03-15"],
        following="2026-03-22",
        end="2026-03-15",
        format=("%d.%m.%Y", "01.03.2026"),
        detail=({"weekday": 3}, datetime(2026, 3, 4, tzinfo=UTC)),
    ),
    "monthly": Period(
        more={},
        start="2026-01-01",
        now=datetime(2026, 3, 20, tzinfo=UTC),
        keys=["2026-01-01", "2026-02-01"],
        following="2026-03-01",
        end="2026-02-01",
        format=("%m/%Y", "01/2026"),
        detail=({"day": 15}, datetime(2026, 1, 15, tzinfo=UTC)),
    ),
    "yearly": Period(
        more={},
        start="2023",
        now=datetime(2026, 10, 1, tzinfo=UTC),
        keys=["2023", "2024", "2025"],
        following="2026",
        end="2025",
        format=("%y", "23"),
        detail=({"month": 9}, datetime(2023, 9, 1, tzinfo=UTC)),
    ),
    "cron": Period(
        more={"format": "%Y-%m-%d-%H", "cron": "0 6,18 * * *"},
        start="2026-03-01-06",
        now=datetime(2026, 3, 2, 20, tzinfo=UTC),
        keys=["2026-03-01-06", "2026-03-01-18", "2026-03-02-06"],
        following="2026-03-02-18",
        end="2026-03-02-06",
        format=("%d.%m.%Y %H", "01.03.2026 06"),
        detail=({"cron": "0 9 * * *"}, datetime(2026, 3, 1, 9, tzinfo=UTC)),
    ),
}

by_kind = pytest.mark.parametrize("kind", PERIODS)


@pytest.fixture
def attached(written: Load) -> Callable[..., dg.TimeWindowPartitionsDefinition]:
    """The partitions that an asset has when the file gives it some of a kind, with these keys."""

    def attach(kind: str, **keys: object) -> dg.TimeWindowPartitionsDefinition:
        period = PERIODS[kind]
        entry = {"type": kind, "start": period.start, **period.more, **keys}
        location = written(
            f"partitions: {json.dumps({'spans': entry})}\n"
            "assets:\n  - {match: plain, partitions: spans}\n"
        )
        graph = location.definitions.resolve_asset_graph()
        return graph.get(dg.AssetKey("plain")).partitions_def

    return attach


Attach = Callable[..., dg.TimeWindowPartitionsDefinition]


@pytest.mark.sees(
    "partitions.{kind}.type", "partitions.{kind}.start", "partitions.{kind}.end",
    "partitions.{kind}.end_offset",
)  # fmt: skip
@by_kind
def test_partitions_are_what_has_ended_between_start_and_end(attached: Attach, kind: str) -> None:
    period = PERIODS[kind]

    def keys(**given: object) -> list[str]:
        return attached(kind, **given).get_partition_keys(current_time=period.now)

    assert keys() == period.keys
    assert keys(end=period.end) == period.keys[:-1]
    assert keys(end_offset=1) == [*period.keys, period.following]
    assert keys(start=period.keys[1]) == period.keys[1:]


@pytest.mark.sees("partitions.{kind}.timezone")
@by_kind
def test_partitions_begin_by_the_clock_of_their_time_zone(attached: Attach, kind: str) -> None:
    def begins(**given: object) -> datetime:
        key = PERIODS[kind].keys[0]
        return attached(kind, **given).time_window_for_partition_key(key).start.astimezone(UTC)

    # in winter Berlin is an hour ahead
    assert begins() - begins(timezone="Europe/Berlin") == timedelta(hours=1)


@pytest.mark.sees("partitions.{kind}.format")
@by_kind
def test_partition_keys_have_the_configured_format(attached: Attach, kind: str) -> None:
    period = PERIODS[kind]
    form, first = period.format

    keys = attached(kind, format=form, start=first).get_partition_keys(current_time=period.now)

    assert keys[0] == first
    assert len(keys) == len(period.keys)


@pytest.mark.sees(
    "partitions.hourly.minute", "partitions.daily.hour", "partitions.weekly.weekday",
    "partitions.monthly.day", "partitions.yearly.month", "partitions.cron.cron",
)  # fmt: skip
def test_a_period_begins_at_its_configured_offset(attached: Attach) -> None:
    for kind, period in PERIODS.items():
        detail, begins = period.detail
        partitions = attached(kind, **detail)
        first = partitions.get_partition_keys(current_time=period.now)[0]
        assert partitions.time_window_for_partition_key(first).start == begins, kind
