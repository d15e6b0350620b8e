"""The sandbox's state: its clock, institutions, agreements, requisitions and accounts."""

import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from sandboxes.bank.ledger import TrueLedger, believable_months

Scope = Literal["details", "balances", "transactions"]
HeaderSpelling = Literal["http_underscores", "dashes", "none"]

SCOPES: tuple[Scope, ...] = ("details", "balances", "transactions")
LONGEST_ACCESS_DAYS = 180
"""The most that the vendor allows for an agreement."""

_DEMONSTRATION_DAYS = 180


class SandboxClock:
    """The machine's time plus an adjustable offset."""

    def __init__(self) -> None:
        self._moved = timedelta(0)
        self._fixed: datetime | None = None

    def now(self) -> datetime:
        """The time in the sandbox, UTC."""
        return (self._fixed or datetime.now(UTC)) + self._moved

    def set(self, moment: datetime) -> None:
        """Stop at ``moment``; from then on only :meth:`advance` moves the clock."""
        self._fixed, self._moved = moment, timedelta(0)

    def advance(self, by: timedelta) -> None:
        """Move the clock forward by ``by``."""
        self._moved += by


@dataclass
class Bank:
    """One institution.

    Attributes:
        institution_id: its id in the API.
        name: its display name.
        total_days: how many days of transactions it returns at most.
        calls_a_day: successful calls allowed for each account and scope.
        country: ISO 3166 code.
        customer: the accounts of this bank's customer; a linked requisition gets these.
    """

    institution_id: str
    name: str
    total_days: int = 90
    calls_a_day: int = 4
    country: str = "DE"
    customer: list["SandboxAccount"] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        """Return the institution as it appears in the list of institutions."""
        return {
            "id": self.institution_id,
            "name": self.name,
            "bic": self.institution_id.rpartition("_")[2],
            "transaction_total_days": str(self.total_days),
            "max_access_valid_for_days": str(LONGEST_ACCESS_DAYS),
            "countries": [self.country],
            "logo": f"https://cdn.example.com/{self.institution_id}.png",
        }


@dataclass
class SandboxAccount:
    """An account at a bank, with the faults of that bank.

    Attributes:
        ledger: what happened to it.
        bank: the bank that holds it.
        owner_name: the owner's display name.
        failures: names of API errors for the next calls, by scope.
        extra_booked: entries that the bank adds unchanged to its booked list.
        prepared: answers about transactions, rendered in advance, by first and last date.
    """

    ledger: TrueLedger
    bank: Bank
    owner_name: str = "Erika Mustermann"
    failures: dict[Scope, list[str]] = field(default_factory=dict)
    extra_booked: list[Any] = field(default_factory=list)
    prepared: dict[tuple[date, date], bytes] = field(default_factory=dict)

    @property
    def account_id(self) -> str:
        """The account's UUID."""
        return self.ledger.account_id


@dataclass
class Agreement:
    """An end-user agreement: what may be requested, how far back, and for how long.

    Attributes:
        reconfirmation: the redirect of a requested reconfirmation, and when it was requested.
    """

    agreement_id: str
    bank: Bank
    created: datetime
    max_historical_days: int = 90
    access_valid_for_days: int = 90
    access_scope: tuple[str, ...] = SCOPES
    may_be_reconfirmed: bool = False
    accepted: datetime | None = None
    reconfirmation: tuple[str | None, datetime] | None = None

    @property
    def expires(self) -> datetime:
        """When the access ends; counted from creation if not accepted."""
        return (self.accepted or self.created) + timedelta(days=self.access_valid_for_days)

    def document(self) -> dict[str, Any]:
        """Return the agreement as the API shows it."""
        return {
            "id": self.agreement_id,
            "created": self.created.isoformat(),
            "institution_id": self.bank.institution_id,
            "max_historical_days": self.max_historical_days,
            "access_valid_for_days": self.access_valid_for_days,
            "access_scope": list(self.access_scope),
            "accepted": self.accepted and self.accepted.isoformat(),
            "reconfirmation": self.may_be_reconfirmed,
        }


