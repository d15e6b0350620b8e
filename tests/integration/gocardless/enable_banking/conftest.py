"""A platform whose API is the sandbox of Enable Banking, and its owner at the bank's page."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import requests
from tests.conftest import SHARED_DATA
from tests.integration.gocardless.conftest import QUICK

from gocardless.connect import main as connect
from gocardless.definitions import defs
from gocardless.enable_banking.client import ADDRESS_VARIABLE, EnableBankingClient
from sandboxes.bank.bank import SandboxAccount
from sandboxes.enable_banking.server import enable_banking_server
from sandboxes.enable_banking.state import EnableBankingState
from shared_lib.warehouse import read_warehouse

CONTRACT = SHARED_DATA / "enable_banking" / "openapi.yaml"


BANK = "Meridian Bank"
SETTINGS = """connections:
  - provider: enable_banking
    bank: Meridian Bank
    country: DE
    psu_headers:
      Psu-Ip-Address: 192.0.2.1
"""


@pytest.fixture
def state() -> EnableBankingState:
    return EnableBankingState()


@pytest.fixture
def url(state: EnableBankingState) -> Iterator[str]:
    """The sandbox, which checks itself where the contract is."""
    contract = CONTRACT if CONTRACT.is_file() else None
    with enable_banking_server(state, contract=contract) as found:
        yield found
    assert state.deviations == []


@pytest.fixture
def platform(
    data: Path, url: str, state: EnableBankingState, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A platform without data whose API is the sandbox."""
    monkeypatch.delenv("SECRETS_BACKEND", raising=False)
    monkeypatch.setenv(ADDRESS_VARIABLE, url)
    monkeypatch.setenv("GOCARDLESS_ENABLE_BANKING__APPLICATION_ID", state.application_id)
    monkeypatch.setenv("GOCARDLESS_ENABLE_BANKING__PRIVATE_KEY", state.private_key)
    return data


@pytest.fixture
def client(url: str, state: EnableBankingState) -> EnableBankingClient:
    return EnableBankingClient(
        url=url,
        application_id=state.application_id,
        private_key=lambda: state.private_key,
        patience=QUICK,
        now=state.clock.now,
    )


def owner(capsys: pytest.CaptureFixture[str], query: str = "") -> Callable[[str], str]:
    """Opens the printed link, and copies the address to which the bank's page returns."""

    def consent(_: str) -> str:
        link = re.search(r"http://\S+", capsys.readouterr().out)
        assert link is not None
        answer = requests.get(link[0] + query, allow_redirects=False, timeout=60)
        return answer.headers["location"]

    return consent


def connected(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--provider", "enable_banking", "--bank", BANK, "--country", "de"]
    assert connect(arguments, owner(capsys)) == 0, capsys.readouterr().err


def sync(instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def("enable_banking_sync_job").execute_in_process(instance=instance)


def ledger_of(data: Path) -> Counter[tuple[object, ...]]:
    with read_warehouse(data / "gocardless.duckdb") as connection:
        return Counter(
            connection.execute(
                "select amount, description from unified.transactions where status = 'booked'"
            ).fetchall()
        )


def truth(state: EnableBankingState, days: int = 180) -> Counter[tuple[object, ...]]:
    today = state.clock.now().date()
    bank = next(bank for bank in state.banks.banks if bank.name == BANK)
    return Counter(
        (item.amount, item.text)
        for account in bank.customer
        for item in account.ledger.transactions
        if item.is_booked(today) and item.booking_date(today) >= today - timedelta(days=days)
    )


def opened(state: EnableBankingState) -> tuple[str, SandboxAccount]:
    bank = next(bank for bank in state.banks.banks if bank.name == BANK)
    session = state.open(bank, state.clock.now() + timedelta(days=1))
    return next(iter(session.accounts.items()))
