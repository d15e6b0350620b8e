"""The accounts that a run asks for."""

from dataclasses import dataclass


class UnknownConnectionError(ValueError):
    """A run was asked for a connection that is not there."""


class InactiveConnectionError(ValueError):
    """A run was asked for a connection of which nothing can be fetched."""


@dataclass(frozen=True)
class AccountToFetch:
    """An account of a linked connection.

    Attributes:
        account_id: the account.
        requisition_id: its newest linked connection.
        max_historical_days: how far back the agreement of that connection goes.
    """

    account_id: str
    requisition_id: str
    max_historical_days: int
