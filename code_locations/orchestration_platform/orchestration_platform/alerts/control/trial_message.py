"""A test message of a policy: through its real service to its real destination, no incident."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace

from orchestration_platform.alerts.control.person import Hand
from orchestration_platform.alerts.facts.alert import Alert, Severity
from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.message import Incident, Message
from orchestration_platform.alerts.policies.message_blocks import with_own_blocks
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.log.service import LogService
from orchestration_platform.alerts.services.protocol.configuration import Updates
from orchestration_platform.alerts.services.protocol.errors import (
    MessageGoneError,
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.service import (
    Notification,
    Receipt,
    Service,
    ServiceWithRecipients,
)
from orchestration_platform.alerts.services.registry import Services, capabilities_of
from shared_lib.configuration.environment import EnvironmentSettings
from shared_lib.discovery.modules import did_you_mean
from shared_lib.secrets import SecretError, redact

# The errors by which a service does not accept a message.
_REFUSALS = (ServiceUnavailableError, MessageRefusedError, MessageGoneError, SecretError)


@dataclass(frozen=True)
class Result:
    """The result of the test message.

    Attributes:
        destination: where it was to go.
        is_delivered: whether the service has it.
        reference: the service's id of the message.
        place: the service's id of the channel; empty without one.
        note: what people should know about the delivery.
        problem: why it was not delivered, or not to everybody.
    """

    destination: str
    is_delivered: bool = False
    reference: str = ""
    place: str = ""
    note: str = ""
    problem: str = ""


def policy_named(name: str, policies: Sequence[Policy]) -> Policy:
    """Return the policy of that name, whether it is enabled or not.

    Raises:
        LookupError: no policy has this name; the text lists similar ones.
    """
    names = [policy.name for policy in policies]
    if name not in names:
        raise LookupError(f"there is no policy {name}{did_you_mean(name, names)}")
    return policies[names.index(name)]


def send_test(
    policy: Policy, services: Services, settings: EnvironmentSettings, *, hand: Hand, now: float
) -> Result:
    """Send a message that is marked as a test; return the result.

    Where the service opens an incident of its own, such as PagerDuty, it is resolved at once.

    Args:
        policy: whose service and destination are tested.
        services: the services that notify people.
        settings: the settings of the environment.
        hand: who sends it, and why.
        now: seconds since 1970.
    """
    destination = policy.notification_service.destination(settings.alert_channel)
    key = uuid.uuid4().hex
    message = _message(policy, settings, hand=hand, now=now)
    notification = Notification(key=key, incident_key=key, message=message)
    try:
        service = services.at(destination)
        receipt, problem = _posted(service, notification)
    except _REFUSALS as error:
        return Result(str(destination), problem=redact(str(error)))
    if isinstance(service, LogService) and service.note:
        return Result(str(destination), problem=f"{redact(service.note)} (written to the log)")
    if capabilities_of(destination).updates is Updates.RECOVERY:
        over = replace(message, recovered_at=now)
        try:
            service.update(replace(notification, message=over), at=receipt)
        except _REFUSALS as error:
            problem = f"it could not be resolved, do that there: {redact(str(error))}"
    return Result(
        str(destination),
        is_delivered=True,
        reference=receipt.id,
        place=receipt.place,
        note=redact(receipt.note),
        problem=redact(problem),
    )


def _posted(service: Service, notification: Notification) -> tuple[Receipt, str]:
    """Return the receipt, and which of several recipients do not have the message, and why."""
    if not isinstance(service, ServiceWithRecipients):
        return service.post(notification), ""
    found = service.recipients(notification.message)
    everyone = list(found.addresses)
    results = list(service.post_to_each(notification, recipients=everyone, due=everyone))
    problems = [f"{recipient}: {error}" for recipient, error in results if error]
    if len(problems) == len(results):
        raise ServiceUnavailableError("; ".join(problems))
    having = ", ".join(recipient for recipient, error in results if not error)
    return Receipt(notification.key, note=having), "; ".join(problems)


def _message(policy: Policy, settings: EnvironmentSettings, *, hand: Hand, now: float) -> Message:
    alert = Alert(
        event_type="TEST",
        severity=Severity.INFO,
        kind="Policy",
        subject=policy.name,
        at=now,
        location="orchestration_platform",
        facts=(("Sent by", str(hand)),),
    )
    incident = Incident(
        first=alert,
        latest=alert,
        occurrences=1,
        description="This is a test message. Nothing has happened, and nothing has to be done.",
        runbook=policy.policy_options.runbook_url or "",
    )
    environment = settings.environment.value
    made = with_own_blocks(
        head_message(incident, environment=environment, ui_url=settings.ui_url),
        incident,
        {policy.name: policy.policy_options.message_blocks},
        environment=environment,
    )
    return replace(
        made, title=f"TEST: {made.title}", summary=f"TEST, nothing has happened: {made.summary}"
    )
