"""PagerDuty by its Events API v2: an incident is triggered and resolved."""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pagerduty

from orchestration_platform.alerts.messages.formats.text import one_line
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import clean, cut
from orchestration_platform.alerts.services.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.http import TIMEOUT_SECONDS, address_from, judge
from orchestration_platform.alerts.services.service import Letter, Receipt, Service

# PagerDuty in the European Union has an address of its own.
API_VARIABLE = "PAGERDUTY_EVENTS_URL"
_PAGERDUTY = "https://events.pagerduty.com"
_REMEDY = "write a valid integration key to the secret that the policy names"
_LONGEST_SUMMARY = 1024
_LONGEST_DETAIL = 2000
_LONGEST_NAME = 255
_MOST_PROBLEMS = 5
_SOURCE = "dagster"


@dataclass(frozen=True)
class PagerDutyService(Service):
    """One integration.

    Attributes:
        integration_key: names the service of PagerDuty, and lets us write to it.
        timeout_seconds: for a connection, and for the answer.
    """

    integration_key: str
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, letter: Letter) -> Receipt:
        """Trigger the incident, or when it is over already resolve it."""
        message = letter.message
        if message.recovered_at is not None:
            return self._send("resolve", letter.incident_key)
        details = {} if letter.is_plain else {"custom_details": _details(message)}
        payload = {
            "summary": _short(message.summary, _LONGEST_SUMMARY),
            "source": _short(message.location, _LONGEST_NAME) or _SOURCE,
            "severity": message.severity.value,
            "timestamp": datetime.fromtimestamp(message.first_at, UTC).isoformat(),
            "component": _short(message.subject, _LONGEST_NAME),
            "group": _short(message.location, _LONGEST_NAME),
            "class": message.event_type,
            **details,
        }
        links = [{"href": link.url, "text": link.label} for link in message.links]
        return self._send(
            "trigger", letter.incident_key, payload=payload, links=links, client="Dagster"
        )

    def update(self, letter: Letter, *, at: Receipt) -> Receipt:
        """Resolve the incident when it is over; till then there is nothing to change."""
        return self._send("resolve", at.id) if letter.message.recovered_at is not None else at

    def _send(self, action: str, incident: str, **event: Any) -> Receipt:
        try:
            client = pagerduty.EventsApiV2Client(
                self.integration_key,
                base_url=address_from(API_VARIABLE, _PAGERDUTY),
                verify=ssl.create_default_context(),
            )
        except pagerduty.UrlError as error:
            raise ServiceUnavailableError(f"{API_VARIABLE}: {error}") from error
        # The outbox waits, and remembers it: without these two the client sleeps by itself.
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

    def __repr__(self) -> str:
        return "PagerDutyService()"


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


def _details(message: Message) -> dict[str, str]:
    facts = {fact.label: one_line(fact.value) for fact in message.facts}
    details = {_short(name, _LONGEST_NAME): said for name, said in facts.items()}
    for problem in message.problems[:_MOST_PROBLEMS]:
        # models of one dbt step have its name
        name, number = _short(problem.name, _LONGEST_NAME), 1
        while name in details:
            number += 1
            name = f"{_short(problem.name, _LONGEST_NAME)} ({number})"
        details[name] = problem.said
    return {name: _short(said, _LONGEST_DETAIL) for name, said in details.items()}


def _short(text: str, limit: int) -> str:
    return cut(clean(text), limit)
