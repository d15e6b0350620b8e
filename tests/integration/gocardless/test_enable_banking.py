"""Enable Banking over real HTTP: from the link for the owner to the ledger."""

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
from sandboxes.enable_banking.server import enable_banking_server
from sandboxes.enable_banking.state import EnableBankingState
from shared_lib.warehouse import read_warehouse

pytest_plugins = ("tests.integration.gocardless.bank_platform",)

CONTRACT = SHARED_DATA / "enable_banking" / "openapi.yaml"
BANK = "Meridian Bank"


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
        answer = requests.get(link[0] + query, allow_redirects=False, timeout=5)
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


def test_from_the_link_to_the_ledger_and_a_renewal_goes_on_with_the_history(
    platform: Path,
    state: EnableBankingState,
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
) -> None:
    connected(capsys)
    assert "2 accounts until" in capsys.readouterr().out
    result = sync(instance)
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["accounts_answered"].passed
    assert checks["closing_balances_match_the_bank"].passed
    before = ledger_of(platform)
    assert before == truth(state, days=90)
    assert sum(before.values()) > 100

    # a second run of the day asks no bank, and changes nothing
    calls = len(state.calls)
    sync(instance)
    assert not [path for _, path in state.calls[calls:] if path.startswith("/accounts/")]
    assert ledger_of(platform) == before

    # a new session names the accounts by other ids
    connected(capsys)
    state.sessions[0].status = "REVOKED"
    sync(instance)
    assert ledger_of(platform) == before
    with read_warehouse(platform / "gocardless.duckdb") as connection:
        assert connection.execute(
            "select provider, count(*), count(distinct iban) from unified.accounts "
            "where status = 'active' group by all"
        ).fetchall() == [("enable_banking", 2, 2)]
        assert connection.execute(
            "select status, provider_status from unified.connections order by all"
        ).fetchall() == [("active", "AUTHORIZED"), ("expired", "REVOKED")]
