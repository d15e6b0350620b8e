"""The sandbox's state: its application, banks, authorisations and sessions."""

import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandboxes.bank.bank import Bank, SandboxAccount, SandboxClock, SandboxState, demonstration

LONGEST_CONSENT = timedelta(days=90)


class RefusalError(Exception):
    """An error of the API, by its code in the contract."""

    def __init__(self, status: int, code: str | None, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message

    @property
    def body(self) -> dict[str, Any]:
        """The error as the API sends it."""
        body = {"message": self.message, "code": self.status}
        return body if self.code is None else {**body, "error": self.code}


FAILURES = {
    "ASPSP_ERROR": 500,
    "ASPSP_TIMEOUT": 408,
    "ASPSP_RATE_LIMIT_EXCEEDED": 429,
    "ASPSP_ACCOUNT_NOT_ACCESSIBLE": 403,
    "ASPSP_PSU_ACTION_REQUIRED": 403,
    "ACCESS_DENIED": 403,
    "ACCOUNT_DOES_NOT_EXIST": 404,
    "UNAUTHORIZED_IP": 403,
    "EXPIRED_SESSION": 401,
    "REVOKED_SESSION": 401,
    "CLOSED_SESSION": 401,
    "WRONG_TRANSACTIONS_PERIOD": 422,
}
"""What a bank can be made to answer, with the status."""


@dataclass
class Session:
    """A consent of an owner at a bank, with the ids under which it names the accounts."""

    session_id: str
    bank: Bank
    valid_until: datetime
    created: datetime
    accounts: dict[str, SandboxAccount]
    status: str = "AUTHORIZED"


@dataclass
class Authorisation:
    """An authorisation that has been started; ``code`` opens one session."""

    authorisation_id: str
    bank: Bank
    request: dict[str, Any]
    code: str | None = None


@dataclass
class EnableBankingState:
    """The state behind the server's answers; tests change it while the server runs.

    Attributes:
        banks: the banks and their customers' accounts, as the other sandbox has them.
        application_id: the only application.
        redirect_urls: to which it may return.
        page_size: entries on a page of transactions.
        required_psu_headers: of a bank that demands them, by its name.
        pages: what is left of answers, by continuation key.
        calls: method and path of every request, in order.
        deviations: answers that the contract does not allow, if the server checks them.
    """

    banks: SandboxState = field(default_factory=demonstration)
    application_id: str = "5a1e6c2e-0000-4000-8000-5a9db0c5e000"
    redirect_urls: tuple[str, ...] = ("https://localhost/",)
    page_size: int = 50
    required_psu_headers: dict[str, list[str]] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(
        default_factory=lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048)
    )
    authorisations: list[Authorisation] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    spent: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    pages: dict[str, list[Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    deviations: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def clock(self) -> SandboxClock:
        """The clock of the banks."""
        return self.banks.clock

    @property
    def private_key(self) -> str:
        """The application's key, in PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def open(self, bank: Bank, valid_until: datetime) -> Session:
        """Add a session; each names the same accounts by ids of its own."""
        session_id = str(uuid.uuid4())
        session = Session(
            session_id,
            bank,
            valid_until,
            self.clock.now(),
            {
                str(uuid.uuid5(uuid.UUID(session_id), account.account_id)): account
                for account in bank.customer
            },
        )
        self.sessions.append(session)
        return session

    def status(self, session: Session) -> str:
        """The session's status at the time of the clock."""
        is_over = session.status == "AUTHORIZED" and self.clock.now() >= session.valid_until
        return "EXPIRED" if is_over else session.status
