"""A stranger's reading of the vendor's contract: schemathesis finds no deviation from it."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.gocardless.conftest import CONTRACT

from sandboxes.bank.bank import account_uuid
from sandboxes.bank.server import RunningSandbox

SECONDS = 20
# Its schemas do not say which institutions and agreements there are, so that what they allow may
# be refused: positive_data_acceptance would have every random institution_id accepted.
LEFT_OUT = "positive_data_acceptance"

CONFIGURATION = f"""
[[operations]]
include-path-regex = "/accounts/"
parameters = {{ id = "{account_uuid(0)}" }}
"""


@pytest.mark.parametrize("operations", ["all", "of_an_account_that_is_there"])
def test_schemathesis_finds_no_deviation(
    operations: str, sandbox: RunningSandbox, tmp_path: Path
) -> None:
    if not CONTRACT.is_file():
        pytest.skip(f"the contract is not at {CONTRACT}")
    known_account = operations != "all"
    for bank in sandbox.state.banks:
        bank.calls_a_day = 1_000_000
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION if known_account else "")
    token = sandbox.routes.tokens.new_pair()["access"]
    only = ["--include-path-regex", "/accounts/"] if known_account else []
    found = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *("--config-file", tmp_path / "schemathesis.toml"),
            *("run", CONTRACT, "--url", sandbox.url),
            *("--header", f"Authorization: Bearer {token}"),
            *("--checks", "all", "--exclude-checks", LEFT_OUT),
            *("--max-time", str(SECONDS), "--max-examples", "8", "--seed", "1"),
            *("--generation-database", "none", "--no-color", "--continue-on-failure"),
            *only,
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=12 * SECONDS,
    )
    assert found.returncode == 0, found.stdout[-8000:] + found.stderr[-2000:]
    statuses = {path for _, path in sandbox.state.calls}
    # it did look around: how far it gets in the time depends on the machine
    assert len(statuses) > 20
