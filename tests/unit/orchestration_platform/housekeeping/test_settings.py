"""``platform.yaml``: what is shipped, and what a wrong one reports."""

from pathlib import Path

import dagster as dg
import pytest

from orchestration_platform.housekeeping.settings import (
    SCHEMA_FILE,
    VARIABLE,
    load_settings,
    schema_text,
)
from shared_lib.configuration.validated_yaml import ConfigurationError


def test_runs_of_platform_health_are_kept_for_the_shortest_time() -> None:
    retention = load_settings().retention

    days = retention.days("platform_health_job", dg.DagsterRunStatus.SUCCESS)
    assert days == retention.shortest_days
    assert days < (retention.days("another", dg.DagsterRunStatus.SUCCESS) or 0)


def test_only_ended_runs_have_an_age() -> None:
    retention = load_settings().retention

    ended = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
    assert {status for status in dg.DagsterRunStatus if retention.days("a", status)} == ended


def test_a_time_that_the_board_needs_is_refused_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("retention:\n  keep_days: {success: 3, failure: 30, canceled: 90}\n")
    monkeypatch.setenv(VARIABLE, str(path))

    with pytest.raises(ConfigurationError) as raised:
        load_settings()

    assert str(raised.value) == (
        f"{path}:2: retention.keep_days.success: 3 is not allowed, "
        "allowed is a number from 14 to 3650"
    )


def test_the_schema_for_editors_is_up_to_date() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == schema_text()