@dataclass
class Connection:
    """A requisition; it has accounts once the end user has authorized it."""

    requisition_id: str
    agreement: Agreement
    bank: Bank
    accounts: list[SandboxAccount]
    created: datetime
    status: str = "LN"
    reference: str = ""
    redirect: str | None = "https://app.example.com/linked"
    user_language: str = "DE"
    account_selection: bool = False
    redirect_immediate: bool = False
    ssn: str | None = None

    @property
    def agreement_id(self) -> str:
        """The id of its agreement."""
        return self.agreement.agreement_id

    @property
    def max_historical_days(self) -> int:
        """How far back its agreement goes."""
        return self.agreement.max_historical_days

    @property
    def link_path(self) -> str:
        """The path on the sandbox server where the end user authorizes it."""
        return f"/psd2/start/{self.requisition_id}/{self.bank.institution_id}"

    def document(self, server: str) -> dict[str, Any]:
        """Return the requisition as the API shows it; ``server`` is the base URL of links."""
        shown = {
            "id": self.requisition_id,
            "created": self.created.isoformat(),
            "redirect": self.redirect,
            "status": self.status,
            "institution_id": self.bank.institution_id,
            "agreement": self.agreement_id,
            "reference": self.reference or self.requisition_id,
            "accounts": [account.account_id for account in self.accounts],
            "user_language": self.user_language,
            "link": f"{server}{self.link_path}",
            "account_selection": self.account_selection,
            "redirect_immediate": self.redirect_immediate,
        }
        return shown if self.ssn is None else {**shown, "ssn": self.ssn}


@dataclass
class SandboxState:
    """The state behind the server's answers; tests change it while the server runs.

    Attributes:
        secret_id: the id that gets tokens.
        secret_key: its key.
        header_spelling: how the limit headers are spelt.
        limit_body: whether a refusal names its seconds, or is the institution's own.
        calls_a_minute: calls about accounts that all of them share; none: as many as come.
        page_limit: most requisitions on a page, whatever was requested.
        latency_seconds: the least time that an answer takes.
        calls: method and path of every request, in order.
        deviations: answers that the contract does not allow, if the server checks them.
    """

    secret_id: str = "sandbox-id"
    secret_key: str = "sandbox-key"
    header_spelling: HeaderSpelling = "http_underscores"
    limit_body: Literal["seconds", "institution"] = "seconds"
    calls_a_minute: int | None = None
    page_limit: int = 100
    latency_seconds: float = 0.0
    clock: SandboxClock = field(default_factory=SandboxClock)
    banks: list[Bank] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    calls: list[tuple[str, str]] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    draw: random.Random = field(
        default_factory=lambda: random.Random(1)  # noqa: S311 - reproducible, not secret
    )
    lock: threading.RLock = field(default_factory=threading.RLock)

    def account(self, account_id: str) -> tuple[Connection | None, SandboxAccount] | None:
        """Return the account with its connection; the newest connection if several have it."""
        for connection in reversed(self.connections):
            for account in connection.accounts:
                if account.account_id == account_id:
                    return connection, account
        for bank in self.banks:
            for account in bank.customer:
                if account.account_id == account_id:
                    return None, account
        return None

    def bank(self, institution_id: str) -> Bank | None:
        """Return the bank with that id."""
        found = (bank for bank in self.banks if bank.institution_id == institution_id)
        return next(found, None)

    def connect(
        self,
        bank: Bank,
        ledgers: list[TrueLedger],
        *,
        max_historical_days: int = 90,
        access_valid_for_days: int = 90,
        **fields: Any,
    ) -> Connection:
        """Add a linked requisition with accounts of ``bank``."""
        if bank not in self.banks:
            self.banks.append(bank)
        accounts = [SandboxAccount(ledger, bank) for ledger in ledgers]
        bank.customer += accounts
        now, number = self.clock.now(), len(self.connections)
        agreement = Agreement(
            agreement_id=_uuid("agreement", number),
            bank=bank,
            created=now,
            accepted=now,
            max_historical_days=max_historical_days,
            access_valid_for_days=access_valid_for_days,
        )
        connection = Connection(
            requisition_id=_uuid("requisition", number),
            agreement=agreement,
            bank=bank,
            accounts=accounts.copy(),
            created=now,
            **fields,
        )
        self.agreements.append(agreement)
        self.connections.append(connection)
        return connection

    def count(self, matches: Callable[[str], bool]) -> int:
        """Count the requests whose path ``matches`` accepts."""
        return sum(matches(path) for _, path in self.calls)


def account_uuid(number: int) -> str:
    """Return the UUID of the sandbox account with that number."""
    return _uuid("account", number)


def _uuid(kind: str, number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox {kind} {number}"))


def demonstration() -> SandboxState:
    """Return three connected banks with months of believable data."""
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
