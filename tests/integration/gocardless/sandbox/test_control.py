"""The controls of the sandbox over HTTP, and what it prints when it starts."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from tests.integration.gocardless.conftest import CONTRACT

from gocardless.bank_account_data.client import BankDataClient
from sandboxes.bank.__main__ import main
from sandboxes.bank.bank import account_uuid
from sandboxes.bank.control import FAULTS_PATH
from sandboxes.bank.server import RunningSandbox

ACCOUNT = account_uuid(0)


def test_a_bank_makes_the_faults_that_are_set(
    sandbox: RunningSandbox, client: BankDataClient
) -> None:
    today = sandbox.state.clock.now().date()

    def control(**body: Any) -> requests.Response:
        return requests.post(f"{sandbox.url}{FAULTS_PATH}", json=body)

    def identifiers() -> list[Any]:
        answer = client.transactions(ACCOUNT, date_from=today, date_to=today)
        return [entry.get("transactionId") for entry in answer.body.transactions.booked]

    assert len(identifiers()) == 1
    failures = {"transactions": ["ServiceError"]}
    assert control(account_id=ACCOUNT, faults=["blank_ids", "page_twice"], failures=failures).ok
    # the one failure is overcome by asking again
    assert identifiers() == ["   ", "   "]
    for wrong in (
        {"account_id": ACCOUNT, "faults": ["colour"]},
        {"account_id": ACCOUNT, "failures": {"colour": []}},
        {"account_id": ACCOUNT, "failures": {"balances": ["NoSuchError"]}},
        {"faults": []},
    ):
        assert control(**wrong).status_code == 400, wrong
    assert control(account_id=account_uuid(99)).status_code == 404


def test_the_command_serves_says_how_to_use_it_and_ends_by_interrupt() -> None:
    checked = ["--contract", str(CONTRACT)] if CONTRACT.is_file() else []
    with subprocess.Popen(
        [sys.executable, "-m", "sandboxes.bank", "--port", "0", *checked],
        env={**os.environ, "GOCARDLESS_SANDBOX_CONTRACT": ""},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        printed = [process.stdout.readline().strip() for _ in range(7)]
        url = printed[1].removeprefix("export GOCARDLESS_API_URL=")
        assert [line.split("=")[0] for line in printed[2:4]] == [
            "export GOCARDLESS_API__SECRET_ID", "export GOCARDLESS_API__SECRET_KEY",
        ]  # fmt: skip
        assert requests.get(f"{url}/api/v2/institutions/").status_code == 401
        curl, clock, _, header, _, body = shlex.split(printed[5])
        assert curl == "curl"
        moved = requests.post(clock, body, headers=dict([header.split(": ")]))
        assert moved.status_code == 200
        assert printed[6].startswith("Every request" if checked else "Requests and answers are not")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read (No such file or directory): give the vendor's OpenAPI"),
        ("", "is neither JSON nor YAML (Expec"),
        ("{}", "is not an OpenAPI description: it lacks components or paths"),
        ("[]", "is not an OpenAPI description: it lacks components or paths"),
    ],
)
def test_an_invalid_contract_is_named_with_what_to_do(
    content: str | None, problem: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "swagger.json"
    if content is not None:
        path.write_text(content)
    assert main(["--port", "0", "--contract", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"{path} {problem}")


def test_an_invalid_port_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", "99999"])
    assert "--port: 99999 is not a port, allowed is 0 to 65535" in capsys.readouterr().err
