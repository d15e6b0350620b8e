"""The Dagster home that a first run makes."""

import shutil
from pathlib import Path

import pytest

from shared_lib.configuration.environment import REPOSITORY_ROOT
from simulation.run.__main__ import _instance_home


def test_a_process_that_starts_meanwhile_sees_the_whole_configuration_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    copy, seen = shutil.copy, []

    def copy_and_look(source: Path, destination: str) -> None:
        copy(source, destination)
        seen.append((home / "dagster.yaml").exists())

    monkeypatch.setattr(shutil, "copy", copy_and_look)
    assert _instance_home() == home

    assert seen == [False]
    assert (home / "dagster.yaml").read_text() == (
        REPOSITORY_ROOT / "dagster.local.yaml"
    ).read_text()
    assert [path.name for path in home.iterdir()] == ["dagster.yaml"]
