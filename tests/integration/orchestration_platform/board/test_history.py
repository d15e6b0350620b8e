"""What materializations took and made is found again by Dagster's own ways to its log of events."""

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.databases import (
    DATABASES,
    postgres_instance,
    running_postgres,
    sqlite_instance,
    sqlite_template,
)

from orchestration_platform.board.history import event_window
from orchestration_platform.board.history.costs import costs_by_job
from orchestration_platform.board.history.materializations import (
    Materializations,
    MaterializationWindow,
)
from orchestration_platform.board.history.run_window import RunWindow

# six usual ones and an odd one
ROWS = [100, 104, 98, 100, 101, 99, 500]
YEARS = ["2025", "2026", "2027"]
YEARLY = dg.AssetKey("yearly")
FILLED_BY_YEAR = dg.AssetSelection.assets(YEARLY)
TAGS = {".dagster/repository": "__repository__@shop"}


def recorded(**metadata: Any) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata=metadata)


def definitions(rows: int) -> dg.Definitions:
    @dg.asset
    def counted() -> dg.MaterializeResult:
        return recorded(**{"dagster/row_count": rows, "note": "text", "bytes": 2 * rows})

    @dg.asset
    def modelled() -> dg.MaterializeResult:
        return recorded(**{"Execution Duration": rows / 10, "calls": 3})

    @dg.multi_asset(specs=[dg.AssetSpec("timed"), dg.AssetSpec("untimed")])
    def both() -> Iterator[dg.MaterializeResult]:
        yield dg.MaterializeResult("timed", metadata={"seconds": 1.5})
        yield dg.MaterializeResult("untimed")

    @dg.asset(
        partitions_def=dg.StaticPartitionsDefinition(YEARS),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def yearly() -> dg.MaterializeResult:
        return recorded(cpu_seconds=rows / 4, bytes=rows)

    return dg.Definitions(
        [counted, modelled, both, yearly],
        jobs=[
            dg.define_asset_job("fill", selection=dg.AssetSelection.all() - FILLED_BY_YEAR),
            dg.define_asset_job("fill_years", selection=FILLED_BY_YEAR),
        ],
    )


def run(instance: dg.DagsterInstance, rows: int, job: str = "fill", **tags: str) -> None:
    definition = definitions(rows).resolve_job_def(job)
    definition.execute_in_process(instance=instance, tags=TAGS | tags)


@pytest.fixture(scope="module", params=DATABASES)
def instance(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dg.DagsterInstance]:
    home = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "sqlite":
            template = sqlite_template(tmp_path_factory.mktemp("empty"))
            with sqlite_instance(template, home, patch) as found:
                yield found
        else:
            with running_postgres() as postgres, postgres_instance(postgres, home, patch) as found:
                yield found


@pytest.fixture(scope="module")
def history(instance: dg.DagsterInstance) -> Materializations:
    """A read after all runs, with what was kept of a read after the first."""
    window = MaterializationWindow()
    for rows in ROWS[:2]:
        run(instance, rows)
    window.read(instance, now=datetime.now(UTC))
    for rows in ROWS[2:]:
        run(instance, rows)
    for first, last in ((0, 2), (1, 2)):
        run(instance, ROWS[first], "fill_years", **{
            "dagster/asset_partition_range_start": YEARS[first],
            "dagster/asset_partition_range_end": YEARS[last],
        })  # fmt: skip
    return window.read(instance, now=datetime.now(UTC))


def test_a_read_with_what_was_kept_is_a_first_read(
    instance: dg.DagsterInstance, history: Materializations
) -> None:
    assert history == MaterializationWindow().read(instance, now=datetime.now(UTC))
    assert history.is_complete


def test_times_are_those_that_dbt_the_asset_or_else_its_own_step_recorded(
    instance: dg.DagsterInstance, history: Materializations
) -> None:
    of_step = [
        entry.dagster_event.step_success_data.duration_ms / 1000
        for record in reversed(instance.get_run_records(dg.RunsFilter(job_name="fill")))
        for entry in instance.all_logs(record.dagster_run.run_id, dg.DagsterEventType.STEP_SUCCESS)
        if entry.dagster_event and entry.dagster_event.step_key == "counted"
    ]
    found = {name: list(asset.seconds) for name, asset in history.assets.items()}
    assert len(of_step) == len(ROWS)
    assert found["counted"] == pytest.approx(of_step)
    assert found["modelled"] == [rows / 10 for rows in ROWS]
    assert found["timed"] == [1.5] * len(ROWS)
    assert found["untimed"] == []
    # by step, not by partition
    assert len(found["yearly"]) == 2
    assert history.assets["modelled"].median_seconds == statistics.median(ROWS) / 10
    assert history.assets["modelled"].p95_seconds == max(ROWS) / 10


def test_rows_and_sums_are_those_of_the_log(
    instance: dg.DagsterInstance, history: Materializations
) -> None:
    for name in history.assets.keys() - {"yearly"}:
        asset = history.assets[name]
        events = instance.fetch_materializations(dg.AssetKey(name), limit=100).records
        made = [event.asset_materialization for event in reversed(events)]
        values: dict[str, list[Any]] = {
            label: [one.metadata[key].value for one in made if one and key in one.metadata]
            for label, key in (
                ("rows", "dagster/row_count"),
                ("bytes", "bytes"),
                ("calls", "calls"),
            )
        }
        assert asset.number == len(made) == len(ROWS)
        assert asset.rows == (values["rows"] or [None])[-1]
        assert asset.amounts == {what: sum(those) for what, those in values.items() if those}


def test_what_a_step_recorded_for_several_partitions_counts_once(
    history: Materializations, instance: dg.DagsterInstance
) -> None:
    yearly = history.assets["yearly"]
    assert yearly.number == len(instance.fetch_materializations(YEARLY, limit=100).records) == 5
    recorded_once = {"cpu_seconds": sum(ROWS[:2]) / 4, "bytes": sum(ROWS[:2])}
    assert yearly.amounts == recorded_once
    records = instance.get_run_records(dg.RunsFilter(job_name="fill_years"))
    by_run = [history.by_run[record.dagster_run.run_id] for record in reversed(records)]
    assert by_run == [{"cpu_seconds": rows / 4, "bytes": rows} for rows in ROWS[:2]]


def test_the_usual_rows_are_a_band_around_the_median_of_those_before(
    history: Materializations,
) -> None:
    band = history.assets["counted"].band
    assert band is not None
    # the median of the absolute deviations 0, 4, 2, 0, 1, 1 from 100 is 1
    assert (band.low, band.high) == (95, 105)
    assert not band.has(ROWS[-1])
    assert history.assets["modelled"].band is None


def test_the_cost_of_a_job_is_that_of_its_runs(
    instance: dg.DagsterInstance, history: Materializations
) -> None:
    now = datetime.now(UTC)
    sums = costs_by_job(RunWindow().read(instance, now=now), history)[("shop", "fill")]
    records = instance.get_run_records(dg.RunsFilter(job_name="fill"))
    seconds = sum((one.end_time or 0.0) - (one.start_time or 0.0) for one in records)
    assert sums == pytest.approx({
        "seconds": seconds, "rows": sum(ROWS), "bytes": 2 * sum(ROWS), "calls": 3 * len(ROWS),
    })  # fmt: skip


def test_a_long_history_is_read_in_parts_the_newest_first(
    instance: dg.DagsterInstance, history: Materializations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_window, "MOST_IN_A_READ", 9)
    window, now = MaterializationWindow(), datetime.now(UTC)
    parts = [window.read(instance, now=now) for _ in range(4)]
    assert [part.is_complete for part in parts] == [False, False, False, True]
    assert parts[0].assets["counted"].rows == ROWS[-1]
    assert parts[0].assets["counted"].number < len(ROWS)
    assert parts[-1].by_run == history.by_run


def test_what_is_older_than_the_window_is_dropped(
    instance: dg.DagsterInstance, history: Materializations
) -> None:
    window, now = MaterializationWindow(), datetime.now(UTC)
    assert window.read(instance, now=now).assets.keys() == history.assets.keys()
    assert window.read(instance, now=now + timedelta(days=15)).assets == {}
