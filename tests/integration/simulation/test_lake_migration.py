"""A migration between file and lake: the same rows and views, or nothing at all."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from tests.integration.simulation.conftest import Finished
from tests.integration.simulation.migrating import (
    LOCATION,
    fill,
    migrate,
    migrate_until_killed,
)
from upath import UPath

from orchestration_platform.backup.archives import StagedFiles, extract
from orchestration_platform.backup.data_directory import add_data, no_run_writes
from orchestration_platform.backup.errors import BackupError
from shared_lib.warehouse import (
    WarehouseBusyError,
    WarehouseMissingError,
    read_location,
    read_warehouse,
    write_warehouse,
)
from shared_lib.warehouse.lake.attachment import open_lake
from shared_lib.warehouse.lake.claim import Claim
from shared_lib.warehouse.lake.lease import lake_lease
from shared_lib.warehouse.lake.migration import MigrationRefusedError
from shared_lib.warehouse.lease import writing_lease
from shared_lib.warehouse.setting import Backend
from simulation.warehouse.__main__ import main
from simulation.workbook.__main__ import main as write_workbook

SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def file(lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small warehouse file beside an empty lake."""
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    path = tmp_path / "data" / "simulation.duckdb"
    with write_warehouse(path) as connection:
        fill(connection)
    return path


def rows(connection: duckdb.DuckDBPyConnection, *relations: str) -> list[list[tuple[object, ...]]]:
    return [
        connection.execute(f"select columns(*)::varchar from {relation} order by all").fetchall()
        for relation in relations
    ]


ALL = ("raw.people", "raw.nothing", "raw.kinds", "marts.z_named", "marts.a_pairs")


def test_there_and_back_are_the_same_rows_views_and_keys(file: Path) -> None:
    with read_warehouse(file) as connection:
        before = rows(connection, *ALL)
    moved = migrate(Backend.LAKE)
    assert {name: count for name, (count, _) in moved.digests.items()} == {
        name: len(found) for name, found in zip(ALL, before, strict=True)
    }
    with read_location(LOCATION) as connection:
        assert rows(connection, *ALL) == before
    with pytest.raises(MigrationRefusedError, match=r"simulation\.duckdb exists, and nothing"):
        migrate(Backend.FILE)
    file.unlink()
    assert migrate(Backend.FILE).digests == moved.digests
    with write_warehouse(file) as connection:
        assert rows(connection, *ALL) == before
        with pytest.raises(duckdb.ConstraintException, match="Duplicate key"):
            connection.execute("insert into raw.people values (1, 'again')")


def test_a_view_with_other_rows_than_its_source_is_refused(file: Path) -> None:
    with write_warehouse(file) as connection:
        connection.execute("create view marts.a_dice as select random() as thrown from raw.people")
    with pytest.raises(MigrationRefusedError, match=r"marts\.a_dice has 1,000 rows with the dig"):
        migrate(Backend.LAKE)
    with read_location(LOCATION) as connection:
        assert connection.execute("from duckdb_views() where not internal").fetchall() == []
    # so what is compared are the rows of two places: a view reads the tables of its own
    with write_warehouse(file) as connection:
        connection.execute("drop view marts.a_dice")
    migrate(Backend.LAKE)
    with write_warehouse(file) as connection:
        connection.execute("delete from raw.people where id > 0")
    with open_lake(LOCATION) as connection:
        connection.execute(f"attach '{file}' as source (read_only)")
        for place, people in (("source", 1), (LOCATION, 1000)):
            assert len(connection.execute(f"from {place}.marts.z_named").fetchall()) == people


def test_what_is_there_is_replaced_only_when_somebody_says_so_and_kept(file: Path) -> None:
    migrate(Backend.LAKE)
    with write_warehouse(file) as connection:
        connection.execute("delete from raw.people where id > 0")
    with pytest.raises(MigrationRefusedError, match="the lake has 5 tables and views"):
        migrate(Backend.LAKE)
    moved = migrate(Backend.FILE, may_replace=True)
    assert moved.digests["raw.people"][0] == 1000
    assert moved.kept is not None
    with read_warehouse(moved.kept) as connection:
        assert rows(connection, "raw.people") == [[("0", "name 0")]]
    file.unlink()
    moved.kept.rename(file)
    assert migrate(Backend.LAKE, may_replace=True).digests["raw.people"][0] == 1
    with read_location(LOCATION) as connection:
        assert rows(connection, "raw.people") == [[("0", "name 0")]]


