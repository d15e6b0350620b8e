"""Sends messages from the outbox to the services."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Protocol

from orchestration_platform.alerts.delivery import queue, recipients, settle
from orchestration_platform.alerts.delivery.queue import Claim
from orchestration_platform.alerts.delivery.recipients import Delivery
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.wording import redacted
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.messages import WAITING
from orchestration_platform.alerts.policies.message_blocks import OwnBlock, with_own_blocks
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.policies.services import NotificationService
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.errors import (
    LookupForbiddenError,
    MessageGoneError,
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.service import (
    Notification,
    Receipt,
    Recipients,
    Service,
    ServiceWithRecipients,
)
from orchestration_platform.alerts.services.registry import capabilities_of
from shared_lib.secrets import SecretError, redact

# The clocks of a service and this machine may differ.
_CLOCK_SECONDS = 120.0
_SHORTEST_WAIT_SECONDS = 0.05
_WITHOUT_SECRET_SECONDS = 60.0


class _ClaimLostError(Exception):
    """Looking for the message took so long that another process has claimed it."""


class KnowsServices(Protocol):
    """Returns a service for a destination, such as ``Services``."""

    def at(self, destination: Destination) -> Service:
        """Return the service of ``destination``."""
        ...


@dataclass(frozen=True)
class Calls:
    """Whom an escalation calls: owners, and the service's ids for them."""

    owners: Sequence[str] = ()
    mentions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sender:
    """Sends what is due.

    Attributes:
        database: where the outbox is.
        services: the services that notify people.
        environment: named in the header.
        ui_url: where people open Dagster.
        descriptions: the description to add to the messages of a policy, by policy name.
        mentions: the service's ids of owners, by policy name.
        escalations: whom the escalation of a policy calls, and how, by policy name.
        runbooks: the address of the runbook, by policy name.
        blocks: what a policy adds to its messages, by policy name.
        timing: how long to wait for what.
    """

    database: Database
    services: KnowsServices
    environment: str
    ui_url: str
    descriptions: Mapping[str, str] = field(default_factory=dict)
    mentions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    escalations: Mapping[str, Calls] = field(default_factory=dict)
    runbooks: Mapping[str, str] = field(default_factory=dict)
    blocks: Mapping[str, Sequence[OwnBlock]] = field(default_factory=dict)
    timing: Timing = TIMING

    @classmethod
    def of(
        cls,
        policies: Sequence[Policy],
        *,
        database: Database,
        services: KnowsServices,
        environment: str,
        ui_url: str,
        users: Mapping[str, Mapping[str, str]] | None = None,
        timing: Timing = TIMING,
    ) -> "Sender":
        """Return a sender that knows what ``policies`` define about the look of messages.

        Args:
            policies: the policies in force.
            database: where the outbox is.
            services: the services that notify people.
            environment: named in the header.
            ui_url: where people open Dagster.
            users: by service, its ids of owners that a policy does not name itself.
            timing: how long to wait for what.
        """
        return cls(
            database,
            services,
            environment=environment,
            ui_url=ui_url,
            descriptions={
                policy.name: policy.description
                for policy in policies
                if policy.policy_options.include_description_in_notification
            },
            mentions={
                policy.name: _mentions(policy.notification_service, users) for policy in policies
            },
            escalations={
                policy.name: Calls(
                    policy.policy_options.escalation_owners, _mentions(service, users)
                )
                for policy in policies
                if (service := policy.policy_options.escalation_service)
            },
            runbooks={
                policy.name: url
                for policy in policies
                if (url := policy.policy_options.runbook_url)
            },
            blocks={policy.name: policy.policy_options.message_blocks for policy in policies},
            timing=timing,
        )

    def send_due(self, *, until: float) -> int:
        """Send what is due before ``until``, by the clock of ``timing``.

        Returns:
            the number of messages sent.
        """
        clock = self.timing.clock
        sent = 0
        while clock.now() < until:
            with self.database.transaction() as connection:
                now = time.time()
                claim = queue.claim_next(
                    connection, now=now, descriptions=self.descriptions, timing=self.timing
                )
                following = (
                    None if claim else queue.next_call_at(connection, now=now, timing=self.timing)
                )
            if claim is not None:
                sent += self.send(claim)
                continue
            wait = (
                None if following is None else max(following - time.time(), _SHORTEST_WAIT_SECONDS)
            )
            if wait is None or clock.now() + wait >= until:
                break
            clock.sleep(wait)
        return sent

    def send_of(self, incident_id: int) -> int:
        """Send what is new about one incident, as far as its destinations are free now.

        Its messages are updated without waiting until it has been quiet for a while: somebody has
        just acted on it.

        Returns:
            the number of messages sent.
        """
        at_once = replace(self.timing, quiet=0.0)
        sent = 0
        while True:
            with self.database.transaction() as connection:
                claim = queue.claim_next(
                    connection,
                    now=time.time(),
                    descriptions=self.descriptions,
                    incident_id=incident_id,
                    timing=at_once,
                )
            if claim is None:
                return sent
            sent += self.send(claim)

    def send(self, claim: Claim) -> bool:
        """Send one message and record the result; return whether the service has it."""
        try:
            receipt, version = self._sent(claim)
        except Exception as error:  # noqa: BLE001 - no message may hold up the others
            self._record(error, claim)
            return False
        with self.database.transaction() as connection:
            settle.record_delivery(
                connection,
                claim,
                reference=receipt.id,
                place=receipt.place,
                version=version,
                now=time.time(),
                note=_kept(receipt.note) or None,
            )
        return True

    def _record(self, error: Exception, claim: Claim) -> None:
        """Record what happens to a message that the service did not accept."""
        match error:
            case _ClaimLostError():
                # the process that has claimed it records the result
                pass
            case ServiceUnavailableError(retry_after=pause, is_unsure=is_unsure):
                self._pause(claim, str(error), retry_after=pause, is_unsure=is_unsure)
            case SecretError():
                self._pause(claim, str(error), retry_after=_WITHOUT_SECRET_SECONDS, is_unsure=False)
            case MessageGoneError():
                with self.database.transaction() as connection:
                    settle.record_disappearance(connection, claim)
            case MessageRefusedError():
                self._refuse(claim, str(error))
            case _:
                self._refuse(claim, f"{type(error).__name__}: {error}")

    def _pause(
        self, claim: Claim, reason: str, *, retry_after: float | None, is_unsure: bool
    ) -> None:
        with self.database.transaction() as connection:
            settle.record_pause(
                connection,
                claim,
                reason=_kept(reason),
                retry_after=retry_after,
                is_unsure=is_unsure,
                now=time.time(),
                longest_pause=self.timing.longest_pause,
            )

    def _refuse(self, claim: Claim, reason: str) -> None:
        with self.database.transaction() as connection:
            settle.record_refusal(connection, claim, reason=_kept(reason))

    def _sent(self, claim: Claim) -> tuple[Receipt, int]:
        service = self.services.at(claim.destination)
        notification = self._notification(claim)
        if claim.reference is not None:
            at = Receipt(claim.reference, claim.place or "")
            return service.update(notification, at=at), claim.version
        note = ""
        if claim.is_unsure:
            try:
                found = self._found(service, notification, claim)
            except LookupForbiddenError as error:
                # A duplicate is better than no message.
                found, note = None, f"may be there twice: {error}"
            if found is not None:
                # It may contain an earlier version, so it is updated later.
                return Receipt(found.id, found.place, "was there already"), 0
            if not note and _may_come_twice(claim.destination):
                note = "may be there twice: the service cannot be asked"
            with self.database.transaction() as connection:
                if not queue.renew(connection, claim, now=time.time()):
                    raise _ClaimLostError
        if isinstance(service, ServiceWithRecipients):
            receipt = self._posted_to_each(service, notification, claim)
        else:
            receipt = service.post(notification)
        return Receipt(receipt.id, receipt.place, note or receipt.note), claim.version

    def _posted_to_each(
        self, service: ServiceWithRecipients, notification: Notification, claim: Claim
    ) -> Receipt:
        deliveries = self._deliveries(service, notification, claim)
        # Those that were refused come last: the server may hang up on one of them.
        waiting = [one for one in deliveries if one.state == WAITING]
        due = [one.recipient for one in sorted(waiting, key=lambda one: bool(one.error))]
        everyone = [one.recipient for one in deliveries]
        is_unsure = False
        with closing(service.post_to_each(notification, recipients=everyone, due=due)) as results:
            for recipient, error in results:
                is_unsure |= getattr(error, "is_unsure", False)
                self._record_result(claim, recipient, error)
        with self.database.transaction() as connection:
            deliveries = recipients.give_up_waiting(connection, claim, now=time.time())
        return recipients.receipt_of(claim, deliveries, is_unsure=is_unsure)

    def _deliveries(
        self, service: ServiceWithRecipients, notification: Notification, claim: Claim
    ) -> Sequence[Delivery]:
        """Return the deliveries of a message; an entry goes to whom its head went."""
        with self.database.transaction() as connection:
            known = recipients.deliveries_of(connection, claim)
            of_head = recipients.recipients_of_head(connection, claim)
        if known:
            return known
        found = Recipients(of_head) if of_head else service.recipients(notification.message)
        with self.database.transaction() as connection:
            if not recipients.add_deliveries(connection, claim, found, now=time.time()):
                raise _ClaimLostError
            return recipients.deliveries_of(connection, claim)

    def _record_result(self, claim: Claim, recipient: str, error: Exception | None) -> None:
        reason = _kept(str(error)) if error else ""
        with self.database.transaction() as connection:
            if not recipients.record_result(
                connection, claim, recipient, error, reason=reason, now=time.time()
            ):
                raise _ClaimLostError

    def _found(self, service: Service, notification: Notification, claim: Claim) -> Receipt | None:
        if not capabilities_of(claim.destination).can_find:
            return None
        since = claim.first_attempt_at - _CLOCK_SECONDS
        return service.find(notification, since=since, place=claim.place or "")

    def _notification(self, claim: Claim) -> Notification:
        calls = self.escalations.get(claim.policy, Calls()) if claim.is_escalation else Calls()
        runbooks = (self.runbooks.get(name, "") for name in claim.incident.policies)
        runbook = next(filter(None, runbooks), "")
        incident = replace(claim.incident, escalated_to=calls.owners, runbook=runbook)
        message = with_own_blocks(
            head_message(incident, environment=self.environment, ui_url=self.ui_url),
            incident,
            {name: self.blocks.get(name, ()) for name in incident.policies},
            environment=self.environment,
        )
        thread = Receipt(claim.reply_to, claim.place or "") if claim.reply_to else None
        return Notification(
            key=claim.key,
            incident_key=claim.incident_key,
            message=message,
            # More secrets may have become known since it was stored.
            entry=redacted(claim.entry, ui_url=self.ui_url) if claim.entry else None,
            thread=thread,
            mentions=calls.mentions if claim.is_escalation else self._mentions_of(claim),
            is_plain=claim.is_plain,
        )

    def _mentions_of(self, claim: Claim) -> dict[str, str]:
        """Return the service's ids of owners in all policies of the message."""
        found = (self.mentions.get(name, {}) for name in claim.incident.policies)
        return {owner: identifier for each in found for owner, identifier in each.items()}


def _mentions(
    service: NotificationService, users: Mapping[str, Mapping[str, str]] | None
) -> dict[str, str]:
    """Return the ids to mention: those that the service has found, and those of the policy."""
    return {**(users or {}).get(service.name, {}), **service.owner_mentions}


def _kept(text: str) -> str:
    """Return the text as it can be stored: Postgres accepts no NUL in a service's answer."""
    return redact(text).replace("\0", "")


def _may_come_twice(destination: Destination) -> bool:
    capabilities = capabilities_of(destination)
    return not capabilities.can_find and not capabilities.is_idempotent
