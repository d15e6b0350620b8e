"""Tokens in the lake's Postgres: requested by one process for all, and unreadable there."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerContext
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.integration.gocardless.conftest import NOON, ledger
from tests.integration.gocardless.lake.bank_processes import call_together, client_with_clock

from gocardless.bank_account_data.client import BankDataClient, connect
from gocardless.bank_account_data.reachability import BASE_URL_VARIABLE
from gocardless.bank_account_data.shared_tokens import TokensBusyError, sharing_of
from gocardless.bank_account_data.tokens import TokenPair
from gocardless.connect import main as connect_bank
from sandboxes.bank.bank import Bank, SandboxState
from sandboxes.bank.server import RunningSandbox, sandbox_server
from sandboxes.ports import reserved_port
from sandboxes.waiting import wait_until
from shared_lib.secrets import SecretsResource
from shared_lib.warehouse.lake.catalog import CatalogUnreachableError, open_catalog

PROCESSES = 10
ACCOUNT = ledger(0)
NEW, REFRESH = "/api/v2/token/new/", "/api/v2/token/refresh/"
CREDENTIALS = {"secret_id": "sandbox-id", "secret_key": "sandbox-key"}


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """A bank with an account."""
    state = SandboxState()
    state.clock.set(NOON)
    state.connect(Bank("ONE_ONEEDEFF", "Bank One"), [ACCOUNT])
    with sandbox_server(state) as running:
        yield running


@pytest.fixture
def new_client(sandbox: RunningSandbox) -> Callable[..., BankDataClient]:
    """Makes clients that have no token yet, as a process that begins."""
    return lambda **how: client_with_clock(sandbox.url, sandbox.state.clock.now, **how)


def token_calls(sandbox: RunningSandbox) -> list[str]:
    return [path for _, path in sandbox.state.calls if "/token/" in path]


def rows() -> list[tuple[Any, ...]]:
    with open_catalog() as catalog:
        return [tuple(row) for row in catalog.run("select * from bank.tokens")]


def test_ten_processes_at_once_request_one_token_and_replace_it_once(
    variables: Mapping[str, str], processes: ForkServerContext, sandbox: RunningSandbox
) -> None:
    # so long that the requests of all would be under way at once
    sandbox.state.latency_seconds = 0.2
    step = processes.Barrier(PROCESSES + 1)
    moments = [NOON, NOON, NOON + timedelta(hours=23, minutes=56)]
    calling = [
        processes.Process(
            target=call_together,
            args=(variables, sandbox.url, ACCOUNT.account_id, moments, step),
        )
        for _ in range(PROCESSES)
    ]
    for process in calling:
        process.start()

    def all_call() -> list[str]:
        sandbox.state.calls.clear()
        step.wait()
        step.wait()
        return token_calls(sandbox)

    assert all_call() == [NEW]
    sandbox.routes.tokens.revoke_all()
    assert all_call() == [REFRESH, NEW]
    # minutes before its end
    sandbox.state.clock.set(moments[-1])
    assert all_call() == [REFRESH]
    for process in calling:
        process.join()
    assert [process.exitcode for process in calling] == [0] * PROCESSES
    [(_, _, expires_at)] = rows()
    assert expires_at == moments[-1] + timedelta(days=1)


def test_the_death_of_the_process_that_asks_lets_the_next_one_ask(
    variables: Mapping[str, str],
    processes: ForkServerContext,
    sandbox: RunningSandbox,
    new_client: Callable[..., BankDataClient],
) -> None:
    sandbox.state.latency_seconds = 3_600
    step = processes.Barrier(2)
    asking = processes.Process(
        target=call_together, args=(variables, sandbox.url, ACCOUNT.account_id, [NOON], step)
    )
    asking.start()
    step.wait()
    wait_until(lambda: token_calls(sandbox) == [NEW])
    with (
        pytest.raises(TokensBusyError, match=r"has been asking GoCardless for a token for 0\.01 s"),
        sharing_of(sandbox.url, wait_seconds=0.01)(CREDENTIALS),
    ):
        pytest.fail("another process has it")
    waiting = threading.Thread(target=new_client().account, args=[ACCOUNT.account_id])
    waiting.start()
    sandbox.state.latency_seconds = 0
    assert token_calls(sandbox) == [NEW]
    asking.kill()
    asking.join()
    waiting.join()
    assert token_calls(sandbox) == [NEW, NEW]
    assert len(rows()) == 1


@pytest.mark.usefixtures("variables")
def test_tokens_that_cannot_be_read_are_replaced_with_a_word_about_it(
    sandbox: RunningSandbox,
    new_client: Callable[..., BankDataClient],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def call() -> list[str]:
        sandbox.state.calls.clear()
        caplog.clear()
        new_client().account(ACCOUNT.account_id)
        return token_calls(sandbox)

    caplog.set_level(logging.WARNING)
    assert call() == [NEW]
    assert call() == []
    assert caplog.messages == []

    with open_catalog() as catalog:
        catalog.run("update bank.tokens set sealed = substring(sealed for 100)")
    assert call() == [NEW]
    assert "bank.tokens of the lake's Postgres cannot be read (InvalidToken)" in caplog.text
    assert call() == []

    token = sandbox.routes.tokens.issued()[0]
    of_another_release = SimpleNamespace(
        model_dump_json=lambda: f'{{"access_token": "{token}"}}',
        access=SimpleNamespace(expires_at=NOON),
    )
    with sharing_of(sandbox.url)(CREDENTIALS) as kept:
        kept.write(cast("TokenPair", of_another_release))
    assert call() == [NEW]
    assert "cannot be read (ValidationError)" in caplog.text
    assert token not in caplog.text
    assert call() == []


@pytest.mark.usefixtures("variables")
def test_credentials_have_a_row_of_their_own_and_a_rotation_leaves_the_new_one(
    sandbox: RunningSandbox, new_client: Callable[..., BankDataClient]
) -> None:
    new_client().account(ACCOUNT.account_id)
    [(before, *_)] = rows()
    sandbox.state.secret_key = "rotated"
    client = new_client(secret_key="rotated")
    client.account(ACCOUNT.account_id)
    [(after, *_)] = rows()
    assert before != after
    assert token_calls(sandbox) == [NEW, NEW]
    # a token is for the address that has issued it
    with sharing_of("https://elsewhere")({**CREDENTIALS, "secret_key": "rotated"}) as kept:
        assert kept.read() is None


@pytest.fixture
def credentials(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables by which the platform finds the bank."""
    monkeypatch.setenv(BASE_URL_VARIABLE, sandbox.url)
    monkeypatch.setenv("GOCARDLESS_API__SECRET_ID", sandbox.state.secret_id)
    monkeypatch.setenv("GOCARDLESS_API__SECRET_KEY", sandbox.state.secret_key)


