"""Listens to the buttons below messages, and applies what people press."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from orchestration_platform.alerts.control import buttons
from orchestration_platform.alerts.control.person import Hand
from orchestration_platform.alerts.delivery.sender import Sender
from orchestration_platform.alerts.delivery.users import known_users
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.services.slack.configuration import APP_TOKEN, SECRET
from orchestration_platform.alerts.services.slack.socket_mode import SlackPress, connected
from shared_lib.configuration.environment import EnvironmentSettings
from shared_lib.secrets import SecretError

REASON = "with the button in Slack"
# A connection that breaks is replaced within seconds.
LONGEST_DISCONNECTED_SECONDS = 60.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Listener:
    """Applies what people press.

    Attributes:
        database: where the outbox is.
        services: the services that notify people.
        policies: returns the policies, as they are when somebody presses a button.
        settings: the settings of the environment.
        logger: for what could not be done.
        timing: how long to wait for what.
    """

    database: Database
    services: Services
    policies: Callable[[], AlertPolicies]
    settings: EnvironmentSettings
    logger: logging.Logger
    timing: Timing = TIMING

    def listen(self, *, goes_on: Callable[[], bool] = lambda: True) -> None:
        """Listen while ``goes_on`` returns true.

        Raises:
            LookupError: the secret has no token of the app.
            SecretError: the secret could not be read.
            ServiceUnavailableError: Slack does not open a connection, or has accepted none for a
                minute.
        """
        secret = self.services.secrets.get(SECRET)
        if APP_TOKEN not in secret:
            raise LookupError(
                f"the secret {SECRET} has no {APP_TOKEN}: create an app-level token with the scope"
                " connections:write and write it there"
            )
        client = connected(
            self.services.slack, secret[APP_TOKEN].reveal(), self.take, logger=self.logger
        )
        clock, seen_at = self.timing.clock, self.timing.clock.now()
        try:
            while goes_on():
                clock.sleep(_LOOK_SECONDS)
                if client.is_connected():
                    seen_at = clock.now()
                elif clock.now() - seen_at > LONGEST_DISCONNECTED_SECONDS:
                    raise ServiceUnavailableError("Slack has accepted no connection for a minute")
        finally:
            client.close()

    def take(self, press: SlackPress) -> Callable[[], None]:
        """Apply a press in one transaction; return what is to be done once Slack knows that.

        A press that is delivered again, because a process has died or the answer was lost, is
        applied once.
        """
        policies = self.policies()
        by_name = {policy.name: policy for policy in policies.in_force}
        done = buttons.Press(press.envelope_id, press.button, press.key, _hand_of(press))
        with self.database.transaction() as connection:
            outcome = buttons.apply(connection, done, policies=by_name, now=time.time())
        if outcome is None:
            return lambda: None
        return partial(self._show, press, outcome, policies)

    def _show(self, press: SlackPress, outcome: buttons.Outcome, policies: AlertPolicies) -> None:
        """Answer the person, and update the messages of the incident for everybody."""
        try:
            token = self.services.secrets.get(SECRET)["token"].reveal()
            self.services.slack.answer(
                token, channel_id=press.channel_id, user_id=press.user_id, text=outcome.text
            )
        except (SecretError, ServiceUnavailableError, MessageRefusedError) as error:
            self.logger.warning("%s: %s has no answer: %s", outcome.text, press.user_id, error)
        if outcome.incident is None:
            return
        sender = Sender.of(
            policies.in_force,
            database=self.database,
            services=self.services,
            environment=self.settings.environment.value,
            ui_url=self.settings.ui_url,
            users=known_users(self.database),
            timing=self.timing,
        )
        sender.send_of(outcome.incident)


def _hand_of(press: SlackPress) -> Hand:
    """Return who has pressed the button: the name in Slack, or the id if that is not a name."""
    try:
        return Hand.of(press.user_name, REASON)
    except ValueError:
        return Hand.of(press.user_id, REASON)
