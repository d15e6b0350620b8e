"""What every service declares: the section of a policy, its capabilities, how to connect.

The field names are those of Dagster+ where it has them. Secrets are not written in the file: the
field holds the path of the secret instead, and the secret's key has the same name as the field.
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

# A key or a URL entered here by mistake does not look like this.
SecretPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}(/[A-Za-z0-9_.-]{1,80}){1,4}$")
]
SlackId = Annotated[str, StringConstraints(pattern=r"^[UWS][A-Z0-9]{2,20}$")]

_WITHOUT_TRACES = frozenset(EntryKind) - {EntryKind.TRACE}
_NO_THREADS = "a stack trace belongs in a thread, and there are no threads"

Resource = TypeVar("Resource")


class Updates(StrEnum):
    """When a message that was already sent is updated."""

    ALWAYS = "always"
    RECOVERY = "recovery"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a service can do.

    Attributes:
        updates: when it changes a message that it has.
        entries: what it accepts besides the message of an incident.
        why_not_others: why it accepts no other entries.
        can_find: whether it can look up a message by its key.
        can_acknowledge: whether people can acknowledge a message there.
        can_find_users: whether it can look up its users by e-mail address.
        is_idempotent: whether two messages with the same key become one.
        pace: seconds between two calls, so that the service has no reason to complain.
    """

    updates: Updates = Updates.NEVER
    entries: frozenset[EntryKind] = _WITHOUT_TRACES
    why_not_others: str = _NO_THREADS
    can_find: bool = False
    can_acknowledge: bool = False
    can_find_users: bool = False
    is_idempotent: bool = False
    pace: float


class HandsOutSecrets(Protocol):
    """Returns secrets when they are used, such as ``SecretsResource``."""

    def get(self, path: str) -> Secret:
        """Return the secret at ``path``."""
        ...


@dataclass(frozen=True)
class Connections:
    """What services are made from.

    Attributes:
        secrets: returns the keys and addresses.
        logger: the logger that ``log`` writes to.
        resources: the Dagster resources for calling services, such as Slack's API.
    """

    secrets: HandsOutSecrets
    logger: logging.Logger
    resources: Sequence[object]

    def resource(self, kind: type[Resource]) -> Resource:
        """Return the resource of a class."""
        return next(found for found in self.resources if isinstance(found, kind))


class ServiceConfiguration(Section, ABC):
    """One service, and its address.

    Attributes:
        name: the name of the service, in the file and in destinations.
        summary: the description in the schema of the file.
        capabilities: what the service can do.
        instead_without_asset: the service to use for events that are not about an asset; empty if
            this one accepts them.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    instead_without_asset: ClassVar[str] = ""

    @property
    def mentions(self) -> dict[str, str]:
        """Return the service's own ids of the owners it can mention."""
        return {}

    @abstractmethod
    def address(self, alert_channel: str) -> str:
        """Return the address as text; Slack without a channel uses the environment's."""

    @classmethod
    @abstractmethod
    def at(cls, address: str) -> Self:
        """Return the configuration for a result of :meth:`address`."""

    @abstractmethod
    def connected(self, using: Connections) -> Service:
        """Return the service; loads the client, which policies alone do not need.

        Raises:
            SecretError: its secret could not be read.
            ServiceUnavailableError: the secret has a value that is not allowed.
        """


class BehindSecret(ServiceConfiguration, ABC):
    """A service whose address is a secret; one field holds the secret's path."""

    path_field: ClassVar[str] = "webhook_url"

    def address(self, alert_channel: str = "") -> str:  # noqa: ARG002 - of the protocol
        """Return the secret's path."""
        return getattr(self, self.path_field)

    @classmethod
    def at(cls, address: str) -> Self:
        """Return the configuration for the secret at the path ``address``."""
        return cls(**{cls.path_field: address})

    def secret_value(self, using: Connections) -> str:
        """Return the value of the secret's key that has the field's name."""
        return using.secrets.get(self.address())[self.path_field].reveal()


class MentionsOwners(ServiceConfiguration, ABC):
    """A Slack service, which can mention the owners of what failed."""

    owner_mentions: dict[str, SlackId] = Field(
        default_factory=dict,
        description="Not in Dagster+. For an owner, as Dagster has it (an address or team:name), "
        "the member's (U...) or group's (S...) id in Slack; an owner without one is named as text.",
    )

    @property
    def mentions(self) -> dict[str, str]:
        """Return Slack's ids of owners."""
        return dict(self.owner_mentions)
