"""PagerDuty by its Events API v2: an incident is triggered and resolved."""

import ssl
from dataclasses import dataclass, field
from typing import Any

import pagerduty

from orchestration_platform.alerts.services.pagerduty.layout import trigger
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.http import (
    TIMEOUT_SECONDS,
    address_from,
    judge,
)
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service

# PagerDuty in the European Union has an address of its own.
API_VARIABLE = "PAGERDUTY_EVENTS_URL"
_PAGERDUTY = "https://events.pagerduty.com"
_REMEDY = "write a valid integration key to the secret that the policy names"


@dataclass(frozen=True)
class PagerDutyService(Service):
    """One integration.

    Attributes:
        integration_key: identifies the PagerDuty service and allows us to write to it.
        timeout_seconds: for a connection, and for the answer.
    """

    integration_key: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, notification: Notification) -> Receipt:
        """Trigger the incident, or resolve it if it is already over."""
        message = notification.message
        if message.recovered_at is not None:
            return self._send("resolve", notification.incident_key)
        event = trigger(message, with_details=not notification.is_plain)
        return self._send("trigger", notification.incident_key, **event)

    def update(self, notification: Notification, *, at: Receipt) -> Receipt:
        """Resolve the incident when it is over; until then there is nothing to change."""
        return self._send("resolve", at.id) if notification.message.recovered_at is not None else at

    def _send(self, action: str, incident: str, **event: Any) -> Receipt:
        try:
            client = pagerduty.EventsApiV2Client(
                self.integration_key,
                base_url=address_from(API_VARIABLE, _PAGERDUTY),
                verify=ssl.create_default_context(),
            )
        except pagerduty.UrlError as error:
            raise ServiceUnavailableError(f"{API_VARIABLE}: {error}") from error
        # The outbox waits, and remembers it: without these two, the client sleeps automatically.
        client.max_network_attempts = 0
        client.max_http_attempts = -1
        client.retry = dict.fromkeys((429, 500, 502, 503, 504), 1)
        client.timeout = self.timeout_seconds
        with client:
            try:
                client.send_event(action, dedup_key=incident, **event)
            except pagerduty.Error as error:
                raise _judged(error) from error
        return Receipt(incident)


def _judged(error: pagerduty.Error) -> Exception:
    answer = error.response
    if answer is None:
        cause = type(error.__cause__ or error).__name__
        return ServiceUnavailableError(f"PagerDuty did not answer: {cause}", is_unsure=True)
    retry_after = answer.headers.get("Retry-After")
    try:
        judge("PagerDuty", answer.status_code, retry_after=retry_after, remedy=_REMEDY)
    except (ServiceUnavailableError, MessageRefusedError) as judged:
        return judged
    return ServiceUnavailableError("what answers is not PagerDuty", is_unsure=True)
