"""GoCardless' documents. Fields that the models do not name are kept unchanged."""

from datetime import datetime

from pydantic import Field

from gocardless.bank_api.documents import Document


class Institution(Document):
    """A bank that can be connected."""

    id: str
    name: str
    bic: str | None = None
    transaction_total_days: int = 90
    max_access_valid_for_days: int | None = None
    countries: list[str] = Field(default_factory=list)


class Requisition(Document):
    """A connection of an end user to a bank."""

    id: str
    status: str
    institution_id: str
    agreement: str | None = None
    reference: str | None = None
    created: datetime | None = None
    accounts: list[str] = Field(default_factory=list)


class NewRequisition(Document):
    """A connection that its owner has not confirmed yet."""

    id: str
    link: str


class Agreement(Document):
    """What an end user has consented to, and for how long."""

    id: str
    institution_id: str
    max_historical_days: int = 90
    access_valid_for_days: int = 90
    accepted: datetime | None = None


class Account(Document):
    """An account as the vendor knows it."""

    id: str
    institution_id: str
    status: str | None = None
    iban: str | None = None
    owner_name: str | None = None
    name: str | None = None
