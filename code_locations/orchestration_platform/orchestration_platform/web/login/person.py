"""Roles, and the person behind a request."""

from collections.abc import MutableMapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from starlette.requests import HTTPConnection

# The tag of a run that Dagster's UI shows and filters as "Launched by".
PERSON_TAG = "user"

# Begins the name of a program with a token, and that of no person.
PROGRAM_PREFIX = "token:"

_SCOPE_KEY = "platform.person"
_LONGEST_NAME = 100


class Role(IntEnum):
    """What a person may do; a higher role includes the lower ones."""

    VIEWER = 1
    LAUNCHER = 2
    EDITOR = 3
    ADMIN = 4


@dataclass(frozen=True)
class Grant:
    """A role, and the code locations where it holds; everywhere if they are None."""

    role: Role
    locations: frozenset[str] | None = None


@dataclass(frozen=True)
class Person:
    """Who sends a request: a person, or a program with a service token.

    Attributes:
        name: what the provider or proxy calls the person; ``token:`` and a name for a program.
        grants: the roles; nobody without one gets in.
    """

    name: str
    grants: tuple[Grant, ...]

    def role_at(self, location: str | None) -> Role | None:
        """Return the highest role at ``location``; None asks for that in all locations."""
        return max(
            (
                grant.role
                for grant in self.grants
                if grant.locations is None or location in grant.locations
            ),
            default=None,
        )

    def may(self, role: Role, *, location: str | None = None) -> bool:
        """Return whether the person has ``role`` at ``location``; None: in all locations."""
        found = self.role_at(location)
        return found is not None and found >= role

    def may_somewhere(self, role: Role) -> bool:
        """Return whether the person has ``role`` in at least one location."""
        return any(grant.role >= role for grant in self.grants)


def person_of(connection: HTTPConnection) -> Person:
    """Return the person who sends a request or has opened a WebSocket.

    Raises:
        LookupError: the request has not passed the gate.
    """
    try:
        return connection.scope[_SCOPE_KEY]
    except KeyError:
        raise LookupError("this request has not passed the gate") from None


def set_person(scope: MutableMapping[str, Any], person: Person) -> None:
    """Record the person of a request; for the gate."""
    scope[_SCOPE_KEY] = person


def is_name(name: str) -> bool:
    """Return whether ``name`` can be stored and listed, as the names of alerts can."""
    return 0 < len(name) <= _LONGEST_NAME and name.isprintable() and "," not in name
