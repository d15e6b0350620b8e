"""An incident that is reported suppresses the messages about its consequences."""

import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.control.test_control_of_incidents import asked
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.dying import (
    INHIBITING_POINTS,
    NO_OVERLAP,
    nursery,
)
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.control import muting
from orchestration_platform.alerts.control.person import Hand
from orchestration_platform.alerts.facts.alert import UNKNOWN_LOCATION, Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.outbox import recoveries
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.deduplication import record_failure
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.workspace.webserver import Workspace
from sandboxes.slack.server import TOKEN, SlackServer

LOCATION = EventType.CODE_LOCATION_ERROR
RUN = EventType.JOB_FAILURE
ASSET = EventType.ASSET_MATERIALIZATION_FAILURE
CHECK = EventType.ASSET_CHECK_SEVERITY_ERROR
WHY = ("--reason", "we know", "--by", "ada")

Record = Callable[..., str]


def policies_for(*kinds: EventType, channels: dict[EventType, str] | None = None) -> list[Policy]:
    """One policy for each of ``kinds``, named as it."""
    documents = [
        {
            "name": kind.value,
            "enabled": True,
            "event_types": [kind.value],
            "notification_service": {
                "slack": {"slack_channel_name": (channels or {}).get(kind, "#all")}
            },
            "policy_options": {"escalate_after": "30min", "escalation_service": {"log": {}}},
        }
        for kind in kinds
    ]
    return AlertPolicies.model_validate({"alert_policies": documents}).in_force


def alert(kind: EventType, subject: str = "nightly", **changes: Any) -> Alert:
    """By default of a run that was never launched."""
    about = {"event_type": kind.value, "severity": kind.severity, "subject": subject}
    unlaunched = {"run_id": "", "step": "", "duration_seconds": None}
    return failure(**{**about, "at": time.time(), **unlaunched, **changes})


class Outbox:
    """What has happened, as the sources record it."""

    def __init__(self, instance: dg.DagsterInstance, *policies: Policy) -> None:
        self.database = Database(database_url(instance))
        self.policies = {kind: one for one in policies for kind in one.event_types}

    def happens(self, what: Alert, key: str = "") -> None:
        policy = self.policies[EventType(what.event_type)]
        with self.database.transaction() as connection:
            record_failure(
                connection,
                policy,
                what,
                key=key or what.run_id or f"{what.event_type} {what.subject} {what.at}",
                destination=policy.notification_service.destination("#all"),
                ui_url="",
                will_be_retried=False,
                now=time.time(),
            )

    def recovers(self, kind: EventType, subject: str) -> None:
        over = Recovery.of_subject(subject, (kind,), at=time.time())
        policies = {one.name: one for one in self.policies.values()}
        with self.database.transaction() as connection:
            recoveries.record_recoveries(connection, [over], policies=policies, now=time.time())


@pytest.fixture
def policies() -> list[Policy]:
    return policies_for(LOCATION, RUN, ASSET, CHECK)


@pytest.fixture
def outbox(instance: dg.DagsterInstance, policies: list[Policy]) -> Outbox:
    return Outbox(instance, *policies)


def subjects(slack: SlackServer) -> list[str]:
    return [head.shown.split("`")[1] for head in slack.heads]


