"""An interrupted dbt is reported as cancelled, whatever it reports itself."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner, dbtRunnerResult

from shared_lib.dbt.invocation import invoke_dbt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("error", [None, RuntimeError("expected token 'end of'" * 300)])
def test_an_interrupted_dbt_is_cancelled_whatever_it_reports(
    number: signal.Signals, error: Exception | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_runner: dbtRunner, _arguments: Any) -> dbtRunnerResult:
        try:
            os.kill(os.getpid(), number)
        except KeyboardInterrupt:
            return dbtRunnerResult(success=error is None, exception=error)
        raise AssertionError

    monkeypatch.setattr(dbtRunner, "invoke", interrupted)
    before = signal.getsignal(number)

    with pytest.raises(KeyboardInterrupt, match=r"^cancelled$"):
        invoke_dbt(
            ["build"],
            warehouse=tmp_path / "warehouse.duckdb",
            target=tmp_path / "target" / "run",
            on_event=print,
            project_directory=tmp_path,
        )

    assert signal.getsignal(number) is before
