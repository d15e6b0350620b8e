"""What the sections ``partitions`` and ``assets`` do to real assets."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from shared_lib.discovery import Location

Load = Callable[..., Location]


def spec(location: Location, key: str) -> dg.AssetSpec:
    found = {spec.key: spec for spec in location.definitions.resolve_all_asset_specs()}
    return found[dg.AssetKey.from_user_string(key)]


@pytest.mark.sees(
    "partitions.static.type",
    "partitions.static.keys",
    "partitions.static.first",
    "partitions.static.last",
    "partitions.static.keys_from",
)
@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("hours", 30, "2026-01-01-00:30", "2026-01-02-05:30"),
        ("days", 1, "2026-01-01", "2026-01-01"),
        ("shifts", 3, "2026-01-01-06", "2026-01-01-22"),
        ("numbers", 5, "1", "5"),
        ("regions", 2, "north", "south"),
        ("shops", 3, "Lyon", "Riga"),
    ],
)
def test_partitions_have_these_keys_the_morning_after_the_first_day(
    demonstration: Load, name: str, count: int, first: str, last: str
) -> None:
    from shared_lib.discovery.definitions.partitions import build_partitions

    built, problems = build_partitions(demonstration().configuration.partitions, package="examples")
    keys = built[name].get_partition_keys(current_time=datetime(2026, 1, 2, 7, tzinfo=UTC))

    assert problems == []
    assert (len(keys), keys[0], keys[-1]) == (count, first, last)


@pytest.mark.sees("partitions.multi.type", "partitions.multi.dimensions")
def test_partitions_of_longer_periods_have_these_keys(demonstration: Load) -> None:
    from shared_lib.discovery.definitions.partitions import build_partitions

    built, _ = build_partitions(demonstration().configuration.partitions, package="examples")
    moment = datetime(2026, 3, 10, tzinfo=UTC)

    def keys(name: str) -> list[str]:
        return list(built[name].get_partition_keys(current_time=moment))

    assert keys("weeks")[:2] == ["2026-01-05", "2026-01-12"]
    assert keys("months") == ["2026-01", "2026-02", "2026-03"]  # the one under way too
    assert keys("years") == ["2020", "2021", "2022", "2023", "2024", "2025"]
    assert len(keys("months_of_regions")) == 2 * 2


@pytest.mark.sees("partitions.dynamic.type", "partitions.dynamic.name")
def test_dynamic_partitions_are_those_that_the_instance_keeps(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    from shared_lib.discovery.definitions.partitions import build_partitions

    built, _ = build_partitions(demonstration().configuration.partitions, package="examples")
    instance.add_dynamic_partitions("customers", ["acme"])

    assert built["customers"].get_partition_keys(dynamic_partitions_store=instance) == ["acme"]


def test_a_day_ends_where_the_time_zone_and_hour_say(demonstration: Load) -> None:
    window = spec(demonstration(), "invoices").partitions_def.time_window_for_partition_key(
        "2026-01-01"
    )

    assert window.start.astimezone(UTC) == datetime(2026, 1, 1, 3, tzinfo=UTC)
    assert window.end - window.start == timedelta(days=1)


@pytest.mark.sees("assets.partitions")
def test_partitions_are_attached_and_a_backfill_runs_two_at_a_time(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    definitions = demonstration().definitions
    job = definitions.resolve_job_def("invoices_only")

    result = job.execute_in_process(
        instance=instance,
        tags={
            "dagster/asset_partition_range_start": "2026-01-03",
            "dagster/asset_partition_range_end": "2026-01-04",
        },
    )

    assert result.success
    made = result.get_asset_materialization_events()
    assert {event.partition for event in made} == {"2026-01-03", "2026-01-04"}
    assert made[0].materialization.metadata["made"].value == "2026-01-03,2026-01-04"
    node = definitions.resolve_asset_graph().get(dg.AssetKey("invoices"))
    assert node.backfill_policy.max_partitions_per_run == 2


@pytest.mark.sees("assets.match", "assets.group", "assets.owners", "assets.kinds", "assets.tags")
def test_a_later_rule_wins_and_other_attributes_stay(demonstration: Load) -> None:
    location = demonstration()
    orders = spec(location, "orders")

    assert orders.group_name == "trade"
    assert list(orders.owners) == ["team:file"]
    assert list(spec(location, "left").owners) == ["team:later"]
    assert orders.kinds == {"duckdb"}
    assert {key: orders.tags[key] for key in ("origin", "tier", "level")} == {
        "origin": "code",
        "tier": "gold",
        "level": "2",
    }
    assert spec(location, "reference/regions").group_name == "reference"
    assert spec(location, "left").group_name == "examples"


@pytest.mark.sees(
    "assets.freshness.window.type",
    "assets.freshness.window.fail_after_minutes",
    "assets.freshness.window.warn_after_minutes",
)
def test_freshness_warns_and_fails_as_configured(demonstration: Load) -> None:
    location = demonstration()
    window = spec(location, "orders").freshness_policy
    deadline = spec(location, "reference/regions").freshness_policy

    assert window.warn_window.to_timedelta() == timedelta(hours=1)
    assert window.fail_window.to_timedelta() == timedelta(hours=2)
    assert deadline.deadline_cron == "0 9 * * *"
    assert deadline.lower_bound_delta == timedelta(hours=1)


@pytest.mark.sees("assets.automation.on_cron.type")
def test_automation_follows_its_condition(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    definitions = demonstration().definitions
    assert spec(demonstration(), "orders").automation_condition.get_label() == "every morning"
    assert spec(demonstration(), "shaky").automation_condition.get_label() == "first time"

    evening = datetime(2026, 1, 5, 20, tzinfo=UTC)
    before = dg.evaluate_automation_conditions(definitions, instance, evaluation_time=evening)
    after = dg.evaluate_automation_conditions(
        definitions, instance, evaluation_time=evening + timedelta(hours=12), cursor=before.cursor
    )

    # 06:00 in Berlin has come in between; by UTC it would be an hour later
    assert before.get_num_requested(dg.AssetKey("orders")) == 0
    assert after.get_num_requested(dg.AssetKey("orders")) == 1


def test_a_step_is_tried_again_and_has_its_pool(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    definitions = demonstration().definitions

    result = dg.materialize(
        [definitions.resolve_assets_def("shaky")], instance=instance, raise_on_error=False
    )

    assert result.success
    assert [event.is_step_up_for_retry for event in result.all_events].count(True) == 1
    assert definitions.resolve_assets_def("shaky").op.pool == "scarce"
