"""Enable Banking over real HTTP: from the link for the owner to the ledger."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import requests
from tests.conftest import SHARED_DATA
from tests.integration.gocardless.conftest import NOON, QUICK

from gocardless.accounts.settings import load_settings
from gocardless.bank_account_data import errors
from gocardless.connect import main as connect
from gocardless.definitions import defs
from gocardless.enable_banking.client import ADDRESS_VARIABLE, EnableBankingClient
from gocardless.enable_banking.errors import UserPresenceError
from gocardless.enable_banking.models import NewSession
from gocardless.enable_banking.provider import ENABLE_BANKING
from gocardless.enable_banking.sessions import accounts_of_sessions, record_session
from gocardless.enable_banking.tables import create_enable_banking_tables
from gocardless.extraction.steps import Extraction, extract_transactions
from gocardless.statement_files.loading import import_file
from gocardless.statement_files.tables import create_file_tables
from gocardless.sync.ledger import sync_transactions
from gocardless.sync.reference_data import sync_accounts
from gocardless.sync.tables import create_unified_tables
from sandboxes.bank.accounts import iban_of
from sandboxes.bank.bank import SandboxAccount
from sandboxes.bank.ledger import Fault
from sandboxes.bank.server import RunningSandbox
from sandboxes.enable_banking import documents
from sandboxes.enable_banking.server import enable_banking_server
from sandboxes.enable_banking.state import EnableBankingState
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.warehouse import read_warehouse, write_warehouse

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

    # one session alone, the answer of the day asked for again
    with read_warehouse(platform / "gocardless.duckdb") as connection:
        [session] = connection.execute("select session_id from raw.eb_sessions").fetchall()
    one = {"connection_id": session[0], "refresh": True}
    job = defs.resolve_job_def("enable_banking_connection_sync_job")
    calls = len(state.calls)
    assert job.execute_in_process(
        instance=instance, run_config={"ops": {"*": {"config": one}}}
    ).success
    asked = {path.split("?")[0] for _, path in state.calls[calls:]}
    assert len(asked) == 4
    assert all(path.startswith("/accounts/") for path in asked)
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


def test_one_account_over_gocardless_enable_banking_and_a_file_has_one_history(
    synced: Path,
    platform_with_sandbox: RunningSandbox,
    platform: Path,
    state: EnableBankingState,
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    # the same banks and customers behind both
    state.banks = platform_with_sandbox.state
    before = ledger_of(platform)
    connected(capsys)
    sync(instance)
    assert ledger_of(platform) == before
    account = next(bank for bank in state.banks.banks if bank.name == BANK).customer[0]
    today = state.clock.now().date()
    lines = [
        f"{item.booking_date(today)},{item.amount},EUR,{item.text}\n"
        for item in account.ledger.transactions
        if item.is_booked(today) and item.booking_date(today) >= today - timedelta(days=30)
    ]
    file = tmp_path / "statement.csv"
    file.write_text("booking_date,amount,currency,description\n" + "".join(lines), "utf-8")
    with write_warehouse(platform / "gocardless.duckdb") as connection:
        create_file_tables(connection)
        import_file(connection, file, account=iban_of(account), at=state.clock.now())
    assert ledger_of(platform) == before
    with read_warehouse(platform / "gocardless.duckdb") as connection:
        assert connection.execute(
            "select provider, count(*), count(distinct iban) from unified.accounts group by all"
        ).fetchall() == [("gocardless", 4, 4)]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ASPSP_ERROR", errors.InstitutionUnavailableError),
        ("ASPSP_TIMEOUT", errors.InstitutionUnavailableError),
        ("ASPSP_RATE_LIMIT_EXCEEDED", errors.RateLimitedError),
        ("ASPSP_ACCOUNT_NOT_ACCESSIBLE", errors.AccountForbiddenError),
        ("ASPSP_PSU_ACTION_REQUIRED", UserPresenceError),
        ("ACCESS_DENIED", errors.AccountForbiddenError),
        ("ACCOUNT_DOES_NOT_EXIST", errors.NotFoundError),
        ("UNAUTHORIZED_IP", errors.IpDeniedError),
        ("EXPIRED_SESSION", errors.AccessExpiredError),
        ("REVOKED_SESSION", errors.AccessExpiredError),
        ("WRONG_TRANSACTIONS_PERIOD", errors.ApiError),
    ],
)
def test_an_error_is_distinguished_by_its_code(
    client: EnableBankingClient,
    state: EnableBankingState,
    url: str,
    code: str,
    kind: type[errors.ApiError],
) -> None:
    uid, account = opened(state)
    account.failures = {"balances": [code] * QUICK.attempts}
    with pytest.raises(errors.ApiError) as caught:
        client.balances(uid)
    assert type(caught.value) is kind
    assert caught.value.may_be_of_the_period == (code == "WRONG_TRANSACTIONS_PERIOD")
    account.failures = {"balances": ["ASPSP_ERROR"]}
    assert client.balances(uid).body.balances


def test_the_fifth_call_of_a_day_is_refused_and_pages_are_one_call(
    client: EnableBankingClient, state: EnableBankingState
) -> None:
    uid, account = opened(state)
    state.page_size = 7
    first = state.clock.now().date() - timedelta(days=60)
    texts = [client.transactions_text(uid, date_from=first).body for _ in range(4)]
    lists = json.loads(texts[-1])["transactions"]
    today = state.clock.now().date()
    shown = [
        item
        for item in account.ledger.transactions
        if item.is_booked(today) and item.booking_date(today) >= first
    ]
    assert len(lists["booked"]) == len(shown) > 2 * state.page_size
    with pytest.raises(errors.RateLimitedError):
        client.transactions_text(uid, date_from=first)


def test_a_token_signed_with_another_key_is_refused(url: str, state: EnableBankingState) -> None:
    other = EnableBankingState().private_key
    client = EnableBankingClient(
        url=url,
        application_id=state.application_id,
        private_key=lambda: other,
        now=state.clock.now,
    )
    with pytest.raises(errors.AuthenticationFailedError, match="UNAUTHORIZED_ACCESS"):
        client.aspsps()


def test_a_key_that_is_none_is_named_and_not_shown() -> None:
    client = EnableBankingClient(url="http://x", application_id="x", private_key=lambda: "hush")
    with pytest.raises(errors.AuthenticationFailedError, match="not an RSA key in PEM") as caught:
        client.aspsps()
    assert "hush" not in str(caught.value)


def test_a_token_is_signed_anew_before_it_expires(
    client: EnableBankingClient, state: EnableBankingState
) -> None:
    state.clock.set(NOON)
    assert client.aspsps("DE")
    state.clock.advance(timedelta(minutes=59))
    assert client.aspsps("DE")


def test_headers_of_the_present_user_are_sent_where_a_bank_demands_them(
    client: EnableBankingClient, state: EnableBankingState
) -> None:
    state.required_psu_headers = {BANK: ["Psu-Ip-Address", "Psu-User-Agent"]}
    uid, _ = opened(state)
    with pytest.raises(UserPresenceError, match="Psu-Ip-Address"):
        client.balances(uid)
    sent = {"Psu-Ip-Address": "192.0.2.1", "Psu-User-Agent": "x"}
    assert client.with_psu_headers({uid: sent}).balances(uid).body.balances


SETTINGS = """connections:
  - provider: enable_banking
    bank: Meridian Bank
    country: DE
    psu_headers:
      Psu-Ip-Address: 192.0.2.1
