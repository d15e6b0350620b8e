"""Where a message goes: a service, and an address there."""

from dataclasses import dataclass

# The column that stores an address is as wide.
LONGEST_ADDRESS = 400


@dataclass(frozen=True)
class Destination:
    """A service and an address, neither of them secret.

    Attributes:
        service: the name of the service, as in ``alert_policies.yaml``.
        address: the address as the service's configuration writes it; empty if it needs none.
    """

    service: str
    address: str = ""

    def __str__(self) -> str:
        """Return both in one text for people, such as ``slack:#data``."""
        return f"{self.service}:{self.address}" if self.address else self.service
