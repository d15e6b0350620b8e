"""Which instance the commands use."""

import os
from pathlib import Path

import pytest

from orchestration_platform import dagster_home


@pytest.mark.parametrize("environment", ["local", "qa"])
def test_the_instance_of_make_is_used_on_a_developers_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    monkeypatch.setattr(dagster_home, "REPOSITORY_ROOT", tmp_path)
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