@on_both_databases
@pytest.mark.parametrize("first", ["the location", "the job"])
def test_a_location_that_does_not_load_silences_its_jobs_until_it_does(
    first: str,
    outbox: Outbox,
    policies: list[Policy],
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    location = alert(LOCATION, "shop", location="shop")
    job = alert(RUN, run_id="run-1")
    for one in (location, job) if first == "the location" else (job, location):
        outbox.happens(one)
    outbox.happens(alert(RUN, "payroll", location="bank", run_id="run-2"))
    watch(policies)
    outbox.happens(alert(RUN, run_id="run-3"))
    assert watch(policies, between_entries=0.0).outbox.waiting == 0
    assert sorted(subjects(slack)) == ["payroll", "shop"]

    listed = {one["subject"]: one for one in asked(capsys, "incidents")}
    cause, number = listed["shop"]["number"], listed["nightly"]["number"]
    shown = asked(capsys, "show", str(cause))
    assert [(one["incident"], one["key"], one["state"]) for one in shown["suppresses"]] == [
        (number, "run-1", "suppressed"),
        (number, "run-3", "suppressed"),
    ]
    shown = asked(capsys, "show", str(number))
    assert shown["suppressed_by"] == cause
    assert shown["escalates_at"] is None
    for message in shown["messages"]:
        assert message["state"] == "suppressed"
        assert message["error"] == (
            f"suppressed by incident {cause}: code location shop does not load"
        )

    outbox.recovers(LOCATION, "shop")
    watch(policies)
    [late] = [head for head in slack.heads if "`nightly`" in head.shown]
    assert "2 times" in late.shown
    assert len(slack.thread(late)) == 1, "the stack trace"
    watch(policies)
    assert len(slack.heads) == 3
    shown = asked(capsys, "show", str(number))
    assert shown["suppressed_by"] is None
    assert shown["escalates_at"]
    suppressed = asked(capsys, "show", str(cause))["suppresses"]
    assert {one["state"] for one in suppressed} == {"reported late"}


def test_a_run_that_had_started_is_reported_whether_or_not_its_location_loads(
    outbox: Outbox, policies: list[Policy], slack: SlackServer, watch: Watch
) -> None:
    outbox.happens(alert(LOCATION, "shop", location="shop"))
    outbox.happens(alert(RUN, "payroll", run_id="run-1", step="load", duration_seconds=9.0))
    outbox.happens(alert(CHECK, "orders: has_rows", run_id="run-2"), key="of run-2")
    outbox.happens(alert(RUN, "nightly", run_id="run-3"))
    watch(policies)
    assert sorted(subjects(slack)) == ["orders: has_rows", "payroll", "shop"]


def test_a_sensor_that_lacked_its_code_and_then_fails_by_itself_is_reported(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    policies = policies_for(LOCATION, EventType.TICK_FAILURE)
    outbox = Outbox(instance, *policies)
    outbox.happens(alert(LOCATION, "shop", location="shop"))
    outbox.happens(
        alert(EventType.TICK_FAILURE, "poll", error_class="DagsterCodeLocationLoadError")
    )
    watch(policies)
    assert subjects(slack) == ["shop"]
    outbox.happens(alert(EventType.TICK_FAILURE, "poll", error_class="KeyError"))
    watch(policies)
    assert subjects(slack) == ["shop", "poll"]


@on_both_databases
def test_what_recovers_with_its_cause_is_never_reported(
    outbox: Outbox, policies: list[Policy], slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    outbox.happens(alert(LOCATION, "shop", location="shop"))
    outbox.happens(alert(RUN, run_id="run-1"))
    watch(policies)
    outbox.recovers(RUN, "nightly")
    outbox.recovers(LOCATION, "shop")
    watch(policies)
    assert subjects(slack) == ["shop"]
    [cause] = [one for one in asked(capsys, "incidents", "--all") if one["subject"] == "shop"]
    [one] = asked(capsys, "show", str(cause["number"]))["suppresses"]
    assert (one["subject"], one["state"]) == ("nightly", "suppressed")


def test_a_failed_run_silences_its_own_assets_and_checks_and_no_others(
    outbox: Outbox, policies: list[Policy], slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    for kind, subject in ((ASSET, "orders"), (CHECK, "orders: has_rows")):
        outbox.happens(alert(kind, subject, run_id="run-1"), key=f"{subject} of run-1")
    outbox.happens(alert(RUN, run_id="run-1"))
    outbox.happens(alert(ASSET, "customers", run_id="run-2"), key="customers of run-2")
    watch(policies)
    assert sorted(subjects(slack)) == ["customers", "nightly"]
    [cause] = [one for one in asked(capsys, "incidents") if one["subject"] == "nightly"]
    number = str(cause["number"])
    suppressed = asked(capsys, "show", number)["suppresses"]
    assert {one["subject"] for one in suppressed} == {"orders", "orders: has_rows"}

    # somebody ends the cause, and the assets are still not made
    asked(capsys, "resolve", number, *WHY)
    watch(policies)
    assert sorted(subjects(slack)) == ["customers", "nightly", "orders", "orders: has_rows"]


def test_what_fails_again_in_another_run_is_reported(
    outbox: Outbox, policies: list[Policy], slack: SlackServer, watch: Watch
) -> None:
    """The run that failed explains its own checks, not those of a run that has succeeded."""
    outbox.happens(alert(RUN, run_id="run-1"))
    outbox.happens(alert(CHECK, "orders: has_rows", run_id="run-1"), key="of run-1")
    watch(policies)
    assert subjects(slack) == ["nightly"]

    outbox.happens(alert(CHECK, "orders: has_rows", run_id="run-2"), key="of run-2")
    watch(policies)
    assert sorted(subjects(slack)) == ["nightly", "orders: has_rows"]


def test_a_consequence_is_reported_where_its_cause_is_not(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    policies = policies_for(RUN, ASSET, channels={ASSET: "#finance"})
    outbox = Outbox(instance, *policies)
    outbox.happens(alert(RUN, run_id="run-1"))
    outbox.happens(alert(ASSET, "orders", run_id="run-1"), key="orders of run-1")
    watch(policies)
    assert sorted(subjects(slack)) == ["nightly", "orders"]


def test_a_consequence_is_reported_if_the_message_of_its_cause_is_not_sent(
    outbox: Outbox, policies: list[Policy], slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    outbox.happens(alert(LOCATION, "shop", location="shop"))
    outbox.happens(alert(RUN, run_id="run-1"))
    slack.faults.append("invalid_auth")
    watch(policies, seconds=0.01)
    asked(capsys, "drop", "slack:#all", *WHY)
    watch(policies)
    assert subjects(slack) == ["nightly"]


def test_repeats_of_what_was_reported_before_are_silenced(
    outbox: Outbox, policies: list[Policy], slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    outbox.happens(alert(RUN, run_id="run-1"))
    watch(policies)
    [head] = slack.heads
    with outbox.database.transaction() as connection:
        connection.execute(sa.update(INCIDENTS).values(last_entry_at=0.0))
    outbox.happens(alert(LOCATION, "shop", location="shop"))
    outbox.happens(alert(RUN, run_id="run-2"))
    watch(policies)
    assert len(slack.thread(head)) == 1, "the stack trace"
    [cause] = [one for one in asked(capsys, "incidents") if one["subject"] == "shop"]
    [one] = asked(capsys, "show", str(cause["number"]))["suppresses"]
    assert one["key"] == "run-2"
    outbox.recovers(LOCATION, "shop")
    watch(policies)
    outbox.happens(alert(RUN, run_id="run-3"))
    watch(policies)
    assert len(slack.thread(head)) == 2


def test_an_outage_silences_the_check_that_reports_it_at_the_same_destination(
    outbox: Outbox, policies: list[Policy], slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    delivered = "platform_health: alerts_delivered"
    slack.faults.extend(["account_inactive"] * 2)
    outbox.happens(alert(RUN, run_id="run-1"))
    watch(policies, seconds=0.01)
    outbox.happens(alert(CHECK, delivered))
    watch(policies, seconds=0.01)
    [outage] = [
        one for one in asked(capsys, "incidents") if one["event_type"] == "DESTINATION_OUTAGE"
    ]
    assert outage["subject"] == "slack:#all"
    [one] = asked(capsys, "show", str(outage["number"]))["suppresses"]
    assert (one["subject"], one["state"]) == (delivered, "suppressed")

    watch(policies)
    watch(policies)
    assert subjects(slack) == ["nightly"]
    numbers = [one["number"] for one in asked(capsys, "incidents")]
    assert outage["number"] not in numbers, "it accepts messages again"

    # only what the check finds after the outage counts
    outbox.happens(alert(CHECK, delivered))
    watch(policies)
    assert subjects(slack) == ["nightly", delivered]


@on_both_databases
def test_what_a_mute_covers_when_its_cause_is_over_waits_for_the_end_of_the_mute(
    outbox: Outbox, policies: list[Policy], slack: SlackServer, watch: Watch
) -> None:
    outbox.happens(alert(LOCATION, "shop", location="shop"))
    outbox.happens(alert(RUN, run_id="run-1"))
    watch(policies)
    subject = {"policy": RUN.value, "location": "", "job": "", "asset": ""}
    ada, now = Hand("ada", "we migrate"), time.time()
    with outbox.database.transaction() as connection:
        done = muting.mute(connection, subject, ada, until=now + 7200, now=now)
    outbox.recovers(LOCATION, "shop")
    watch(policies)
    assert subjects(slack) == ["shop"]
    with outbox.database.transaction() as connection:
        muting.unmute(connection, done.id, ada, now=time.time())
    watch(policies)
    assert subjects(slack) == ["shop", "nightly"]


@on_both_databases
def test_nothing_is_lost_or_doubled_whenever_a_process_was_killed(
    instance: dg.DagsterInstance,
    outbox: Outbox,
    policies: list[Policy],
    slack: SlackServer,
    watch: Watch,
) -> None:
    watch = partial(watch, policies, **NO_OVERLAP)
    names = ("alpha", "bravo", "cedar", "delta", "eagle", "frost")
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        for name, point in zip(names, INHIBITING_POINTS, strict=False):
            outbox.happens(alert(LOCATION, name, location=name))
            outbox.happens(alert(RUN, f"{name} job", location=name, run_id=name))
            assert killed.run(point=point, policies=policies) == -signal.SIGKILL, point
            watch()
            assert f"{name} job" not in subjects(slack)
            outbox.recovers(LOCATION, name)
            assert killed.run(point=point, policies=policies) == -signal.SIGKILL, point
    watch()
    watch()
    used = names[: len(INHIBITING_POINTS)]
    assert sorted(subjects(slack)) == sorted([*used, *(f"{name} job" for name in used)])


def test_the_whole_path_of_a_failed_run_in_a_location_that_does_not_load(
    instance: dg.DagsterInstance,
    policies: list[Policy],
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch(policies)

    @dg.asset
    def orders() -> None: ...

    @dg.asset
    def customers() -> None:
        raise ValueError("no customers")

    job = dg.Definitions(assets=[orders]).resolve_implicit_global_asset_job_def()
    # as the queue does for a run that it cannot launch
    instance.report_run_failed(instance.create_run_for_job(job), "the code server does not answer")
    dg.materialize([customers], instance=instance, raise_on_error=False)
    # such runs have no code location; this is the one that they are reported with
    broken: dict[str, Problem | None] = {
        UNKNOWN_LOCATION: Problem("", "ImportError", "no module named tills", "", "")
    }
    monkeypatch.setattr(Workspace, "locations", lambda _self: dict(broken))
    watch(policies)
    assert sorted(subjects(slack)) == [UNKNOWN_LOCATION, "customers"]
    broken[UNKNOWN_LOCATION] = None
    watch(policies)
    # the failed run explains its asset
    assert sorted(subjects(slack)) == [UNKNOWN_LOCATION, "customers", "orders"]
    assert "Run Failure" in slack.heads[-1].shown
