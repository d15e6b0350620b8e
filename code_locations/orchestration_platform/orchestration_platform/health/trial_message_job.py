"""A job that sends a test message of an alert policy, where the secrets of its service are."""

import time

import dagster as dg

from orchestration_platform.alerts.control.person import Hand, record_action
from orchestration_platform.alerts.control.trial_message import policy_named, send_test
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.policies.policy import load_file
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.configuration.environment import current_settings
from shared_lib.secrets import SecretsResource

# The tag by which the webserver names who launches a run, whatever the request says.
_PERSON_TAG = "user"


class TrialMessage(dg.Config):
    """Which policy is tested, and why."""

    policy: str
    reason: str


@dg.op(out=dg.Out(dg.Nothing))
def send_test_message(
    context: dg.OpExecutionContext,
    config: TrialMessage,
    secrets: SecretsResource,
    slack: SlackWebApi,
) -> None:
    """Send a message that is marked as a test to the destination of the policy.

    Raises:
        Failure: it was not delivered, or not to everybody.
    """
    hand = Hand.of(context.run.tags.get(_PERSON_TAG), config.reason)
    policy = policy_named(config.policy, load_file().alert_policies)
    with Database(database_url(context.instance)).transaction() as connection:
        record_action(connection, hand, "test", policy.name, now=time.time())
    result = send_test(
        policy, Services(secrets, slack), current_settings(), hand=hand, now=time.time()
    )
    if not result.is_delivered or result.problem:
        raise dg.Failure(f"not delivered to {result.destination}: {result.problem}")
    note = f" ({result.note})" if result.note else ""
    context.log.info(f"delivered to {result.destination}, message {result.reference}{note}")


@dg.job
def alert_test_job() -> None:
    """Sends a test message of an alert policy: the board launches it."""
    send_test_message()
