"""``python -m shared_lib.definitions_check``: check that every code location loads correctly.

Loads each location of the workspace in a separate process, without network access. It must load
without warnings and within a limit of CPU time, which a busy machine does not change; its assets
must have an owner, a kind and a description, and its jobs must select something. Otherwise exits
with status 1 and one line for each problem.
"""

import argparse
import importlib
import json
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import ConfigurationError, load_yaml

WORKSPACE = REPOSITORY_ROOT / "workspace.yaml"
TIME_LIMIT_SECONDS = 20.0


@dataclass
class LocationReport:
    """The result of loading one location, in CPU seconds; ``problems`` is empty if it is OK."""

    module: str
    seconds: float = 0.0
    assets: int = 0
    checks: int = 0
    jobs: int = 0
    problems: list[str] = field(default_factory=list)


def workspace_modules(workspace: Path = WORKSPACE) -> dict[str, str]:
    """Return location names and definitions modules of a ``workspace.yaml``.

    Raises:
        ConfigurationError: the file is missing or not YAML.
    """
    entries = [entry["python_module"] for entry in load_yaml(workspace)["load_from"]]
    return {entry["location_name"]: entry["module_name"] for entry in entries}


def check_in_own_process(
    module: str, *, time_limit_seconds: float = TIME_LIMIT_SECONDS
) -> LocationReport:
    """Load ``module`` in a fresh interpreter and report on it."""
    child = subprocess.run(  # noqa: S603 - this interpreter with this module
        [sys.executable, "-m", "shared_lib.definitions_check", "--module", module],
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        report = LocationReport(**json.loads(child.stdout.splitlines()[-1]))
    except (IndexError, json.JSONDecodeError):
        return LocationReport(module, problems=[f"the process died: {child.stderr[-2000:]}"])
    if report.seconds > time_limit_seconds:
        report.problems.append(
            f"took {report.seconds:.1f} s of CPU to load, allowed: {time_limit_seconds:g} s"
        )
    return report


def check_here(module: str) -> LocationReport:
    """Load ``module`` in this process, which is cut off from the network for good."""
    report = LocationReport(module)
    cut_off_network()
    warnings.showwarning = lambda message, category, filename, lineno, *_: report.problems.append(
        f"warning at {filename}:{lineno}: {category.__name__}: {message}"
    )
    before = _cpu_seconds()
    try:
        _examine(module, report)
    except Exception as error:  # noqa: BLE001 - any error that stops a load is reported
        report.problems.append(f"{type(error).__name__}: {error}")
    report.seconds = _cpu_seconds() - before
    return report


def _cpu_seconds() -> float:
    """Return the CPU time of this process and of the children it has waited for."""
    return sum(os.times()[:4])


def cut_off_network() -> None:
    """Prevent this process from opening any network connection from now on."""

    def refuse(_socket: socket.socket, address: Any) -> NoReturn:
        message = f"loading definitions must not use the network, but it tried to reach {address}"
        raise ConnectionRefusedError(message)

    socket.socket.connect = refuse
    socket.socket.connect_ex = refuse


def _examine(module: str, report: LocationReport) -> None:
    import dagster as dg

    loaded = importlib.import_module(module)
    found = [value for value in vars(loaded).values() if isinstance(value, dg.Definitions)]
    if len(found) != 1:
        report.problems.append(f"has {len(found)} Definitions objects, expected one")
        return
    definitions = found[0]
    dg.Definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    report.assets = len(graph.get_all_asset_keys())
    report.checks = len(graph.asset_check_keys)
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        missing = [
            name
            for name, value in (
                ("owner", node.owners),
                ("group", node.group_name if node.group_name != "default" else None),
                ("kind", node.kinds),
                ("description", node.description),
            )
            if not value
        ]
        if missing:
            report.problems.append(
                f"asset {key.to_user_string()} has no {' and no '.join(missing)}"
            )
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    report.jobs = len(jobs)
    report.problems += [
        f"job {job.name} selects nothing" for job in jobs if not job.graph.node_defs
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the workspace, or with ``--module`` one location, and print the result."""
    parser = argparse.ArgumentParser(prog="python -m shared_lib.definitions_check")
    parser.description = __doc__
    parser.add_argument("--workspace", type=Path, default=WORKSPACE, help="a workspace.yaml")
    parser.add_argument("--module", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    if asked.module:
        print(json.dumps(asdict(check_here(asked.module))))
        return 0
    try:
        modules = workspace_modules(asked.workspace)
    except ConfigurationError as error:
        parser.error(f"argument --workspace: {error}")
    failed = False
    for name, module in modules.items():
        report = check_in_own_process(module)
        failed = failed or bool(report.problems)
        print(
            f"{name}: {report.assets} assets, {report.checks} checks, {report.jobs} jobs, "
            f"loaded in {report.seconds:.1f} s of CPU"
        )
        for problem in report.problems:
            print(f"{name}: {problem}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
