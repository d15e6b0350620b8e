"""Escalates or repeats what nobody has acknowledged, to other people or to the same ones.

An incident's row holds when that is due. The step and the messages it creates are one transaction:
a process that is killed repeats nothing and loses nothing.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import sqlalchemy as sa

from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.messages.message import Incident
from orchestration_platform.alerts.messages.thread import (
    acknowledgement_entry,
    escalation_entry,
    reminder_entry,
)
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.messages import (
    DROPPED,
    HEAD,
    IS_CALL,
    REDIRECTED,
    add_message,
    destinations_of,
    is_call_waiting,
    newest_head,
)
from orchestration_platform.alerts.outbox.sharing import (
    due_by_others,
    in_force_of,
    let_escalate,
    replace_lost_escalations,
)
from orchestration_platform.alerts.outbox.stored_alerts import first_of, latest_of
from orchestration_platform.alerts.outbox.suppression.mutes import Mute, mute_of, mutes_in_force
from orchestration_platform.alerts.outbox.tables import (
    ADDRESSES,
    INCIDENTS,
    MESSAGES,
    destination_of,
)
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.policies.quiet_hours import hold_of, seconds_of
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.errors import (
    LookupForbiddenError,
    MessageGoneError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.registry import capabilities_of
from shared_lib.secrets import SecretError, redact

MOST_IN_A_PASS = 10
# Slack allows 50 such calls a minute, and a pass begins every ten seconds. What is due goes first.
MOST_CALLS_IN_A_PASS = 8


class SeesAcknowledgements(Protocol):
    """Knows who has acknowledged a message, such as ``Services``."""

    def acknowledged_by(
        self, destination: Destination, *, message_id: str, place: str
    ) -> tuple[str, ...] | None:
        """Return who has acknowledged it; None if nobody."""
        ...


@dataclass(frozen=True)
class Answer:
    """Who has acknowledged an incident, as far as the services could be asked.

    Attributes:
        people: who has acknowledged it; None if nobody.
        problem: why a service could not be asked; empty if all could.
        may_come: whether to ask again later.
    """

    people: tuple[str, ...] | None = None
    problem: str = ""
    may_come: bool = False


@dataclass
class Escalation:
    """Checks, during one pass, what may still be unacknowledged.

    Attributes:
        database: where the outbox is.
        services: notify people and report who has acknowledged a message.
        policies: the policies in force.
        alert_channel: the environment's channel, for services that name no other.
        problems: why a service could not be asked, for the tick.
        timing: how long to ask a service that does not answer.
        most: how many incidents to look at.
        asked_at: when each incident was last asked about, in seconds since 1970.
    """

    database: Database
    services: SeesAcknowledgements
    policies: Sequence[Policy]
    alert_channel: str
    problems: list[str] = field(default_factory=list)
    timing: Timing = TIMING
    most: int = MOST_IN_A_PASS
    asked_at: dict[int, float] = field(default_factory=dict)
    _silent: set[str] = field(default_factory=set)
    _calls: int = 0
    _until: float = field(init=False)

    def __post_init__(self) -> None:
        self._until = self.timing.clock.now() + self.timing.asking

    @property
    def has_time(self) -> bool:
        """Whether the pass may go on asking; messages wait meanwhile."""
        return self.timing.clock.now() < self._until

    @property
    def may_ask_more(self) -> bool:
        """Whether the pass has calls left for what is not due yet."""
        return self.has_time and self._calls < MOST_CALLS_IN_A_PASS

    def escalate_due(self) -> int:
        """Ask, and call the people the policies name; return how many incidents were escalated."""
        policies = {policy.name: policy for policy in self.policies if policy.can_escalate}
        if not policies:
            return 0
        with self.database.transaction() as connection:
            now = time.time()
            replace_lost_escalations(connection, policies, now=now)
            due = _due(connection, list(policies), now=now, most=self.most)
            mutes = mutes_in_force(connection, now=now) if due else []
        return sum(self._look_at(row, policies[row["policy"]], mutes) for row in due)

    def _look_at(self, row: Any, policy: Policy, mutes: Sequence[Mute]) -> bool:
        now = time.time()
        failure = first_of(row)
        mute = mute_of(mutes, [policy.name], latest_of(row))
        if mute:
            with self.database.transaction() as connection:
                self._put_off(connection, row, mute, mutes, now=now)
            return False
        hold = hold_of(policy.policy_options.quiet_hours, failure.severity, now=now)
        if hold:
            with self.database.transaction() as connection:
                _change(connection, row, {"escalates_at": hold.until})
            return False
        answer = self.answers(row["id"])
        if answer.problem and answer.problem not in self.problems:
            self.problems.append(answer.problem)
        if answer.may_come and now - row["escalates_at"] < self.timing.patience:
            return False
        with self.database.transaction() as connection:
            if answer.people is not None:
                record_acknowledgement(connection, row, answer.people, now=now)
                return False
            return self._escalate(connection, row, policy, answer.problem, now=now)

    def _put_off(
        self, connection: sa.Connection, row: Any, mute: Mute, mutes: Sequence[Mute], *, now: float
    ) -> None:
        """Let a policy that is not muted escalate the incident, or wait for the end of the mute."""
        policies = {policy.name: policy for policy in self.policies if policy.can_escalate}
        others = [
            policy
            for policy in in_force_of(connection, row, policies)
            if not mute_of(mutes, [policy.name], latest_of(row))
        ]
        if others:
            let_escalate(connection, row, due_by_others(row, others, now=now))
        else:
            _change(connection, row, {"escalates_at": mute.muted_until})

    def answers(self, incident_id: int) -> Answer:
        """Return who has acknowledged an incident, as far as the services can be asked."""
        self.asked_at[incident_id] = time.time()
        with self.database.transaction() as connection:
            messages = _acknowledgeable(connection, incident_id)
        problem, may_come = "", False
        for message in messages:
            destination = destination_of(message)
            if not capabilities_of(destination).can_acknowledge:
                continue
            if destination.service in self._silent:
                problem, may_come = f"{destination} does not answer", True
                continue
            if not self.has_time:
                # in the next pass
                may_come = True
                break
            self._calls += 1
            try:
                people = self.services.acknowledged_by(
                    destination, message_id=message["reference"], place=message["place"] or ""
                )
            except MessageGoneError:
                continue
            except LookupForbiddenError as error:
                problem = redact(f"cannot see who has acknowledged a message: {error}")
                continue
            except (ServiceUnavailableError, SecretError) as error:
                # its other addresses would take as long
                self._silent.add(destination.service)
                problem, may_come = redact(f"{destination}: {error}"), True
                continue
            except Exception as error:  # noqa: BLE001 - one message may not keep the others waiting
                problem = redact(f"{destination}: {type(error).__name__}: {error}")
                continue
            if people is not None:
                return Answer(people)
        return Answer(problem=problem, may_come=may_come)

    def _escalate(
        self, connection: sa.Connection, row: Any, policy: Policy, problem: str, *, now: float
    ) -> bool:
        options = policy.policy_options
        if options.escalation_service is None:
            return self._remind(connection, row, policy, now=now)
        again = options.escalate_again_after
        values = {
            "escalates_at": now + seconds_of(again) if again else None,
            "escalated_at": now,
            "escalations": row["escalations"] + 1,
            "version": INCIDENTS.c.version + 1,
        }
        if not _change(connection, row, values):
            return False
        destination = options.escalation_service.destination(self.alert_channel)
        if is_call_waiting(connection, row["id"], destination):
            return True
        if newest_head(connection, row["id"], destination) is None:
            add_message(connection, row["id"], destination, None, now=now)
            return True
        incident = Incident(
            first=first_of(row),
            latest=latest_of(row),
            occurrences=row["occurrences"],
            escalated_to=options.escalation_owners,
        )
        note = "acknowledgements could not be checked" if problem else ""
        entry = escalation_entry(incident, now=now, note=note)
        add_message(connection, row["id"], destination, entry, now=now)
        return True

    def _remind(self, connection: sa.Connection, row: Any, policy: Policy, *, now: float) -> bool:
        """Remind the people who already have the message."""
        after = policy.reminds_after
        values = {
            "escalates_at": None if after is None else now + after,
            "escalations": row["escalations"] + 1,
        }
        if after is None or not _change(connection, row, values):
            return False
        destination = destination_of(row)
        if is_call_waiting(connection, row["id"], destination):
            return True
        entry = reminder_entry(first_of(row), occurrences=row["occurrences"], now=now)
        add_message(connection, row["id"], destination, entry, now=now)
        return True


def _due(
    connection: sa.Connection, policies: Sequence[str], *, now: float, most: int
) -> Sequence[Any]:
    query = (
        sa.select(INCIDENTS)
        .where(
            INCIDENTS.c.escalates_at <= now,
            INCIDENTS.c.recovered_at.is_(None),
            INCIDENTS.c.policy.in_(policies),
        )
        .order_by(INCIDENTS.c.escalates_at, INCIDENTS.c.id)
        .limit(most)
    )
    return connection.execute(query).mappings().all()


def _acknowledgeable(connection: sa.Connection, incident_id: int) -> Sequence[Any]:
    """Return the messages of an incident, and for each place the last call, which all can see."""
    newest_calls = (
        sa.select(sa.func.max(MESSAGES.c.id))
        .where(MESSAGES.c.incident_id == incident_id, MESSAGES.c.reference.is_not(None), IS_CALL)
        .group_by(MESSAGES.c.service, MESSAGES.c.address)
    )
    query = (
        sa.select(MESSAGES.c.service, MESSAGES.c.address, MESSAGES.c.reference, ADDRESSES.c.place)
        .outerjoin(
            ADDRESSES,
            (ADDRESSES.c.service == MESSAGES.c.service)
            & (ADDRESSES.c.address == MESSAGES.c.address),
        )
        .where(
            MESSAGES.c.incident_id == incident_id,
            (MESSAGES.c.kind == HEAD) | MESSAGES.c.id.in_(newest_calls),
            MESSAGES.c.reference.is_not(None),
            # nobody reads them there any more
            MESSAGES.c.state.not_in((DROPPED, REDIRECTED)),
        )
        .order_by(MESSAGES.c.id)
    )
    return connection.execute(query).mappings().all()


def record_acknowledgement(
    connection: sa.Connection, row: Any, people: tuple[str, ...], *, now: float
) -> None:
    """End the escalation of the incident ``row``, show ``people`` and notify those called.

    Nothing changes if the incident is over, or was escalated since ``row`` was read.
    """
    values = {
        "escalates_at": None,
        "acknowledged_at": now,
        "acknowledged_by": ",".join(people),
        "version": INCIDENTS.c.version + 1,
    }
    if not _change(connection, row, values) or not row["escalations"] or not people:
        return
    for destination in destinations_of(connection, row["id"]):
        if destination != destination_of(row):
            entry = acknowledgement_entry(people)
            add_message(connection, row["id"], destination, entry, now=now)


def _change(connection: sa.Connection, row: Any, values: dict[str, Any]) -> bool:
    """Change the incident, unless it is over or another pass has handled it in the meantime."""
    changed = connection.execute(
        sa.update(INCIDENTS)
        .where(
            INCIDENTS.c.id == row["id"],
            INCIDENTS.c.escalates_at == row["escalates_at"],
            INCIDENTS.c.recovered_at.is_(None),
        )
        .values(changed_at=time.time(), **values)
    )
    return changed.rowcount == 1
