"""Whatever holds people's data belongs to its owner alone from the moment it exists."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gocardless.bank_api.client import Answer
from gocardless.bank_api.limits import Limit
from gocardless.extraction.journal import AnswerJournal, Received, Wording
from gocardless.statement_files.formats.csv import mapping as csv_mapping
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.warehouse import write_warehouse
from shared_lib.warehouse.lease import writing_lease
from simulation.report.files import replaced

FOLDER = 0o700


@pytest.fixture(autouse=True)
def _usual_mask() -> Iterator[None]:
    """Files are readable by all unless the code prevents it, as on most machines."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def permissions(root: Path) -> dict[str, int]:
    """Of everything below ``root``, except what is as narrow as it should be."""
    return {
        str(path.relative_to(root)): stat.S_IMODE(path.stat().st_mode)
        for path in root.rglob("*")
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    }


def test_a_warehouse_its_log_and_its_lease(tmp_path: Path) -> None:
    path = tmp_path / "data" / "deep" / "bank.duckdb"
    with (
        writing_lease(path, holder="test", wait_seconds=1, on_wait=print),
        write_warehouse(path) as connection,
    ):
        connection.execute("create table people as select 'name' as name")
        assert {file.name for file in path.parent.iterdir()} >= {"bank.duckdb", "bank.duckdb.wal"}
        assert permissions(tmp_path) == {}
        connection.execute(f"copy people to '{path.with_name('export.csv')}'")
    assert permissions(tmp_path) == {}
    assert path.stat().st_size > 0


def test_a_warehouse_without_a_lease(tmp_path: Path) -> None:
    with write_warehouse(tmp_path / "data" / "bank.duckdb") as connection:
        connection.execute("create table people as select 'name' as name")
        assert permissions(tmp_path) == {}


def test_answers_of_banks(tmp_path: Path) -> None:
    wording = Wording(write=lambda body: [body], read=str)
    journal = AnswerJournal(tmp_path / "bank.duckdb.answers" / "transactions", wording)
    answer = Answer("the body", Limit())
    journal.keep(Received("account", answer, datetime(2026, 1, 1, tzinfo=UTC)))
    assert permissions(tmp_path) == {}


def test_mappings_of_statement_files(tmp_path: Path) -> None:
    columns = csv_mapping.Columns(booking_date="Date", amount="Amount")
    mapping = csv_mapping.Mapping.model_construct(bank="a", columns=columns)
    csv_mapping.save(mapping, tmp_path / "mappings")
    assert permissions(tmp_path) == {}


def test_reports(tmp_path: Path) -> None:
    with replaced(tmp_path / "report.html") as unfinished:
        unfinished.write_text("salaries")
        assert permissions(tmp_path) == {}
    assert permissions(tmp_path) == {}


RUN = """
import dagster as dg
from simulation.run.__main__ import _instance_home

@dg.asset
def shown(context):
    print("in the compute log")
    context.log.info("in the events")

_instance_home()
with dg.DagsterInstance.get() as instance:
    assert dg.materialize([shown], instance=instance).success
"""


def test_dagsters_home_with_its_events_and_logs(tmp_path: Path) -> None:
    home = tmp_path / "place" / "home"
    ended = subprocess.run(
        [sys.executable, "-c", RUN],
        env={**os.environ, "DAGSTER_HOME": str(home), "TMPDIR": str(tmp_path)},
        cwd=REPOSITORY_ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert list(home.rglob("*.db"))
    assert list(home.rglob("*.out"))
    # a copy of the repository's file, which holds no data
    assert permissions(tmp_path).keys() <= {"place/home/dagster.yaml"}


def test_make_creates_the_home_for_its_owner(tmp_path: Path) -> None:
    recipe = (REPOSITORY_ROOT / "Makefile").read_text()
    created = [line for line in recipe.splitlines() if 'mkdir -p "$$DAGSTER_HOME"' in line]
    for number, line in enumerate(created):
        home = tmp_path / f"home{number}"
        command = line.strip().removeprefix("@").removesuffix("\\").replace("$$", "$")
        variables = {**os.environ, "DAGSTER_HOME": str(home)}
        subprocess.run(["bash", "-c", command], env=variables, check=True)
        assert stat.S_IMODE(home.stat().st_mode) == FOLDER
    assert created


def test_what_exists_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "data" / "bank.duckdb"
    with write_warehouse(path):
        pass
    path.chmod(0o640)
    path.parent.chmod(0o750)
    with write_warehouse(path) as connection:
        connection.execute("create table people as select 'name' as name")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
