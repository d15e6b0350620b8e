"""Enable Banking's documents, as far as they are read; other fields are kept."""

from datetime import datetime
from typing import Any

from pydantic import Field

from gocardless.bank_api.documents import Document


class AspspName(Document):
    """What names a bank."""

    name: str
    country: str

    @property
    def institution_id(self) -> str:
        """One text for both."""
        return f"{self.country}:{self.name}"


class Aspsp(AspspName):
    """A bank that can be connected; ``maximum_consent_validity`` is in seconds."""

    bic: str | None = None
    psu_types: list[str]
    maximum_consent_validity: int
    required_psu_headers: list[str] | None = None


class Access(Document):
    """What the owner has consented to."""

    valid_until: datetime


class Authorisation(Document):
    """A started authorisation."""

    url: str


class NewSession(Document):
    """A session that has just been opened, with its accounts."""

    session_id: str
    aspsp: AspspName
    access: Access
    accounts: list[dict[str, Any]] = Field(default_factory=list)


class Session(Document):
    """The state of a session."""

    status: str
    accounts: list[str]
    aspsp: AspspName
    access: Access
