"""``python -m bench.simulation.lake_writers``: years that scenarios write into a lake at once.

Each process writes the years of a scenario of its own, each in a transaction under its claim, as a
run does. What a run computes in between is left out, so this is what the lake itself can take.
"""

import argparse
import multiprocessing
import os
import resource
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from sandboxes.postgres import PASSWORD, postgres_server
from shared_lib.warehouse.backends import hold_location, write_location
from shared_lib.warehouse.lake.claim import claimed

_LOCATION = "simulation"
_WRITERS = (1, 2, 4, 8)
_YEARS = 5

_ROWS = """
insert into ledger
select
    $part, $year, employee, md5(employee::varchar), 50000 + hash(employee) % 100000,
    date '2020-01-01' + (employee % 2000)::integer
from range($employees) as employees (employee)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--employees", type=int, default=100_000)
    employees = parser.parse_args().employees
    print("| scenarios at once | seconds | years a second | CPU s a year |")
    print("| ---: | ---: | ---: | ---: |")
    for writers in _WRITERS:
        seconds, cpu = measure(writers, employees)
        years = writers * _YEARS
        print(f"| {writers} | {seconds:.1f} | {years / seconds:.2f} | {cpu / years:.2f} |")


def measure(writers: int, employees: int) -> tuple[float, float]:
    """Return how long the years of all scenarios took, and the CPU of the writers meanwhile."""
    spawn = multiprocessing.get_context("spawn")
    with postgres_server() as port, tempfile.TemporaryDirectory() as directory:
        lead_to_lake(port, Path(directory))
        with write_location(_LOCATION) as connection:
            connection.execute(
                "create table ledger (part varchar, year integer, employee bigint, id varchar, "
                "annual_compensation bigint, hire_date date)"
            )
        pipes = [spawn.Pipe() for _ in range(writers)]
        processes = [
            spawn.Process(target=_write, args=(f"scenario {number}", employees, theirs))
            for number, (_, theirs) in enumerate(pipes)
        ]
        for process in processes:
            process.start()
        for ours, _ in pipes:
            ours.recv()  # it has the lease and the claim
        begun = time.monotonic()
        for ours, _ in pipes:
            ours.send("go")
        cpu = sum(ours.recv() for ours, _ in pipes)
        seconds = time.monotonic() - begun
        for process in processes:
            process.join()
        return seconds, cpu


def lead_to_lake(port: int, data: Path) -> None:
    """Set the variables of a lake whose catalog is in the Postgres at ``port``."""
    os.environ |= {
        "WAREHOUSE": "lake",
        "WAREHOUSE_CATALOG": f"postgresql://postgres@127.0.0.1:{port}/postgres",
        "WAREHOUSE_CATALOG_SECRET": "lake/catalog",
        "LAKE_CATALOG__PASSWORD": PASSWORD,
        "WAREHOUSE_DATA": str(data),
    }


def _write(part: str, employees: int, pipe: Connection) -> None:
    with (
        hold_location(_LOCATION, part=part, holder=part, wait_seconds=60, on_wait=print),
        claimed(_LOCATION, part=part, holder=part) as (mine, connection),
    ):
        pipe.send("ready")
        pipe.recv()
        before = _cpu_seconds()
        for year in range(2025, 2025 + _YEARS):
            with mine.written(connection):
                connection.execute("delete from ledger where part = ? and year = ?", [part, year])
                connection.execute(_ROWS, {"part": part, "year": year, "employees": employees})
        pipe.send(_cpu_seconds() - before)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
