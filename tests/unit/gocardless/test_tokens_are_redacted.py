"""The tokens that the banks' interfaces issue, and those that we sign, are secrets too."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gocardless.bank_account_data.tokens import TokenSource
from gocardless.enable_banking.client import EnableBankingClient
from gocardless.enable_banking.tokens import SignedTokens
from shared_lib.secrets import redact

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_access_and_refresh_tokens_are_redacted_as_soon_as_they_are_issued() -> None:
    def post(path: str, body: dict[str, str]) -> Any:
        number = 2 if "refresh" in path else 1
        issued = {"access": f"opaque-access-{number}", "access_expires": 1}
        return {**issued, "refresh": "opaque-refresh-1", "refresh_expires": 9_000}

    tokens = TokenSource(post=post, credentials=dict, now=lambda: NOW)
    assert tokens.token() == "opaque-access-1"
    assert tokens.token() == "opaque-access-2"
    for text in ("opaque-access-1", "opaque-access-2", "opaque-refresh-1"):
        assert redact(f"<{text}>") == "<[secret gocardless token]>"


def test_a_signed_token_and_the_code_of_an_authorisation_are_redacted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    signed = SignedTokens(application_id="id", private_key=lambda: text, now=lambda: NOW).token()
    assert redact(f"<{signed}>") == "<[secret enable banking token]>"

    class NotSentError(Exception):
        """The code was about to be sent."""

    def send(*_: object) -> None:
        raise NotSentError

    monkeypatch.setattr(EnableBankingClient, "_post_signed", send)
    client = EnableBankingClient(
        url="http://127.0.0.1:9", application_id="id", private_key=lambda: text
    )
    with pytest.raises(NotSentError):
        client.open_session("opaque-code-8831")
    assert redact("?code=opaque-code-8831") == "?code=[secret enable banking authorisation code]"
