"""``email`` and ``email_owners`` in a policy."""

from abc import ABC
from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints, model_validator

from orchestration_platform.alerts.services.protocol.configuration import (
    Capabilities,
    Connections,
    ServiceConfiguration,
)
from orchestration_platform.alerts.services.protocol.destination import LONGEST_ADDRESS
from orchestration_platform.alerts.services.protocol.service import Service
from orchestration_platform.alerts.workspace.webserver import AssetCache

SECRET = "orchestration_platform/smtp"  # noqa: S105 - a path

Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,:<>]{1,64}@[^@\s,:<>]{1,255}$")]


class _ToAddresses(ServiceConfiguration, ABC):
    """E-mail to the addresses of one field."""

    # A recipient who gets the same Message-ID twice sees it once, or the second below the first.
    capabilities: ClassVar[Capabilities] = Capabilities(
        why_not_others="the first e-mail has the stack traces", is_idempotent=True, pace=0.2
    )
    addresses_field: ClassVar[str]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.address()) > LONGEST_ADDRESS:
            raise ValueError(
                f"too many {self.addresses_field}: write the address of a list instead"
            )
        return self

    def address(self, alert_channel: str = "") -> str:  # noqa: ARG002 - of the protocol
        """Return the addresses, separated by commas."""
        return ",".join(getattr(self, self.addresses_field))

    @classmethod
    def at(cls, address: str) -> Self:
        """Return the configuration for e-mail to ``address``."""
        return cls(**{cls.addresses_field: address.split(",") if address else []})


class Email(_ToAddresses):
    """E-mail, by the server that the secret ``orchestration_platform/smtp`` names."""

    name: ClassVar[str] = "email"
    summary: ClassVar[str] = "E-mail."
    addresses_field: ClassVar[str] = "email_addresses"

    email_addresses: list[Address] = Field(min_length=1, description="To whom.")

    def connected(self, using: Connections) -> Service:
        """Return the service that sends to the addresses."""
        from orchestration_platform.alerts.services.email.service import EmailService, SmtpServer

        server = SmtpServer.from_secret(using.secrets.get(SECRET))
        return EmailService(server, tuple(self.email_addresses))


class EmailOwners(_ToAddresses):
    """E-mail to the owners of the asset, of whom a team has no address."""

    name: ClassVar[str] = "email_owners"
    summary: ClassVar[str] = "E-mail to the owners; for events of assets alone."
    addresses_field: ClassVar[str] = "default_email_addresses"
    instead_without_asset: ClassVar[str] = Email.name

    default_email_addresses: list[Address] = Field(
        default_factory=list, description="To whom where no owner of the asset has an address."
    )

    def connected(self, using: Connections) -> Service:
        """Return the service that sends to the owners."""
        from orchestration_platform.alerts.services.email.owners import OwnersEmailService
        from orchestration_platform.alerts.services.email.service import SmtpServer

        server = SmtpServer.from_secret(using.secrets.get(SECRET))
        return OwnersEmailService(
            server,
            tuple(self.default_email_addresses),
            assets=using.resource(AssetCache),
        )
