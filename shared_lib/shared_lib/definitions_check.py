"""``python -m shared_lib.definitions_check``: check that every code location loads correctly.

Loads each location of the workspace in a separate process, without network access. It must load
without warnings and within a limit of CPU time, which a busy machine does not change; its assets
must have an owner, a kind, a description and a freshness policy or the reason why not, and its
jobs must select something. No two locations may make the same asset. Otherwise exits
with status 1 and one line for each problem.
"""

import argparse
import json
import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn, cast

from shared_lib.asset_makers import made_here, made_in_two
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.configuration.workspace_file import (
    WORKSPACE,
    Entry,
    GrpcServer,
    Location,
    PythonLocation,
    PythonModule,
    workspace_locations,
)

TIME_LIMIT_SECONDS = 20.0


@dataclass
class LocationReport:
    """The result of loading one location, in CPU seconds; ``problems`` is empty if it is OK.

    ``made`` has the keys of the assets that it makes.
    """

    module: str
    seconds: float = 0.0
    assets: int = 0
    checks: int = 0
    jobs: int = 0
    made: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def workspace_modules(workspace: Path = WORKSPACE) -> dict[str, str]:
    """Return the definitions modules of the locations of a ``workspace.yaml`` that are modules.

    Raises:
        ConfigurationError: the file is missing or wrong.
    """
    return {
        name: location.module_name
        for name, location in workspace_locations(workspace).items()
        if isinstance(location, PythonModule)
    }


def check_in_own_process(
    location: Location,
    *,
    directory: Path = WORKSPACE.parent,
    time_limit_seconds: float = TIME_LIMIT_SECONDS,
) -> LocationReport:
    """Load ``location`` in a fresh interpreter and report on it.

    Args:
        location: the location; a code server is only asked whether it serves.
        directory: where its relative paths begin.
        time_limit_seconds: the CPU time that the load may take.
    """
    if isinstance(location, GrpcServer):
        return _check_server(location)
    module = location.loaded_from
    document = Entry.of(location).model_dump_json(exclude_none=True)
    child = subprocess.run(  # noqa: S603 - this interpreter with this module
        [sys.executable, "-m", "shared_lib.definitions_check", "--location", document,
         "--workspace", str(directory / WORKSPACE.name)],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    try:
        report = LocationReport(**json.loads(child.stdout.splitlines()[-1]))
    except (IndexError, json.JSONDecodeError):
        return LocationReport(module, problems=[f"the process died: {child.stderr[-2000:]}"])
    if report.seconds > time_limit_seconds:
        report.problems.append(
            f"took {report.seconds:.1f} s of CPU to load, allowed: {time_limit_seconds:g} s"
        )
    return report


def _check_server(server: GrpcServer) -> LocationReport:
    """Ask a code server whether it serves; what it has loaded is its own matter."""
    at = ["--socket", server.socket] if server.socket else ["--port", str(server.port)]
    tls = ["--use-ssl"] if server.ssl else []
    asked = subprocess.run(  # noqa: S603 - this interpreter with Dagster's own command
        [sys.executable, "-m", "dagster", "api", "grpc-health-check", "-h", server.host, *at, *tls],
        capture_output=True,
        text=True,
        check=False,
    )
    report = LocationReport(server.name)
    if asked.returncode:
        report.problems.append(f"no code server answers at {server.host}:{at[1]}: start it")
    return report


def check_here(location: PythonLocation, directory: Path) -> LocationReport:
    """Load ``location`` in this process, which is cut off from the network for good."""
    report = LocationReport(location.loaded_from)
    cut_off_network()
    warnings.showwarning = lambda message, category, filename, lineno, *_: report.problems.append(
        f"warning at {filename}:{lineno}: {category.__name__}: {message}"
    )
    before = _cpu_seconds()
    try:
        _examine(location, directory, report)
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


def _examine(location: PythonLocation, directory: Path, report: LocationReport) -> None:
    import dagster as dg

    from shared_lib.metadata import NO_FRESHNESS_POLICY

    loaded = location.load(directory)
    named = vars(loaded)
    values = [named.get(location.attribute)] if location.attribute else named.values()
    found = [value for value in values if isinstance(value, dg.Definitions)]
    if len(found) != 1:
        report.problems.append(f"has {len(found)} Definitions objects, expected one")
        return
    definitions = found[0]
    dg.Definitions.validate_loadable(definitions)
    repository = definitions.get_repository_def()
    graph = repository.asset_graph
    report.assets = len(graph.get_all_asset_keys())
    report.made = made_here(definitions)
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
        if not (node.freshness_policy or node.metadata.get(NO_FRESHNESS_POLICY)):
            report.problems.append(
                f"asset {key.to_user_string()} has no freshness policy and no reason why not: set "
                "its freshness in orchestration.yaml, to type none with a reason where none fits"
            )
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    report.jobs = len(jobs)
    report.problems += [
        f"job {job.name} selects nothing" for job in jobs if not job.graph.node_defs
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Check the workspace, or with ``--location`` one of it, and print the result."""
    parser = argparse.ArgumentParser(prog="python -m shared_lib.definitions_check")
    parser.description = __doc__
    parser.add_argument("--workspace", type=Path, default=WORKSPACE, help="a workspace.yaml")
    parser.add_argument("--location", help=argparse.SUPPRESS)
    asked = parser.parse_args(arguments)
    directory = asked.workspace.absolute().parent
    if asked.location:
        location = Entry.model_validate_json(asked.location).chosen
        print(json.dumps(asdict(check_here(cast("PythonLocation", location), directory))))
        return 0
    try:
        locations = workspace_locations(asked.workspace)
    except ConfigurationError as error:
        parser.error(f"argument --workspace: {error}")
    failed = False
    made: dict[str, list[str]] = {}
    for name, location in locations.items():
        report = check_in_own_process(location, directory=directory)
        failed = failed or bool(report.problems)
        made[name] = report.made
        print(
            f"{name}: {report.assets} assets, {report.checks} checks, {report.jobs} jobs, "
            f"loaded in {report.seconds:.1f} s of CPU"
        )
        for problem in report.problems:
            print(f"{name}: {problem}", file=sys.stderr)
    # of locations that all load, so that none is compared without its assets
    twice = [] if failed else made_in_two(made)
    for problem in twice:
        print(problem, file=sys.stderr)
    return 1 if failed or twice else 0


if __name__ == "__main__":
    sys.exit(main())
