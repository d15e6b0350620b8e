"""The audit log: who changed what, when, and how it ended."""

import json
import logging
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from orchestration_platform.web.database import AUDIT, WebDatabase
from orchestration_platform.web.login.person import Person
from shared_lib.secrets.redaction.events import redacted_json
from shared_lib.secrets.redaction.registry import redact

REFUSED = "refused"

_MOST_CHARACTERS = 4_000
_LONGEST_ACTION = 400
_LONGEST_OUTCOME = 100

# below Dagster's own, whose level and format it has
logger = logging.getLogger("dagster.platform_webserver.audit")


class Audit:
    """Records each change before it is carried out; what cannot be recorded is not carried out."""

    def __init__(self, database: WebDatabase, *, now: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = now

    def begin(self, person: Person, action: str, arguments: Any) -> int:
        """Record that ``person`` asks for ``action``; return the number of the entry."""
        return self._insert(person, action, arguments, outcome=None)

    def end(self, entry: int, outcome: str) -> None:
        """Record how the action ended, such as the type of its result."""
        change = sa.update(AUDIT).where(AUDIT.c.id == entry)
        with self._database.transaction() as connection:
            connection.execute(change.values(outcome=outcome[:_LONGEST_OUTCOME]))

    def refuse(self, person: Person, action: str, arguments: Any) -> None:
        """Record that ``person`` asked for ``action`` and may not do it."""
        self._insert(person, action, arguments, outcome=REFUSED)

    def _insert(self, person: Person, action: str, arguments: Any, *, outcome: str | None) -> int:
        text = shown(arguments)
        logger.info("%s: %s%s: %s", person.name, action, " (refused)" if outcome else "", text)
        with self._database.transaction() as connection:
            result = connection.execute(
                sa.insert(AUDIT).values(
                    at=self._now(),
                    person=person.name,
                    action=redact(action)[:_LONGEST_ACTION],
                    arguments=text,
                    outcome=outcome,
                )
            )
            (entry,) = result.inserted_primary_key or (0,)
            return int(entry)

    def entries(self, limit: int) -> list[sa.Row[Any]]:
        """Return the newest entries, the newest first."""
        query = sa.select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit)
        with self._database.transaction() as connection:
            return list(connection.execute(query))


def shown(arguments: Any) -> str:
    """Return the arguments as JSON without anything that is or looks like a secret."""
    text = json.dumps(_opened(arguments), default=str, ensure_ascii=False)
    # once more as a whole, for names and values that stand beside each other
    text = redact(json.dumps(redacted_json(json.loads(text)), ensure_ascii=False))
    # Postgres stores no NUL
    text = text.replace("\\u0000", "").encode("utf-8", "backslashreplace").decode()
    return text[:_MOST_CHARACTERS]


def _opened(node: Any) -> Any:
    """Return ``node`` with JSON texts, such as a run's configuration, as what they stand for."""
    if isinstance(node, dict):
        opened = {str(key): _opened(value) for key, value in node.items()}
        # the longest last, where it is cut: it hides nothing beside it
        return dict(sorted(opened.items(), key=lambda item: len(str(item[1]))))
    if isinstance(node, list):
        return [_opened(value) for value in node]
    if isinstance(node, str) and node.lstrip().startswith(("{", "[")):
        try:
            return _opened(json.loads(node))
        except (ValueError, RecursionError):
            return node
    return node
