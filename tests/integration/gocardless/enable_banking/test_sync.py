"""Enable Banking over real HTTP: from the link for the owner to the ledger."""

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from tests.integration.gocardless.enable_banking.conftest import (
    BANK,
    SETTINGS,
    connected,
    ledger_of,
    opened,
    owner,
    sync,
    truth,
)

from gocardless.connect import main as connect
from gocardless.definitions import defs
from gocardless.enable_banking.client import EnableBankingClient
from gocardless.enable_banking.models import NewSession
from gocardless.enable_banking.provider import ENABLE_BANKING
from gocardless.enable_banking.sessions import accounts_of_sessions, record_session
from gocardless.enable_banking.tables import create_enable_banking_tables
from gocardless.extraction.steps import Extraction, extract_transactions
from gocardless.statement_files.loading import import_file
from gocardless.statement_files.tables import create_file_tables
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts
from gocardless.sync.tables import create_unified_tables
from sandboxes.bank.endpoints.accounts import iban_of
from sandboxes.bank.ledger import Fault
from sandboxes.bank.server import RunningSandbox
from sandboxes.enable_banking import documents
from sandboxes.enable_banking.state import EnableBankingState
from shared_lib.warehouse import read_warehouse, write_warehouse

pytest_plugins = ("tests.integration.gocardless.bank_platform",)

CONNECTED_ACCOUNTS = dg.AssetKey(["source", "enable_banking", "connected_accounts"])


def observation(instance: dg.DagsterInstance) -> dg.AssetObservation:
    """The newest observation of the connected accounts."""
    [record] = instance.fetch_observations(CONNECTED_ACCOUNTS, limit=1).records
    assert record.asset_observation is not None
    return record.asset_observation


def test_from_the_link_to_the_ledger_and_a_renewal_goes_on_with_the_history(
    platform: Path,
    state: EnableBankingState,
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
) -> None:
    connected(capsys)
    assert "2 accounts until" in capsys.readouterr().out
    calls = len(state.calls)
    result = sync(instance)
    made = [event.materialization.metadata for event in result.get_asset_materialization_events()]
    spent: list[Any] = [metadata["calls"].value for metadata in made if "calls" in metadata]
    assert sum(spent) == len(state.calls) - calls > 0
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert checks["accounts_answered"].passed
    assert checks["closing_balances_match_the_bank"].passed
    before = ledger_of(platform)
    assert before == truth(state, days=90)
    assert sum(before.values()) > 100
    observed = observation(instance)
    assert observed.metadata["accounts"].value == 2
    assert observed.metadata["connections"].value == {"AUTHORIZED": 1}

    # a second run of the day asks no bank, and changes nothing
    calls = len(state.calls)
    sync(instance)
    assert not [path for _, path in state.calls[calls:] if path.startswith("/accounts/")]
    assert ledger_of(platform) == before
    again = observation(instance)
    assert again.tags["dagster/data_version"] == observed.tags["dagster/data_version"]
    asked_at = "dagster/last_updated_timestamp"
    assert again.metadata[asked_at] != observed.metadata[asked_at]

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
    renewed = observation(instance)
    assert renewed.metadata["accounts"].value == 2
    assert renewed.metadata["connections"].value == {"AUTHORIZED": 1, "REVOKED": 1}
    assert renewed.tags["dagster/data_version"] != observed.tags["dagster/data_version"]
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
