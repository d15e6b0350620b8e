"""``python -m bench.simulation.scenarios_at_once``: whole runs of scenarios at once on a lake.

Each is ``python -m simulation.run`` in a process of its own, five years from a generated census to
the report. The lake and Dagster's storage are in one Postgres. The project is parsed and a first
scenario has run before anything is measured. As many runs as there are cores use the machine as
well as it can be used, so the many are compared with so many at a time, one group after the other.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from ruamel.yaml import YAML

from bench.figures.measuring import MeasuredProcessError
from bench.simulation.lake_writers import lead_to_lake
from sandboxes.postgres import PASSWORD, connect, postgres_server
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.dbt.project import target_directory
from shared_lib.discovery.dbt.preparation import parse
from simulation.config import CONFIGURATION_FILE

# the command with a configuration file that is not the repository's
_COMMAND = ("-m", "tests.integration.simulation.configured")
_LAST_CHARACTERS = 3000


@dataclass(frozen=True)
class Group:
    """Scenarios that ran at once.

    Attributes:
        scenarios: how many.
        seconds: from the start of the first to the end of the last.
        cpu_seconds: of their processes, without Postgres.
    """

    scenarios: int
    seconds: float
    cpu_seconds: float


def main() -> None:
    """Measure and print."""
    cores = len(os.sched_getaffinity(0))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--employees", type=int, default=100_000, help="of each scenario")
    parser.add_argument("--scenarios", type=int, default=8, help="at once")
    asked = parser.parse_args()
    sizes = [*dict.fromkeys((1, cores, asked.scenarios))]
    print("| scenarios at once | seconds | CPU s |")
    print("| ---: | ---: | ---: |")
    groups = []
    for group in measure(sizes, asked.employees):
        print(f"| {group.scenarios} | {group.seconds:.1f} | {group.cpu_seconds:.1f} |", flush=True)
        groups.append(group)
    print("\n".join(ratios(groups, cores)))


def ratios(groups: Sequence[Group], cores: int) -> list[str]:
    """Return what the largest group took, compared with what so many cores allow."""
    most = max(groups, key=lambda group: group.scenarios)
    full = next(group for group in groups if group.scenarios == cores)
    one_after_the_other = full.seconds * most.scenarios / cores
    busy = most.cpu_seconds / cores
    against_cores = (
        f"{most.scenarios} at once: {most.seconds / one_after_the_other:.2f} of the time of "
        f"{cores} at a time, {one_after_the_other:.1f} s"
    )
    return [
        against_cores,
        f"{most.seconds / busy:.2f} of their CPU divided by {cores} cores, {busy:.1f} s",
    ]


def measure(sizes: Sequence[int], employees: int) -> Iterator[Group]:
    """Run so many scenarios at once, each group after the one before it."""
    names = [f"scenario_{number}" for number in range(1 + sum(sizes))]
    with postgres_server() as port, tempfile.TemporaryDirectory(prefix="bench-") as directory:
        home = Path(directory)
        lead_to_platform(home, port)
        configuration = with_scenarios(names, home)
        parse("simulation", target_directory("simulation"))
        left = iter(names)
        _run(islice(left, 1), employees, configuration)
        for size in sizes:
            yield _run(islice(left, size), employees, configuration)


def lead_to_platform(home: Path, port: int) -> None:
    """Set the variables of a platform below ``home`` with all its databases in one Postgres."""
    with connect(port, "postgres", PASSWORD) as connection:
        connection.execute("create database dagster")
    (home / "lake").mkdir()
    (home / "dagster").mkdir()
    lead_to_lake(port, home / "lake")
    os.environ |= {
        "DAGSTER_ENVIRONMENT": "ci",
        "DAGSTER_HOME": str(home / "dagster"),
        "DBT_TARGET_PATH": str(home / "target"),
        "PGPASSWORD": PASSWORD,
        "PLATFORM_DATA_DIRECTORY": str(home / "data"),
    }
    storage = {
        "module": "shared_lib.storage.postgres",
        "class": "PostgresStorage",
        "config": {
            "postgres_db": {
                "hostname": "127.0.0.1",
                "port": port,
                "username": "postgres",
                "db_name": "dagster",
            }
        },
    }
    instance = {"storage": {"custom": storage}, "telemetry": {"enabled": False}}
    with (home / "dagster" / "dagster.yaml").open("w") as file:
        YAML().dump(instance, file)


def with_scenarios(names: Sequence[str], directory: Path) -> Path:
    """Write the configuration with further scenarios that all are the baseline."""
    yaml = YAML()
    document = yaml.load(CONFIGURATION_FILE)
    document["scenarios"] = {**document["scenarios"], **{name: {} for name in names}}
    path = directory / CONFIGURATION_FILE.name
    with path.open("w") as file:
        yaml.dump(document, file)
    return path


def _run(scenarios: Iterator[str], employees: int, configuration: Path) -> Group:
    begun, cpu = time.monotonic(), _cpu_seconds()
    runs = []
    for scenario in scenarios:
        log = configuration.with_name(f"{scenario}.log")
        command = [
            sys.executable, *_COMMAND, configuration, "simulation.run",
            "--scenario", scenario, "--generate", str(employees),
        ]  # fmt: skip
        with log.open("w") as file:
            run = subprocess.Popen(
                command, cwd=REPOSITORY_ROOT, stdout=file, stderr=subprocess.STDOUT
            )
        runs.append((log, run))
    for _, run in runs:
        run.wait()
    for log, run in runs:
        if run.returncode != 0:
            text = log.read_text(encoding="utf-8")[-_LAST_CHARACTERS:]
            raise MeasuredProcessError(f"{log.stem} ended with {run.returncode}:\n{text}")
    return Group(len(runs), time.monotonic() - begun, _cpu_seconds() - cpu)


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
