"""E-mail to the owners of the asset concerned."""

import time
from dataclasses import dataclass, field

from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.services.email.service import ADDRESS, EmailService
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.service import Recipients
from orchestration_platform.alerts.workspace.webserver import AssetCache, Workspace
from shared_lib.dagster_client.webserver import URL_VARIABLE

# How long to wait for the owners if someone else can be notified instead.
_OWNERS_AWAITED_SECONDS = 900.0


@dataclass(frozen=True)
class OwnersEmailService(EmailService):
    """The owners of an asset; ``addresses`` get the e-mail if no owner has an address.

    Attributes:
        assets: the assets of the workspace, as the webserver last reported them.
    """

    assets: AssetCache = field(default_factory=AssetCache)

    def recipients(self, message: Message) -> Recipients:
        """Return the owners' addresses, or the policy's addresses if no owner has one.

        Raises:
            MessageRefusedError: there are no addresses at all.
            ServiceUnavailableError: the owners are not known yet.
        """
        workspace, owners = Workspace(self.assets), message.owners
        if owners is None:
            # the failure was read while the webserver was unavailable
            owners = workspace.owners_of(message.assets)
        if owners is None:
            is_over = time.time() - message.first_at > _OWNERS_AWAITED_SECONDS
            if self.addresses and (is_over or not workspace.has_address):
                return Recipients(self.addresses, "who the owners are was not known")
            why = (
                "Dagster's webserver has not answered"
                if workspace.has_address
                else f"set {URL_VARIABLE} to the address of Dagster's webserver"
            )
            raise ServiceUnavailableError(f"who owns {message.subject} is not known: {why}")
        found = [name for name in owners if ADDRESS.fullmatch(name)]
        if not found and not self.addresses:
            raise MessageRefusedError(
                f"no owner of {message.subject} has an address: give it one, or the policy "
                "default_email_addresses"
            )
        return Recipients(found or self.addresses)
