"""Who acts by hand, and the record of it."""

import getpass
from dataclasses import dataclass
from typing import Self

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.tables import ACTIONS

_LONGEST_NAME = 100


@dataclass(frozen=True)
class Hand:
    """A person who acts, and why.

    Attributes:
        person: the name.
        reason: why; empty if no reason was entered.
    """

    person: str
    reason: str

    @classmethod
    def of(cls, person: str | None, reason: str | None) -> Self:
        """Return the person with that name, by default the login name of the operating system.

        Raises:
            ValueError: this is not a name that can be stored.
        """
        name = (getpass.getuser() if person is None else person).strip()
        # a comma separates the people who have acknowledged an incident
        if not name or "," in name or len(name) > _LONGEST_NAME or not name.isprintable():
            raise ValueError(
                f"--by {name!r} is not a name: enter up to {_LONGEST_NAME} characters on one line,"
                " without a comma"
            )
        # Postgres stores no NUL
        return cls(name, (reason or "").replace("\0", "").strip())

    def __str__(self) -> str:
        """Return both for a message, such as ``ada: the file is late``."""
        return f"{self.person}: {self.reason}" if self.reason else self.person


def record_action(
    connection: sa.Connection,
    hand: Hand,
    action: str,
    target: str,
    *,
    now: float,
    incident_id: int | None = None,
) -> None:
    """Record an action in the transaction that carries it out."""
    connection.execute(
        sa.insert(ACTIONS).values(
            at=now,
            person=hand.person,
            action=action,
            target=target,
            incident_id=incident_id,
            reason=hand.reason,
        )
    )
