"""An e-mail to several people: each gets it once, even if others are refused or a process dies."""

import signal
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import (
    Watch,
    send_all,
)
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.dying import nursery
from tests.support.failing_jobs import fail, other_job

from orchestration_platform.alerts.delivery.recipients import REFUSED_FOR_NOW_SECONDS
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.state import listed_messages
from orchestration_platform.alerts.outbox.tables import ADDRESSES
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from sandboxes.slack.server import TOKEN, SlackServer
from sandboxes.smtp import Mailbox
from sandboxes.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.usefixtures("mail_server")

ADA, BO, CY = "ada@example.com", "bo@example.com", "cy@example.com"


def policies(*addresses: str) -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"email": {"email_addresses": addresses}},
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


def received(mailbox: Mailbox) -> Counter[str]:
    """How many e-mails each address has got."""
    return Counter(address for recipients in mailbox.recipients for address in recipients)


@on_both_databases
def test_a_daemon_that_is_killed_while_one_is_refused_for_now_mails_nobody_twice(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    mailbox: Mailbox,
) -> None:
    asked = policies(ADA, BO, CY)
    mailbox.not_yet = {BO: 1}
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        fail(instance)
        assert killed.run(point="after an address was refused", policies=asked) == -signal.SIGKILL
    send_all(watch, asked)
    assert received(mailbox) == {ADA: 1, BO: 1, CY: 1}


@on_both_databases
def test_a_daemon_that_is_killed_after_each_recipient_mails_nobody_twice(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    mailbox: Mailbox,
) -> None:
    asked = policies(ADA, BO, CY)
    mailbox.unknown = frozenset({BO})
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        fail(instance)
        deaths = 0
        until = time.monotonic() + PATIENCE_SECONDS
        while deaths < len([ADA, BO, CY]):
            code = killed.run(point="after a result was committed", policies=asked)
            deaths += code == -signal.SIGKILL
            assert time.monotonic() < until
    assert received(mailbox) == {ADA: 1, CY: 1}
    send_all(watch, asked)
    assert received(mailbox) == {ADA: 1, CY: 1}
    [row] = listed(instance)
    assert (row["state"], row["error"]) == ("delivered", f"refused: {BO}")


def test_a_recipient_that_is_refused_for_long_holds_up_nothing_once_others_have_the_message(
    instance: dg.DagsterInstance,
    watch: Watch,
    mailbox: Mailbox,
) -> None:
    asked = policies(ADA, BO)
    mailbox.not_yet = {BO: 99}
    fail(instance)
    assert watch(asked, seconds=0.5).outbox.waiting == 1
    make_older(instance, REFUSED_FOR_NOW_SECONDS)
    send_all(watch, asked)
    # and the next message does not wait for the mailbox at all
    fail(instance, other_job)
    assert watch(asked).outbox.waiting == 0
    assert received(mailbox) == {ADA: 2}
    assert {row["error"] for row in listed(instance)} == {f"refused: {BO}"}


def test_while_no_recipient_has_the_message_it_waits_for_all_of_them(
    instance: dg.DagsterInstance,
    watch: Watch,
    mailbox: Mailbox,
) -> None:
    asked = policies(ADA, BO)
    mailbox.not_yet = {ADA: 99, BO: 99}
    fail(instance)
    watch(asked, seconds=0.3)
    make_older(instance, REFUSED_FOR_NOW_SECONDS)
    assert watch(asked, seconds=0.3).outbox.waiting == 1
    mailbox.not_yet = {}
    send_all(watch, asked)
    assert received(mailbox) == {ADA: 1, BO: 1}


def test_a_message_that_everybody_refused_is_sent_again_with_the_next_failure(
    instance: dg.DagsterInstance,
    watch: Watch,
    mailbox: Mailbox,
) -> None:
    asked = policies(ADA, BO)
    mailbox.unknown = frozenset({ADA, BO})
    fail(instance)
    assert watch(asked).outbox.failed == 1
    mailbox.unknown = frozenset()
    fail(instance)
    watch(asked, between_entries=0.0)
    send_all(watch, asked)
    # the message, and that it has failed again
    assert received(mailbox) == {ADA: 2, BO: 2}


def make_older(instance: dg.DagsterInstance, seconds: float) -> None:
    """As if the address had begun to refuse e-mail so long before."""
    with Database(database_url(instance)).transaction() as connection:
        earlier = ADDRESSES.c.refused_since - seconds
        connection.execute(sa.update(ADDRESSES).values(refused_since=earlier, next_call_at=0.0))


def listed(instance: dg.DagsterInstance) -> list[Mapping[str, Any]]:
    """The messages that are not suppressed."""
    with Database(database_url(instance)).transaction() as connection:
        rows = listed_messages(connection, limit=9)
    return [row for row in rows if row["state"] != "suppressed"]
