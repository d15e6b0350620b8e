"""What single keys of the section ``assets`` do while assets are made."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import dagster as dg
import pytest

from sandboxes.waiting import wait_until
from shared_lib.discovery import Location
from shared_lib.metadata import NO_FRESHNESS_POLICY

Load = Callable[[str], Location]
PLAIN, AFTER = dg.AssetKey("plain"), dg.AssetKey("after")


def rule(text: str) -> str:
    return f"assets:\n  - {{{text}}}\n"


@pytest.fixture
def requested(instance: dg.DagsterInstance) -> Callable[..., list[bool]]:
    """Whether ``after`` is requested: at once, and then again when each of some assets was made."""

    def evaluate(
        location: Location, *made: dg.AssetKey, partition: str | None = None
    ) -> list[bool]:
        answers, cursor = [], None
        for key in (None, *made):
            if key is not None:
                instance.report_runless_asset_event(
                    dg.AssetMaterialization(key, partition=partition)
                )
            result = dg.evaluate_automation_conditions(
                location.definitions, instance, cursor=cursor
            )
            cursor = result.cursor
            answers.append(result.get_num_requested(AFTER) == 1)
            if partition:
                instance.add_dynamic_partitions("customers", [partition])
        return answers

    return evaluate


@pytest.mark.sees("assets.automation.{kind}.type")
@pytest.mark.parametrize(
    ("kind", "answers"),
    [("eager", [False, True, False, True]), ("on_missing", [False, True, False, False])],
)
def test_an_asset_is_made_when_what_is_before_it_changes_or_only_once(
    written: Load, requested: Callable[..., list[bool]], kind: str, answers: list[bool]
) -> None:
    location = written(
        "partitions: {customers: {type: dynamic, name: customers}}\n"
        f"{rule('match: [plain, after], partitions: customers')}"
        f"  - {{match: after, automation: {{type: {kind}}}}}\n"
    )

    # the partition is there only after the first look: what was missing then is left alone
    assert requested(location, PLAIN, AFTER, PLAIN, partition="acme") == answers


@pytest.mark.sees(
    "assets.automation.condition.type", "assets.automation.condition.condition",
)  # fmt: skip
def test_an_asset_is_made_when_a_condition_of_the_code_holds(
    written: Load, requested: Callable[..., list[bool]]
) -> None:
    ready = "demonstration.trials:ready"
    location = written(rule(f"match: after, automation: {{type: condition, condition: '{ready}'}}"))

    # newly missing: at the first look, whatever is before it
    assert requested(location, PLAIN) == [True, False]


@pytest.mark.sees("assets.automation.{kind}.label")
@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("eager", ""),
        ("on_missing", ""),
        ("on_cron", ", cron: '@daily'"),
        ("condition", ", condition: 'demonstration.trials:ready'"),
    ],
)
def test_the_ui_calls_a_condition_by_its_label(written: Load, kind: str, more: str) -> None:
    def label(text: str) -> str | None:
        location = written(rule(f"match: after, automation: {{type: {kind}{more}{text}}}"))
        node = location.definitions.resolve_asset_graph().get(AFTER)
        return node.automation_condition.get_label()

    assert label(", label: by itself") == "by itself"
    assert label("") != "by itself"


@pytest.mark.sees("assets.automation.on_cron.timezone", "assets.automation.on_cron.cron")
@pytest.mark.parametrize(("zone", "due"), [("UTC", 0), ("Asia/Tokyo", 1)])
def test_a_cron_condition_goes_by_the_clock_of_its_time_zone(
    written: Load, instance: dg.DagsterInstance, zone: str, due: int
) -> None:
    automation = f"{{type: on_cron, cron: '0 6 * * *', timezone: {zone}}}"
    definitions = written(rule(f"match: plain, automation: {automation}")).definitions
    noon = datetime(2026, 1, 5, 12, tzinfo=UTC)

    before = dg.evaluate_automation_conditions(definitions, instance, evaluation_time=noon)
    after = dg.evaluate_automation_conditions(
        definitions, instance, evaluation_time=noon + timedelta(hours=12), cursor=before.cursor
    )

    # between noon and midnight in London it becomes 6 in Tokyo
    assert after.get_num_requested(PLAIN) == due


@pytest.mark.sees("assets.retry.max_retries", "assets.retry.delay_seconds", "assets.retry.backoff")
@pytest.mark.parametrize(
    ("backoff", "waits"),
    [
        ("constant", [0.02, 0.02, 0.02]),
        ("linear", [0.02, 0.04, 0.06]),
        ("exponential", [0.02, 0.06, 0.14]),
    ],
)
def test_a_failing_step_is_retried_as_configured(
    written: Load, instance: dg.DagsterInstance, backoff: str, waits: list[float]
) -> None:
    text = f"max_retries: 3, delay_seconds: 0.02, backoff: {backoff}"

    assert waited(written(rule(f"match: failing, retry: {{{text}}}")), instance) == waits


@pytest.mark.sees("assets.retry.jitter")
def test_a_wait_with_jitter_is_drawn_below_the_delay(
    written: Load, instance: dg.DagsterInstance
) -> None:
    text = "max_retries: 6, delay_seconds: 0.02, jitter: true"

    waits = waited(written(rule(f"match: failing, retry: {{{text}}}")), instance)

    assert len(set(waits)) == 6
    assert all(0 <= wait < 0.02 for wait in waits)


def waited(location: Location, instance: dg.DagsterInstance) -> list[float]:
    """Seconds before each further attempt at the step that always fails."""
    definition = location.definitions.resolve_assets_def("failing")
    result = dg.materialize([definition], instance=instance, raise_on_error=False)
    return [
        round(event.step_retry_data.seconds_to_wait, 6)
        for event in result.all_events
        if event.is_step_up_for_retry
    ]


@pytest.mark.sees("assets.pool")
def test_a_step_waits_for_a_slot_of_its_pool(written: Load) -> None:
    definition = written(rule("match: plain, pool: scarce")).definitions.resolve_assets_def("plain")
    by_step = {"concurrency": {"pools": {"granularity": "op"}}}
    with dg.instance_for_test(overrides=by_step) as instance:
        slots, other_run = instance.event_log_storage, str(uuid4())
        slots.set_concurrency_slots("scarce", 1)
        assert slots.claim_concurrency_slot("scarce", other_run, "writes").is_claimed

        def free_when_waited_for() -> None:
            try:
                wait_until(
                    lambda: slots.get_concurrency_info("scarce").pending_step_count, seconds=90
                )
            finally:
                slots.free_concurrency_slots_for_run(other_run)

        freeing = threading.Thread(target=free_when_waited_for)
        freeing.start()

        result = dg.materialize([definition], instance=instance)

        freeing.join()
    blocked = [
        event.message for event in result.all_events if "blocked by" in (event.message or "")
    ]
    assert len(blocked) == 1
    assert "scarce" in blocked[0]


@pytest.mark.sees("assets.freshness.deadline.{key}")
@pytest.mark.parametrize(
    ("key", "value", "attribute", "expected"),
    [
        ("type", "deadline", "deadline_cron", "0 9 * * *"),
        ("cron", "'0 7 * * *'", "deadline_cron", "0 7 * * *"),
        ("timezone", "Europe/Berlin", "timezone", "Europe/Berlin"),
        ("within_minutes", "90", "lower_bound_delta", timedelta(minutes=90)),
    ],
)
def test_a_deadline_of_freshness_is_the_one_of_the_file(
    written: Load, key: str, value: str, attribute: str, expected: object
) -> None:
    entries = {"type": "deadline", "cron": "'0 9 * * *'", "within_minutes": "60", key: value}
    text = ", ".join(f"{name}: {entry}" for name, entry in entries.items())
    location = written(rule(f"match: plain, freshness: {{{text}}}"))

    policy = location.definitions.resolve_asset_graph().get(PLAIN).freshness_policy

    assert getattr(policy, attribute) == expected


@pytest.mark.sees("assets.freshness.none.type", "assets.freshness.none.reason")
def test_an_asset_without_a_freshness_policy_shows_why(written: Load) -> None:
    location = written(
        rule("match: plain, freshness: {type: window, fail_after_minutes: 5}")
        + "  - {match: plain, freshness: {type: none, reason: Made on request.}}\n"
    )

    node = location.definitions.resolve_asset_graph().get(PLAIN)

    assert node.freshness_policy is None
    assert node.metadata[NO_FRESHNESS_POLICY] == "Made on request."


@pytest.mark.sees("assets.backfill.partitions_per_run")
@pytest.mark.parametrize(("text", "most"), [("{}", None), ("{partitions_per_run: 3}", 3)])
def test_a_run_of_a_backfill_has_all_partitions_or_so_many(
    written: Load, text: str, most: int | None
) -> None:
    spans = "partitions: {numbers: {type: static, first: 1, last: 5}}\n"
    location = written(spans + rule(f"match: plain, partitions: numbers, backfill: {text}"))

    policy = location.definitions.resolve_asset_graph().get(PLAIN).backfill_policy

    assert policy.max_partitions_per_run == most
