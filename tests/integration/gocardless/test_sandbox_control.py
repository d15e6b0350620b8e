"""What the sandbox can be told over HTTP, and what it says of itself when it starts."""

import os
import signal
import subprocess
import sys
from typing import Any

import requests
from tests.integration.gocardless.conftest import CONTRACT

from gocardless.api.client import BankDataClient
from gocardless.sandbox.bank import account_uuid
from gocardless.sandbox.control import FAULTS_PATH
from gocardless.sandbox.server import RunningSandbox

ACCOUNT = account_uuid(0)


def test_a_bank_gets_wrong_what_it_is_told_to(
    sandbox: RunningSandbox, client: BankDataClient
) -> None:
    today = sandbox.state.clock.now().date()

    def tell(**body: Any) -> requests.Response:
        return requests.post(f"{sandbox.url}{FAULTS_PATH}", json=body)

    def identifiers() -> list[Any]:
        answer = client.transactions(ACCOUNT, date_from=today, date_to=today)
        return [entry.get("transactionId") for entry in answer.body.transactions.booked]

    assert len(identifiers()) == 1
    failures = {"transactions": ["ServiceError"]}
    assert tell(account_id=ACCOUNT, faults=["blank_ids", "page_twice"], failures=failures).ok
    # the one failure is overcome by asking again
    assert identifiers() == ["   ", "   "]
    for wrong in (
        {"account_id": ACCOUNT, "faults": ["colour"]},
        {"account_id": ACCOUNT, "failures": {"colour": []}},
        {"account_id": ACCOUNT, "failures": {"balances": ["NoSuchError"]}},
        {"faults": []},
    ):
        assert tell(**wrong).status_code == 400, wrong
    assert tell(account_id=account_uuid(99)).status_code == 404


def test_the_command_serves_says_how_to_use_it_and_ends_by_interrupt() -> None:
    checked = ["--contract", str(CONTRACT)] if CONTRACT.is_file() else []
    with subprocess.Popen(
        [sys.executable, "-m", "gocardless.sandbox", "--port", "0", *checked],
        env={**os.environ, "GOCARDLESS_SANDBOX_CONTRACT": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        told = [process.stdout.readline().strip() for _ in range(6)]
        url = told[1].removeprefix("GOCARDLESS_API_URL=")
        assert requests.get(f"{url}/api/v2/institutions/").status_code == 401
        assert told[5].startswith("Every request" if checked else "Requests and answers are not")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


def test_a_contract_that_is_not_there_is_named_with_what_to_do() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "gocardless.sandbox", "--port", "0", "--contract", "/none.json"],
        capture_output=True,
        text=True,
    )
    assert found.returncode == 1
    assert "/none.json is not there: give the vendor's OpenAPI description" in found.stderr