@pytest.mark.usefixtures("variables", "credentials")
def test_the_platforms_own_client_shares_its_token_in_the_lake_alone(
    sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    # as the platform's
    sandbox.state.clock = type(sandbox.state.clock)()
    sandbox.routes.tokens._clock = sandbox.state.clock

    def call() -> list[str]:
        sandbox.state.calls.clear()
        connect(SecretsResource(location="gocardless")).account(ACCOUNT.account_id)
        return token_calls(sandbox)

    assert [call(), call()] == [[NEW], []]
    monkeypatch.setenv("WAREHOUSE", "file")
    assert [call(), call()] == [[NEW], [NEW]]


@pytest.mark.usefixtures("variables")
def test_a_postgres_that_ends_while_a_token_is_requested_is_named_and_the_next_one_asks(
    sandbox: RunningSandbox, new_client: Callable[..., BankDataClient]
) -> None:
    now, ended = sandbox.state.clock.now, threading.Event()

    def end_sessions() -> None:
        with open_catalog() as catalog:
            catalog.run(
                "select pg_terminate_backend(pid, 60000) from pg_stat_activity "
                "where datname = current_database() and pid <> pg_backend_pid()"
            )

    def now_or_end() -> datetime:
        # the client asks for the time when the bank has answered
        if token_calls(sandbox) and not ended.is_set():
            ended.set()
            end_sessions()
        return now()

    client = client_with_clock(sandbox.url, now_or_end)
    with pytest.raises(CatalogUnreachableError, match="does not answer at"):
        client.account(ACCOUNT.account_id)
    assert ended.is_set()
    new_client().account(ACCOUNT.account_id)
    assert token_calls(sandbox) == [NEW, NEW]
    assert len(rows()) == 1


@pytest.mark.usefixtures("variables", "credentials")
def test_without_postgres_no_token_is_requested(
    sandbox: RunningSandbox,
    new_client: Callable[..., BankDataClient],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    port = reserved_port()
    monkeypatch.setenv("WAREHOUSE_CATALOG", f"postgresql://postgres@127.0.0.1:{port}/bank")
    with pytest.raises(CatalogUnreachableError, match=rf"127\.0\.0\.1:{port}"):
        new_client().account(ACCOUNT.account_id)
    assert connect_bank(["--provider", "gocardless", "--bank", "ONE_ONEEDEFF"]) == 1
    assert f"127.0.0.1:{port}" in capsys.readouterr().err
    assert sandbox.state.calls == []
