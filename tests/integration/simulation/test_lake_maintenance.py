"""Maintenance of a lake: what nothing needs goes, and what a snapshot has stays as it was."""

import json
import multiprocessing
from collections.abc import Mapping
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.simulation.lake_writers import LOCATION, claim, create_ledger, write_year

from shared_lib.warehouse import WarehouseBusyError, read_location
from shared_lib.warehouse.backends import hold_location
from shared_lib.warehouse.lake.attachment import open_lake
from shared_lib.warehouse.lake.claim import Claim
from shared_lib.warehouse.lake.maintenance import UNTOUCHED, Maintained, maintain_lake
from simulation.housekeeping.maintenance import lake_maintenance_job
from simulation.warehouse.__main__ import main

SPAWN = multiprocessing.get_context("spawn")
AT_ONCE = timedelta(0)
States = Mapping[int, tuple[Any, ...] | None]


def maintained(
    *, keep: timedelta = UNTOUCHED, is_dry: bool = False, untouched: timedelta = AT_ONCE
) -> Maintained:
    return maintain_lake(
        LOCATION, keep=keep, is_dry=is_dry, untouched=untouched, wait_seconds=0, on_wait=print
    )


def states() -> States:
    """The rows of the ledger and of the claim in each snapshot."""
    with read_location(LOCATION) as connection:
        snapshots = connection.execute(
            "select snapshot_id from simulation.snapshots() order by snapshot_id"
        ).fetchall()
        return {
            number: connection.execute(
                "select count(*), sum(hash(part, year, employee)), (select (holder, changes) "
                f"from claims.baseline at (version => {number})) "
                f"from ledger at (version => {number})"
            ).fetchone()
            for (number,) in snapshots
            if number >= 4  # from here on there are both tables
        }


def files(lake: Path) -> set[Path]:
    return set(lake.rglob("*.parquet"))


def write_two_runs() -> Claim:
    create_ledger()
    first, second = (claim("baseline", f"run {number}") for number in range(2))
    for mine in (first, second):
        with open_lake(LOCATION) as connection:
            mine.take(connection)
            for year in (2025, 2026, 2027):
                write_year(connection, mine, year)
    return second


def halt_in_transaction(report: Connection) -> None:
    """Write rows in a transaction that does not end."""
    with open_lake(LOCATION) as connection:
        connection.begin()
        connection.execute("insert into ledger select 'killed', 2025, unnest(range(500))")
        report.send("written")
        report.poll(None)


def leave_orphan(lake: Path) -> Path:
    before = files(lake)
    ours, theirs = SPAWN.Pipe()
    writer = SPAWN.Process(target=halt_in_transaction, args=(theirs,))
    writer.start()
    ours.recv()
    writer.kill()
    writer.join()
    (orphan,) = files(lake) - before
    return orphan


def test_what_a_snapshot_has_stays_and_what_a_killed_writer_left_goes(lake: Path) -> None:
    write_two_runs()
    orphan = leave_orphan(lake)
    before, there = states(), files(lake)

    # as long as a writer could still be at work, nothing is touched
    young = maintained(is_dry=True, untouched=UNTOUCHED)
    assert (young.orphans, young.old_files) == ([], [])
    foreseen = maintained(is_dry=True)
    assert [Path(path) for path in foreseen.orphans] == [orphan]
    assert (states(), files(lake)) == (before, there)

    report = maintained()
    assert report.orphans == foreseen.orphans
    assert not report.snapshots
    assert report.merged["main.ledger"] == 3
    assert not orphan.exists()
    after = states()
    assert {number: after[number] for number in before} == before

    # readers of this moment have had the files that it merged
    later = maintained()
    assert (later.merged, len(later.old_files)) == ({}, 3)
    assert states() == after
    kept = files(lake)
    again = maintained()
    assert (again.merged, again.snapshots, again.old_files, again.orphans) == ({}, [], [], [])
    assert states() == after
    assert files(lake) == kept


def test_of_what_is_older_the_last_snapshot_stays(lake: Path) -> None:
    mine = write_two_runs()
    before = states()
    foreseen = maintained(keep=AT_ONCE, is_dry=True)
    assert states() == before
    report = maintained(keep=AT_ONCE)
    assert list(report.snapshots) == list(foreseen.snapshots) != []
    maintained(keep=AT_ONCE)
    after = states()
    assert set(after.values()) == {before[max(before)]}
    assert len(files(lake / "simulation" / "main")) == 1
    # the next run goes on
    with open_lake(LOCATION) as connection:
        write_year(connection, mine, 2028)


def test_it_goes_on_beside_a_run_but_not_beside_who_holds_the_location(lake: Path) -> None:
    write_two_runs()
    with hold_location(LOCATION, part="baseline", holder="run 3", wait_seconds=0, on_wait=print):
        assert maintained().merged
    with (
        hold_location(LOCATION, holder="retention", wait_seconds=0, on_wait=print),
        pytest.raises(WarehouseBusyError, match="by retention"),
    ):
        maintained()


def test_the_command_shows_and_the_job_does_it_where_somebody_has_agreed(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PLATFORM_SETTINGS", raising=False)
    assert main(["maintain", "--dry-run"]) == 2
    assert "no tables of simulation yet" in capsys.readouterr().err
    assert not files(lake)
    write_two_runs()
    there = files(lake)
    assert main(["maintain", "--dry-run"]) == 0
    [table, summary] = capsys.readouterr().out.splitlines()
    assert table.split() == ["3", "file", "to", "look", "at", "main.ledger"]
    assert summary.endswith("0 snapshots, 0 old files and 0 orphans would be deleted")

    def executed() -> dict[str, dg.MetadataValue]:
        result = lake_maintenance_job.execute_in_process()
        (output,) = (one for one in result.all_events if one.event_type_value == "STEP_OUTPUT")
        return dict(output.step_output_data.metadata)

    assert executed()["dry_run"].value is True
    assert files(lake) == there
    settings = tmp_path / "platform.yaml"
    settings.write_text("retention: {}\ndata: {deletes: true, lake_days: 1}\n")
    monkeypatch.setenv("PLATFORM_SETTINGS", str(settings))
    done = executed()
    assert done["dry_run"].value is False
    changed = done["changed"]
    assert isinstance(changed, dg.TableMetadataValue)
    assert {"what": "merged file", "where": "main.ledger", "number": 3} in [
        record.data for record in changed.records
    ]
    assert main(["maintain", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"dry_run": False, "rows": []}
