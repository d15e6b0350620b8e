"""The client of Enable Banking: errors, the day's calls, tokens and headers."""

import json
from datetime import timedelta

import pytest
from tests.integration.gocardless.conftest import NOON, QUICK
from tests.integration.gocardless.enable_banking.conftest import BANK, opened

from gocardless.bank_api import errors
from gocardless.enable_banking.client import EnableBankingClient
from gocardless.enable_banking.errors import UserPresenceError
from sandboxes.enable_banking.state import EnableBankingState

pytest_plugins = ("tests.integration.gocardless.bank_platform",)


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
    with pytest.raises(
        errors.AuthenticationFailedError, match=r"UNAUTHORIZED_ACCESS.*gocardless/enable_banking"
    ):
        client.aspsps()


def test_an_invalid_key_is_named_and_not_shown() -> None:
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