@pytest.mark.parametrize("to", Backend)
def test_a_killed_migration_leaves_source_and_target_and_can_be_repeated(
    to: Backend, file: Path
) -> None:
    if to is Backend.FILE:
        migrate(Backend.LAKE)
        file.unlink()
    ours, theirs = SPAWN.Pipe()
    killed = SPAWN.Process(target=migrate_until_killed, args=(to, theirs))
    killed.start()
    assert ours.recv() == "copied"
    killed.kill()
    killed.join()
    if to is Backend.FILE:
        assert not file.exists()
        with read_location(LOCATION) as connection:
            before = rows(connection, *ALL)
    else:
        with read_location(LOCATION) as connection:
            assert connection.execute("from duckdb_tables()").fetchall() == []
        with read_warehouse(file) as connection:
            before = rows(connection, *ALL)
    migrate(to)
    opened = read_warehouse(file) if to is Backend.FILE else read_location(LOCATION)
    with opened as connection:
        assert rows(connection, *ALL) == before


def test_it_is_refused_while_a_run_writes_or_nothing_is_there(file: Path) -> None:
    with (
        lake_lease(LOCATION, part="baseline", holder="run 1", wait_seconds=0, on_wait=print),
        pytest.raises(WarehouseBusyError, match="by run 1"),
    ):
        migrate(Backend.LAKE)
    with (
        writing_lease(file, holder="run 2", wait_seconds=0, on_wait=print),
        pytest.raises(WarehouseBusyError, match="by run 2"),
    ):
        migrate(Backend.LAKE)
    file.unlink()
    for to, message in ((Backend.LAKE, "simulation.duckdb does not exist"),
                        (Backend.FILE, "no tables of simulation yet")):  # fmt: skip
        with pytest.raises(WarehouseMissingError, match=message):
            migrate(to)


def test_a_backup_has_the_lake_as_a_file_from_which_it_is_restored(
    file: Path, tmp_path: Path
) -> None:
    moved = migrate(Backend.LAKE)
    # left behind by the migration, and no longer what there is
    with write_warehouse(file) as connection:
        connection.execute("drop table raw.people cascade")
    staged, scratch = StagedFiles(tmp_path / "staged"), tmp_path / "scratch"
    scratch.mkdir()
    with no_run_writes(file.parent, wait_seconds=0, on_wait=print):
        with pytest.raises(WarehouseBusyError, match="by a backup"):
            migrate(Backend.LAKE)
        add_data(file.parent, staged, scratch, wait_seconds=0)
    place = UPath(tmp_path / "place")
    place.mkdir()
    archive = staged.write_to(place, "data.tar.gz")
    for left in file.parent.iterdir():
        left.unlink()
    extract(place, archive, file.parent)
    assert migrate(Backend.LAKE, may_replace=True).digests == moved.digests
    with (
        lake_lease(LOCATION, part="baseline", holder="run 1", wait_seconds=0, on_wait=print),
        pytest.raises(BackupError, match="by run 1"),
    ):
        no_run_writes(file.parent, wait_seconds=0, on_wait=print).__enter__()


def test_a_simulation_moves_and_is_read_as_a_run_left_it(
    begin_with: Callable[[Finished], Path],
    finished: Finished,
    lake: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = begin_with(finished)
    results = ("marts.fct_year_summary", "monitoring.mon_data_quality")
    with read_warehouse(file) as connection:
        before = rows(connection, *results)
        found = connection.execute(
            "select count(*) from information_schema.tables "
            "where table_schema <> 'intermediate' or table_name = 'int_employee_years'"
        ).fetchone()
    assert found is not None
    assert main(["migrate", "--to", "lake"]) == 0
    assert f"{found[0]} tables and views are in the lake, the same as in" in capsys.readouterr().out
    with read_location(LOCATION) as connection:
        assert rows(connection, *results) == before

    def written(run: str, statement: str) -> None:
        claim = Claim(location=LOCATION, part="baseline", holder=f"run {run} of a_job (process 1)")
        with open_lake(LOCATION) as connection:
            claim.take(connection)
            with claim.written(connection):
                connection.execute(statement)

    written("aaaa-1", "update raw.simulation_run set run_id = 'aaaa-1'")
    written("bbbb-2", "delete from raw.simulation_year_state where simulation_year > 2026")
    written("bbbb-3", "delete from raw.simulation_year_state")

    assert write_workbook([]) == 2
    assert "stored are: none" in capsys.readouterr().err
    assert write_workbook(["--as-of", "bb"]) == 2
    assert "several runs begin with 'bb'; there are: bbbb-3 of bas" in capsys.readouterr().err
    assert write_workbook(["--as-of", "cc"]) == 2
    assert "no snapshot of a run 'cc'" in capsys.readouterr().err
    assert write_workbook(["--scenario", "baseline", "--as-of", "aaaa"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("-as-of-aaaa.xlsx")
    with read_location(LOCATION, as_of="bbbb-2") as connection:
        years = connection.execute("select count(*) from raw.simulation_year_state").fetchone()
    assert years == (2,)
    monkeypatch.setenv("WAREHOUSE", "file")
    assert write_workbook(["--as-of", "aaaa"]) == 2
    assert "only a lake can be read as a run left it" in capsys.readouterr().err
