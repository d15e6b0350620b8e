"""The sessions of people who have logged in; logging out ends one everywhere at once."""

import hashlib
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from orchestration_platform.web.database import SESSIONS, WebDatabase


@dataclass(frozen=True)
class Session:
    """Who has logged in, as the provider says it.

    Attributes:
        person: the name.
        groups: the person's groups; roles are looked up for each request.
    """

    person: str
    groups: Sequence[str]


class Sessions:
    """Sessions by a random key that only the person's browser has."""

    def __init__(
        self, database: WebDatabase, *, hours: float, now: Callable[[], float] = time.time
    ) -> None:
        """Keep sessions in ``database`` for ``hours``."""
        self._database = database
        self._seconds = hours * 3600
        self._now = now

    def open(self, session: Session) -> str:
        """Store a session and return its key."""
        key = secrets.token_urlsafe(32)
        now = self._now()
        with self._database.transaction() as connection:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.ends_at <= now))
            connection.execute(
                sa.insert(SESSIONS).values(
                    id=_digest(key),
                    person=session.person,
                    groups=list(session.groups),
                    ends_at=now + self._seconds,
                )
            )
        return key

    def find(self, key: str) -> Session | None:
        """Return the session of ``key``; None if it is unknown or has ended."""
        query = sa.select(SESSIONS.c.person, SESSIONS.c.groups).where(
            SESSIONS.c.id == _digest(key), SESSIONS.c.ends_at > self._now()
        )
        with self._database.transaction() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Session(row.person, row.groups)

    def end(self, key: str) -> None:
        """End the session of ``key``."""
        with self._database.transaction() as connection:
            connection.execute(sa.delete(SESSIONS).where(SESSIONS.c.id == _digest(key)))


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
