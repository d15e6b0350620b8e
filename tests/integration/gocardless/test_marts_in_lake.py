"""The bank's tables moved into a lake, a whole run there, and back: the marts stay the same."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.simulation.conftest import lake, lead_to_lake, postgres_port

from gocardless.definitions import defs
from gocardless.warehouse.__main__ import main
from sandboxes.bank.server import RunningSandbox
from shared_lib.dbt.project import target_directory
from shared_lib.discovery.dbt.preparation import parse
from shared_lib.warehouse import read_location, read_warehouse

pytest_plugins = ("tests.integration.gocardless.bank_platform",)
__all__ = ["lake", "lead_to_lake", "postgres_port"]

MARTS = (
    "bank_transactions",
    "bank_balances_daily",
    "bank_balances_reconciled",
    "cash_flow_monthly",
    "spend_by_tag_monthly",
)


def marts(file: Path | None = None) -> dict[str, list]:
    with read_warehouse(file) if file else read_location("gocardless") as connection:
        return {
            mart: connection.execute(f"from marts.{mart} order by all").fetchall() for mart in MARTS
        }


def test_a_run_in_the_lake_makes_the_marts_of_the_file_and_all_goes_back(
    synced: Path,
    platform_with_sandbox: RunningSandbox,
    lake: Path,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = marts(synced)
    assert min(map(len, expected.values())) > 0
    with monkeypatch.context() as patch:
        patch.delenv("WAREHOUSE")
        assert main(["migrate", "--to", "lake"]) == 0
    moved = capsys.readouterr().out
    assert "unified.transactions" in moved
    shutil.move(synced, tmp_path / synced.name)
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    parse("gocardless", target_directory("gocardless"))

    count = len(platform_with_sandbox.state.calls)
    job = defs.resolve_job_def("gocardless_sync_job")
    result = job.execute_in_process(instance=instance, raise_on_error=False)

    assert result.success
    failed = {
        check.check_name for check in result.get_asset_check_evaluations() if not check.passed
    }
    assert failed <= {"budgets_kept"}
    assert marts() == expected
    # the budgets have come along: what was answered today is not asked again
    asked = [path for _, path in platform_with_sandbox.state.calls[count:] if "/accounts/" in path]
    assert asked == []

    assert main(["migrate", "--to", "file"]) == 0
    assert synced.exists()
    assert marts(synced) == expected
    assert main(["migrate", "--to", "lake"]) == 2
    assert "the lake has" in capsys.readouterr().err
    assert main(["maintain", "--dry-run"]) == 0