"""


def test_headers_of_the_settings_file_reach_the_bank(
    platform: Path,
    state: EnableBankingState,
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state.required_psu_headers = {BANK: ["Psu-Ip-Address", "Psu-User-Agent"]}
    file = tmp_path / "accounts.yaml"
    monkeypatch.setenv("GOCARDLESS_ACCOUNTS", str(file))
    arguments = ["--provider", "enable_banking", "--bank", BANK]
    file.write_text(SETTINGS, "utf-8")
    assert connect(arguments, owner(capsys)) == 1
    assert "psu_headers of Meridian Bank lack Psu-User-Agent" in capsys.readouterr().err
    file.write_text(SETTINGS + "      Psu-User-Agent: x\n", "utf-8")
    assert connect(arguments, owner(capsys)) == 0
    job = defs.resolve_job_def("enable_banking_sync_job")
    balances = dg.AssetKey(["source", "enable_banking", "extract", "account_balances"])
    result = job.execute_in_process(instance=instance, asset_selection=[balances])
    assert [check.passed for check in result.get_asset_check_evaluations()] == [True, True]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("provider: enable_banking", "provider: enable_bank"), "did you mean 'enable_banking'"),
        (("Psu-Ip-Address", "Psu-Ip-Adress"), "did you mean 'Psu-Ip-Address'"),
        (("country: DE", "country: Germany"), "connections.0.country"),
        (("    bank:", "    bnak:"), "bnak: unknown key, allowed is one of: bank, country"),
    ],
)
def test_a_wrong_connection_of_the_settings_file_is_explained(
    tmp_path: Path, wrong: tuple[str, str], message: str
) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text(SETTINGS.replace(*wrong), "utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--bank", "Meridian Bnak"], "did you mean Meridian Bank?"),
        (["--bank", BANK, "--business"], "serves personal: run without --business"),
        (["--bank", BANK, "--code", "wrong"], "WRONG_AUTHORIZATION_CODE"),
        (["--bank", BANK, "--code", "https://localhost/?error=access_denied"], "access_denied"),
        (["--bank", BANK, "--redirect-url", "https://other/"], "REDIRECT_URI_NOT_ALLOWED"),
    ],
)
def test_a_bank_that_cannot_be_connected_is_explained(
    platform: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert connect(["--provider", "enable_banking", *arguments]) == 1
    assert message in capsys.readouterr().err


def test_the_address_of_another_attempt_and_a_refusal_connect_nothing(
    platform: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--provider", "enable_banking", "--bank", BANK]
    assert connect(arguments, lambda _: "https://localhost/?code=a&state=b") == 1
    assert "state differs" in capsys.readouterr().err
    assert connect(arguments, owner(capsys, "?refuse=1")) == 1
    assert "access_denied" in capsys.readouterr().err


def test_the_same_command_prints_the_link_of_a_requisition(
    platform_with_sandbox: RunningSandbox, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = platform_with_sandbox.state.banks[0].institution_id
    assert connect(["--provider", "gocardless", "--bank", bank]) == 0
    assert f"{platform_with_sandbox.url}/psd2/start/" in capsys.readouterr().out


def opened(state: EnableBankingState) -> tuple[str, SandboxAccount]:
    bank = next(bank for bank in state.banks.banks if bank.name == BANK)
    session = state.open(bank, state.clock.now() + timedelta(days=1))
    return next(iter(session.accounts.items()))


@pytest.mark.parametrize(
    "fault", [Fault.MISSING_IDS, Fault.SHARED_IDS, Fault.CHANGING_IDS, Fault.SHUFFLED]
)
def test_answers_of_a_faulty_bank_end_in_the_true_ledger(
    client: EnableBankingClient, state: EnableBankingState, fault: Fault
) -> None:
    bank = next(bank for bank in state.banks.banks if bank.name == BANK)
    for account in bank.customer:
        account.ledger.faults = frozenset({fault})
    opened(state)
    connection = duckdb.connect()
    create_enable_banking_tables(connection)
    create_unified_tables(connection)
    listed = {uid: documents.account(uid, one) for uid, one in state.sessions[0].accounts.items()}
    session = NewSession.model_validate(
        {
            "session_id": state.sessions[0].session_id,
            "aspsp": documents.name_of(bank),
            "access": documents.access(state.sessions[0]),
            "accounts": list(listed.values()),
        }
    )
    record_session(connection, session, at=state.clock.now(), run_id="test")
    state.clock.set(state.clock.now().replace(hour=1))
    for _ in range(3):
        run = Extraction(
            connection=connection,
            client=client,
            run_id="test",
            now=state.clock.now,
            accounts=accounts_of_sessions,
        )
        outcome = extract_transactions(run, overlap_days=3)
        assert sorted(outcome.fetched) == sorted(listed)
        sync_accounts(connection, ENABLE_BANKING, now=state.clock.now())
        sync_transactions(connection, ENABLE_BANKING)
        state.clock.advance(timedelta(hours=7))
        connection.execute("update raw.gc_call_budget set last_success_at = null")
    found = Counter(
        connection.execute(
            "select amount, description from unified.transactions where status = 'booked'"
        ).fetchall()
    )
    assert found == truth(state, days=90)
