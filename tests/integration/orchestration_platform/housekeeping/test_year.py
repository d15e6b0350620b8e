"""The bench of a year stores runs as they were, and a few nights show what the year does."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from bench.orchestration_platform.copied_runs import CopiedRun
from bench.orchestration_platform.year import measure_nights
from tests.integration.orchestration_platform.housekeeping import market
from tests.integration.orchestration_platform.housekeeping.history import stored

from shared_lib.configuration.kept_data import VARIABLE


@pytest.fixture
def counted(instance: dg.DagsterInstance) -> str:
    """A run of this moment."""
    job = market.defs.resolve_job_def("counting")
    return job.execute_in_process(instance=instance).run_id


def test_a_run_is_stored_again_under_another_id_at_another_time(
    instance: dg.DagsterInstance, counted: str
) -> None:
    (again,) = CopiedRun(instance, counted).store([datetime.now(UTC) - timedelta(days=400)])

    assert stored(instance) == {counted, again}
    first, copy = (instance.get_run_record_by_id(run_id) for run_id in (counted, again))
    assert first is not None
    assert copy is not None
    moved = timedelta(seconds=(copy.start_time or 0) - (first.start_time or 0))
    assert abs(moved + timedelta(days=400)) < timedelta(seconds=200)
    # SQLite computes with milliseconds
    created = copy.create_timestamp - first.create_timestamp
    assert abs(created - moved) < timedelta(milliseconds=2)
    events = [instance.all_logs(run_id) for run_id in (counted, again)]
    assert len(events[0]) == len(events[1]) > 9
    for event, of_copy in zip(*events, strict=True):
        assert of_copy.run_id == again
        assert of_copy.message == event.message.replace(counted, again)
        assert of_copy.timestamp - event.timestamp == pytest.approx(moved.total_seconds())


def test_some_nights_end_as_small_as_the_rules_say(
    instance: dg.DagsterInstance, counted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "platform.yaml"
    settings.write_text("retention: {keep_days: {success: 14, failure: 14, canceled: 14}}\n")
    monkeypatch.setenv(VARIABLE, str(settings))

    figures = measure_nights(instance, "any", 20, executed={"counting": counted})

    assert figures.runs == 20
    # those of the last 14 days, of which the oldest is at the very limit, and the executed one
    assert figures.left in (14, 15)
    # months are in whole MB
    assert 0 < figures.runs_megabytes <= figures.largest_megabytes + 0.5
