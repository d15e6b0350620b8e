"""What a service is to the others: the section of a policy, what it can do, how to connect.

The field names are those of Dagster+ where it has them. What is secret is not written in the file:
the field has the path of the secret instead, whose key is named like the field.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Protocol, Self, TypeVar

from pydantic import Field, StringConstraints

from orchestration_platform.alerts.messages.thread import EntryKind
from orchestration_platform.alerts.services.protocol.service import Service
from shared_lib.configuration.section import Section
from shared_lib.secrets import Secret

# The column that keeps a destination is as wide.
LONGEST_DESTINATION = 400

# A key or a URL that somebody writes here by mistake does not look like this.
SecretPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}(/[A-Za-z0-9_.-]{1,80}){1,4}$")
]
SlackId = Annotated[str, StringConstraints(pattern=r"^[UWS][A-Z0-9]{2,20}$")]

_WITHOUT_TRACES = frozenset(EntryKind) - {EntryKind.TRACE}
_NO_THREADS = "a stack trace belongs into a thread, and there are none"

Resource = TypeVar("Resource")


class Updates(StrEnum):
    """When a message that is there already is brought up to date."""

    ALWAYS = "always"
    RECOVERY = "recovery"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a service can do.

    Attributes:
        updates: when it changes a message that it has.
        entries: what it takes beside the message of an incident.
        why_not_others: why it takes no other entries.
        can_find: whether it can be asked for a message by its key.
        can_acknowledge: whether people can show there that they have taken it on.
        is_idempotent: whether a message with the same key twice is one message.
        pace: seconds between two calls, so that the service has no reason to complain.
    """

    updates: Updates = Updates.NEVER
    entries: frozenset[EntryKind] = _WITHOUT_TRACES
    why_not_others: str = _NO_THREADS
    can_find: bool = False
    can_acknowledge: bool = False
    is_idempotent: bool = False
    pace: float


class HandsOutSecrets(Protocol):
    """What gives secrets when they are used, such as ``SecretsResource``."""

    def get(self, path: str) -> Secret:
        """The secret at ``path``."""
        ...


@dataclass(frozen=True)
class Connections:
    """What services are made of.

    Attributes:
        secrets: gives the keys and addresses.
        logger: where ``log`` writes.
        resources: resources of Dagster by which a service is called, such as Slack's API.
    """

    secrets: HandsOutSecrets
    logger: logging.Logger
    resources: Sequence[object]

    def resource(self, kind: type[Resource]) -> Resource:
        """The resource of a class."""
        return next(found for found in self.resources if isinstance(found, kind))


class ServiceConfiguration(Section, ABC):
    """One service, and the address there.

    Attributes:
        name: of the service, in the file and in destinations.
        summary: for the schema of the file.
        capabilities: what the service can do.
        instead_without_asset: the service to write for events that are not of an asset; empty
            where this one takes them.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    instead_without_asset: ClassVar[str] = ""

    @property
    def mentions(self) -> dict[str, str]:
        """The service's own names of owners whom it can call."""
        return {}

    @abstractmethod
    def address(self, alert_channel: str) -> str:
        """Where, as text; for Slack without a channel of its own that of the environment."""

    @classmethod
    @abstractmethod
    def at(cls, address: str) -> Self:
        """The service at what :meth:`address` gave."""

    @abstractmethod
    def connected(self, using: Connections) -> Service:
        """The service itself; loads the client, which policies alone do not need.

        Raises:
            SecretError: its secret could not be had.
            ServiceUnavailableError: what the secret says is not allowed.
        """


class BehindSecret(ServiceConfiguration, ABC):
    """A service whose address is a secret, of which one field has the path."""

    path_field: ClassVar[str] = "webhook_url"

    def address(self, alert_channel: str = "") -> str:  # noqa: ARG002 - of the protocol
        """The secret's path."""
        return getattr(self, self.path_field)

    @classmethod
    def at(cls, address: str) -> Self:
        """The service whose secret is at the path ``address``."""
        return cls(**{cls.path_field: address})

    def secret_value(self, using: Connections) -> str:
        """The value of the secret's key that is named like the field."""
        return using.secrets.get(self.address())[self.path_field].reveal()


class MentionsOwners(ServiceConfiguration, ABC):
    """A service of Slack, which can call the owners of what failed."""

    owner_mentions: dict[str, SlackId] = Field(
        default_factory=dict,
        description="Not in Dagster+. For an owner, as Dagster has it (an address or team:name), "
        "the member's (U...) or group's (S...) id in Slack; an owner without one is named as text.",
    )

    @property
    def mentions(self) -> dict[str, str]:
        """Slack's ids of owners."""
        return dict(self.owner_mentions)
