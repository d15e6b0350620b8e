"""Which instance the commands use."""

import os
from pathlib import Path

import pytest

from orchestration_platform import dagster_home
from shared_lib.configuration import environment as environments
from shared_lib.dagster_client.__main__ import main as start_jobs


@pytest.mark.parametrize("environment", ["local", "qa"])
def test_the_instance_of_make_is_used_on_a_developers_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setattr(environments, "REPOSITORY_ROOT", tmp_path)
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")
    (tmp_path / ".dagster_home").mkdir()
    (tmp_path / ".dagster_home/dagster.yaml").touch()

    if environment == "local":
        dagster_home.find_dagster_home()
        assert os.environ["DAGSTER_HOME"] == str(tmp_path / ".dagster_home")
    else:
        with pytest.raises(dagster_home.DagsterHomeError, match="is not set"):
            dagster_home.find_dagster_home()


def test_the_command_that_starts_jobs_uses_it_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the page prints it, in a shell of its own beside `make dev`."""
    monkeypatch.setattr(environments, "REPOSITORY_ROOT", tmp_path)
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "local")
    monkeypatch.delenv("JOB_RUNS_DATABASE_URL", raising=False)
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.delenv("DAGSTER_HOME")
    (tmp_path / ".dagster_home").mkdir()
    (tmp_path / ".dagster_home/dagster.yaml").touch()
    assert start_jobs(["list", "--json"]) == 0
    assert capsys.readouterr().err == ""
    assert (tmp_path / ".dagster_home/job_runs.db").is_file()
