"""What the sandbox knows: its clock, institutions, agreements, requisitions and accounts."""

import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from gocardless.sandbox.ledger import TrueLedger, believable_months

Scope = Literal["details", "balances", "transactions"]
HeaderSpelling = Literal["http_underscores", "dashes", "none"]

SCOPES: tuple[Scope, ...] = ("details", "balances", "transactions")
_DEMONSTRATION_DAYS = 180


class SandboxClock:
    """The machine's time plus what it was moved by."""

    def __init__(self) -> None:
        self._moved = timedelta(0)
        self._fixed: datetime | None = None

    def now(self) -> datetime:
        """The time in the sandbox, UTC."""
        return (self._fixed or datetime.now(UTC)) + self._moved

    def set(self, moment: datetime) -> None:
        """Stop at ``moment``; from then on the clock only moves when told to."""
        self._fixed, self._moved = moment, timedelta(0)

    def advance(self, by: timedelta) -> None:
        """Move on by so much."""
        self._moved += by


@dataclass
class Bank:
    """One institution.

    Attributes:
        institution_id: as in the API.
        name: for people.
        total_days: most days of transactions that it gives.
        calls_a_day: successful calls allowed for each account and scope.
    """

    institution_id: str
    name: str
    total_days: int = 90
    calls_a_day: int = 4

    def document(self) -> dict[str, Any]:
        """The institution as the list of institutions has it."""
        return {
            "id": self.institution_id,
            "name": self.name,
            "bic": self.institution_id.rpartition("_")[2],
            "transaction_total_days": str(self.total_days),
            "max_access_valid_for_days": "180",
            "countries": ["DE"],
            "logo": f"https://cdn.example.com/{self.institution_id}.png",
        }


@dataclass
class SandboxAccount:
    """An account at a bank, with what its bank gets wrong.

    Attributes:
        ledger: what happened to it.
        bank: where it is.
        owner_name: for people.
        failures: names of API errors for the next calls, by scope.
        extra_booked: entries that the bank adds to its booked list as they are.
    """

    ledger: TrueLedger
    bank: Bank
    owner_name: str = "Erika Mustermann"
    failures: dict[Scope, list[str]] = field(default_factory=dict)
    extra_booked: list[Any] = field(default_factory=list)

    @property
    def account_id(self) -> str:
        """The account's UUID."""
        return self.ledger.account_id


@dataclass
class Connection:
    """A requisition with its agreement."""

    requisition_id: str
    agreement_id: str
    bank: Bank
    accounts: list[SandboxAccount]
    created: datetime
    status: str = "LN"
    reference: str = ""
    max_historical_days: int = 90
    access_valid_for_days: int = 90

    def requisition(self) -> dict[str, Any]:
        """The requisition as the API shows it."""
        return {
            "id": self.requisition_id,
            "created": self.created.isoformat(),
            "redirect": "https://app.example.com/linked",
            "status": self.status,
            "institution_id": self.bank.institution_id,
            "agreement": self.agreement_id,
            "reference": self.reference or self.requisition_id,
            "accounts": [account.account_id for account in self.accounts],
            "user_language": "DE",
            "link": f"https://ob.example.com/psd2/start/{self.requisition_id}",
            "account_selection": False,
            "redirect_immediate": False,
        }

    def agreement(self) -> dict[str, Any]:
        """The end-user agreement as the API shows it."""
        return {
            "id": self.agreement_id,
            "created": self.created.isoformat(),
            "institution_id": self.bank.institution_id,
            "max_historical_days": self.max_historical_days,
            "access_valid_for_days": self.access_valid_for_days,
            "access_scope": list(SCOPES),
            "accepted": self.created.isoformat(),
            "reconfirmation": False,
        }


@dataclass
class SandboxState:
    """All that the server answers from; tests change it while the server runs.

    Attributes:
        secret_id: the one that gets tokens.
        secret_key: its key.
        header_spelling: how the limits are told.
        limit_body: whether a refusal names its seconds, or is the institution's own.
        page_limit: most requisitions of a page, whatever was asked for.
        calls: method and path of every request, in order.
    """

    secret_id: str = "sandbox-id"  # noqa: S105 - of this server alone
    secret_key: str = "sandbox-key"  # noqa: S105 - of this server alone
    header_spelling: HeaderSpelling = "http_underscores"
    limit_body: Literal["seconds", "institution"] = "seconds"
    page_limit: int = 100
    clock: SandboxClock = field(default_factory=SandboxClock)
    banks: list[Bank] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    draw: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    lock: threading.RLock = field(default_factory=threading.RLock)

    def account(self, account_id: str) -> tuple[Connection, SandboxAccount] | None:
        """The account with its connection, the newest where several have it."""
        for connection in reversed(self.connections):
            for account in connection.accounts:
                if account.account_id == account_id:
                    return connection, account
        return None

    def connect(self, bank: Bank, ledgers: list[TrueLedger], **fields: Any) -> Connection:
        """Add a linked requisition with accounts of ``bank``."""
        if bank not in self.banks:
            self.banks.append(bank)
        number = len(self.connections)
        connection = Connection(
            requisition_id=_uuid("requisition", number),
            agreement_id=_uuid("agreement", number),
            bank=bank,
            accounts=[SandboxAccount(ledger, bank) for ledger in ledgers],
            created=self.clock.now(),
            **fields,
        )
        self.connections.append(connection)
        return connection

    def count(self, matches: Callable[[str], bool]) -> int:
        """How many requests had a path for which ``matches`` is true."""
        return sum(matches(path) for _, path in self.calls)


def account_uuid(number: int) -> str:
    """The UUID of the sandbox's account of that number."""
    return _uuid("account", number)


def _uuid(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox {kind} {number}"))


def demonstration() -> SandboxState:
    """Three connected banks with months of believable data."""
    state = SandboxState()
    today = state.clock.now().date()
    banks = (
        Bank("SANDBOXFINANCE_SFIN0000", "Sandbox Finance"),
        Bank("MERIDIAN_MERIDEFF", "Meridian Bank", total_days=180),
        Bank("HAVEN_HAVNDEFF", "Haven Sparkasse", calls_a_day=6),
    )
    number = 0
    for bank, accounts in zip(banks, (1, 2, 1), strict=True):
        ledgers = []
        for _ in range(accounts):
            ledgers.append(
                believable_months(
                    account_uuid(number), "EUR", until=today, days=_DEMONSTRATION_DAYS, seed=number
                )
            )
            number += 1
        state.connect(bank, ledgers, max_historical_days=bank.total_days)
    return state
