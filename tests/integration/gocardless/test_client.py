"""The client against a server that is as strict as the vendor's."""

import threading
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from gocardless.bank_account_data.client import BankDataClient, connect
from gocardless.bank_api import errors
from gocardless.bank_api.limits import Limit, account_limit, general_limit
from sandboxes.bank.bank import Bank, HeaderSpelling, account_uuid
from sandboxes.bank.server import RunningSandbox
from shared_lib.secrets import SecretNotFoundError, SecretsResource

ACCOUNT = account_uuid(0)
NEW, REFRESH = "/api/v2/token/new/", "/api/v2/token/refresh/"


def token_calls(sandbox: RunningSandbox) -> list[str]:
    return [path for _, path in sandbox.state.calls if "/token/" in path]


def test_many_threads_get_one_token_and_one_refresh_of_it(
    sandbox: RunningSandbox, client: BankDataClient
) -> None:
    def call_from_threads() -> None:
        threads = [threading.Thread(target=client.account, args=[ACCOUNT]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    call_from_threads()
    assert token_calls(sandbox) == [NEW]
    sandbox.state.clock.advance(timedelta(hours=23, minutes=54))
    call_from_threads()
    assert token_calls(sandbox) == [NEW]
    # within five minutes of its end it is replaced, before the server refuses it
    sandbox.state.clock.advance(timedelta(minutes=2))
    call_from_threads()
    assert token_calls(sandbox) == [NEW, REFRESH]
    sandbox.state.clock.advance(timedelta(days=31))
    call_from_threads()
    assert token_calls(sandbox) == [NEW, REFRESH, NEW]


def test_a_token_that_is_revoked_before_its_time_is_replaced(
    sandbox: RunningSandbox, client: BankDataClient
) -> None:
    client.account(ACCOUNT)
    sandbox.routes.tokens.revoke_all()
    assert client.account(ACCOUNT).body.id == ACCOUNT
    assert token_calls(sandbox) == [NEW, REFRESH, NEW]


def test_without_credentials_the_keys_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    for key in ("ID", "KEY"):
        monkeypatch.delenv(f"GOCARDLESS_API__SECRET_{key}", raising=False)
    with pytest.raises(SecretNotFoundError, match="keys are secret_id and secret_key"):
        connect(SecretsResource(location="gocardless"))


def test_wrong_credentials_are_reported_with_a_remedy(make_client: Callable) -> None:
    with pytest.raises(errors.AuthenticationFailedError, match="write the secret_id"):
        make_client(secret_key="wrong").requisitions()


def test_requisitions_come_from_all_pages_though_pages_are_smaller_than_asked(
    sandbox: RunningSandbox, client: BankDataClient
) -> None:
    bank = Bank("MANY_MANYDEFF", "Many")
    for _ in range(5):
        sandbox.state.connect(bank, [])
    sandbox.state.page_limit = 3
    found = client.requisitions()
    expected = [connection.requisition_id for connection in sandbox.state.connections]
    assert [requisition.id for requisition in found] == expected
    assert len(found) == 7
    # a field that the model does not name is kept
    assert (found[0].model_extra or {})["user_language"] == "DE"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("AccessExpiredError", errors.AccessExpiredError),
        ("EUAExpiredError", errors.AgreementExpiredError),
        ("AccountInactiveError", errors.AccountInactiveError),
        ("AccountSuspendedError", errors.AccountSuspendedError),
        ("AccountAccessForbidden", errors.AccountForbiddenError),
        ("IPAccessDenied", errors.IpDeniedError),
        ("AccountNotFoundError", errors.NotFoundError),
    ],
)
def test_an_error_of_the_api_has_its_type_and_is_not_tried_again(
    name: str, kind: type, sandbox: RunningSandbox, client: BankDataClient
) -> None:
    sandbox.state.connections[0].accounts[0].failures["balances"] = [name]
    with pytest.raises(kind) as raised:
        client.balances(ACCOUNT)
    assert kind.remedy in str(raised.value)
    assert sandbox.state.count(lambda path: path.endswith("/balances/")) == 1


def test_a_bank_that_is_out_for_a_moment_is_asked_again_but_not_for_ever(
    sandbox: RunningSandbox, client: BankDataClient
) -> None:
    account = sandbox.state.connections[0].accounts[0]
    account.failures["balances"] = ["ServiceError", "UnknownRequestError"]
    assert client.balances(ACCOUNT).limit.remaining == 3
    account.failures["balances"] = ["ConnectionError"] * 4
    with pytest.raises(errors.InstitutionUnavailableError):
        client.balances(ACCOUNT)
    assert account.failures["balances"] == ["ConnectionError"]


def test_a_proxy_of_the_environment_is_used_and_a_netrc_is_not(
    make_client: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert make_client().account(ACCOUNT).body.id == ACCOUNT
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.NoAnswerError, match="ProxyError"):
        make_client().account(ACCOUNT)


def test_an_unreachable_address_is_reported() -> None:
    from tests.integration.gocardless.conftest import QUICK

    nobody = BankDataClient(
        url="http://127.0.0.1:9", credentials=lambda: {"secret_id": "a"}, patience=QUICK
    )
    with pytest.raises(errors.NoAnswerError, match=r"127\.0\.0\.1:9.*GOCARDLESS_API_URL"):
        nobody.requisitions()


@pytest.mark.parametrize("spelling", ["http_underscores", "dashes"])
def test_limits_are_read_in_either_spelling(
    spelling: HeaderSpelling, sandbox: RunningSandbox, client: BankDataClient
) -> None:
    sandbox.state.header_spelling = spelling
    for remaining in (3, 2, 1, 0):
        assert client.balances(ACCOUNT).limit == Limit(4, remaining, 24 * 60 * 60)
    sandbox.state.clock.advance(timedelta(hours=2))
    with pytest.raises(errors.RateLimitedError) as refused:
        client.balances(ACCOUNT)
    assert refused.value.reset_seconds == 22 * 60 * 60
    # another scope has calls of its own, and so has the next day
    client.details(ACCOUNT)
    sandbox.state.clock.advance(timedelta(hours=22))
    client.balances(ACCOUNT)


def test_without_headers_the_seconds_are_taken_from_the_words(
    sandbox: RunningSandbox, client: BankDataClient
) -> None:
    sandbox.state.header_spelling = "none"
    for _ in range(4):
        assert not client.balances(ACCOUNT).limit
    with pytest.raises(errors.RateLimitedError) as refused:
        client.balances(ACCOUNT)
    assert refused.value.reset_seconds == 24 * 60 * 60
    sandbox.state.limit_body = "institution"
    with pytest.raises(errors.RateLimitedError) as refused:
        client.balances(ACCOUNT)
    assert refused.value.reset_seconds is None


def test_the_general_limit_is_distinguished_from_the_accounts() -> None:
    headers = {"HTTP_X_RATELIMIT_REMAINING": "7", "x-ratelimit-account-success-remaining": "1"}
    assert general_limit(headers) == Limit(remaining=7)
    assert account_limit(headers) == Limit(remaining=1)
    assert account_limit({"X-RateLimit-Account-Success-Remaining": "many"}) == Limit()


def test_a_range_of_dates_is_what_the_api_filters_by(client: BankDataClient) -> None:
    answer = client.transactions(
        ACCOUNT, date_from=date(2026, 5, 1), date_to=date(2026, 5, 3)
    ).body.transactions
    dates = [entry["bookingDate"] for entry in answer.booked]
    assert dates == ["2026-05-03", "2026-05-02", "2026-05-01"]
