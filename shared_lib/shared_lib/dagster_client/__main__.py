"""``python -m shared_lib.dagster_client``: start jobs in a running Dagster, and watch them.

Exit status: 0 for success, which for a run that was waited for or queried means that it succeeded;
1 when it failed or was cancelled; 2 when the command is wrong; 3 when Dagster is unavailable;
4 when it refuses, or does not know the job or run; 5 when the run has not ended yet; 130 on
Ctrl-C, which leaves the run alone.
"""

import argparse
import getpass
import json
import logging
import sys
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from shared_lib.configuration.environment import UnknownEnvironmentError, use_home_of_make
from shared_lib.dagster_client.client import DagsterClient, Progress
from shared_lib.dagster_client.errors import (
    DagsterClientError,
    DagsterUnavailableError,
    UnknownRunError,
    WaitTimeoutError,
    WebserverConfigurationError,
)
from shared_lib.dagster_client.job_runs import JobRun

SUCCEEDED, DID_NOT_SUCCEED, WRONG_COMMAND, UNAVAILABLE, REFUSED, NOT_ENDED = range(6)
INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.ERROR, format="%(message)s")
    # logs every request
    logging.getLogger("gql").setLevel(logging.ERROR)
    try:
        use_home_of_make()
        return asked.command(DagsterClient(), asked)
    except (WebserverConfigurationError, UnknownEnvironmentError) as error:
        return _complain(error, WRONG_COMMAND)
    except DagsterUnavailableError as error:
        return _complain(error, UNAVAILABLE)
    except WaitTimeoutError as error:
        return _complain(error, NOT_ENDED)
    except DagsterClientError as error:
        return _complain(error, REFUSED)
    except KeyboardInterrupt:
        return _complain("interrupted; launched runs continue, see `list`", INTERRUPTED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m shared_lib.dagster_client",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    trigger = commands.add_parser("trigger", help="launch a job and print the id of its run")
    trigger.set_defaults(command=_trigger)
    trigger.add_argument("job")
    trigger.add_argument("--location", help="the code location; required if several have the job")
    config = trigger.add_mutually_exclusive_group()
    config.add_argument(
        "--config", type=_run_config, default={}, metavar="FILE|JSON",
        help="the run configuration: a YAML or JSON file, or JSON text",
    )  # fmt: skip
    config.add_argument(
        "--connection-id", type=uuid.UUID, metavar="UUID", help="run only for this bank connection"
    )
    partitions = trigger.add_mutually_exclusive_group()
    partitions.add_argument(
        "--partition", dest="partitions", type=lambda key: (key,), default=(), metavar="KEY",
        help="the partition to compute, for a partitioned job",
    )  # fmt: skip
    partitions.add_argument(
        "--partition-range", dest="partitions", type=_partition_range, default=(),
        metavar="FIRST...LAST", help="a range of partitions, computed by one run",
    )  # fmt: skip
    trigger.add_argument(
        "--for", dest="requested_by", default=getpass.getuser(), metavar="NAME",
        help="who requested the run, recorded in job_runs; default: you",
    )  # fmt: skip
    trigger.add_argument("--wait", action="store_true", help="wait until the run has ended")
    _add_timeout(trigger)

    status = commands.add_parser("status", help="show the status of a run")
    status.set_defaults(command=_status)
    status.add_argument("id", help="id of a run, or of a row of job_runs")

    wait = commands.add_parser("wait", help="wait until a run has ended")
    wait.set_defaults(command=_wait)
    wait.add_argument("id", help="id of a run, or of a row of job_runs")
    _add_timeout(wait)

    listing = commands.add_parser("list", help="list triggered runs, newest first")
    listing.set_defaults(command=_list)
    listing.add_argument(
        "--for", dest="requested_by", metavar="NAME", help="only runs that NAME requested"
    )
    listing.add_argument("--limit", type=_count, default=20, help="number of runs; default: 20")
    listing.add_argument("--json", action="store_true", help="print one JSON object per line")
    return parser


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--timeout", type=_seconds, metavar="SECONDS", help="maximum wait; default: unlimited"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive whole number")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    # rejects NaN too, which compares with nothing
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a non-negative number of seconds")
    return seconds


def _run_config(text: str) -> Mapping[str, Any]:
    """Return the mapping in ``text``, or in the file that ``text`` names."""
    from shared_lib.configuration.validated_yaml import ConfigurationError, load_yaml

    try:
        content = json.loads(text) if text.lstrip().startswith("{") else load_yaml(Path(text))
    except (json.JSONDecodeError, ConfigurationError) as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not isinstance(content, Mapping):
        raise argparse.ArgumentTypeError("a run configuration must be a mapping")
    # plain dictionaries, without the positions that ruamel keeps
    return json.loads(json.dumps(content, default=str))


def _partition_range(text: str) -> tuple[str, str]:
    first, dots, last = text.partition("...")
    if not (first and dots and last):
        raise argparse.ArgumentTypeError(f"{text!r} is not a range, write FIRST...LAST")
    return first, last


def connection_config(connection_id: uuid.UUID) -> dict[str, Any]:
    """Return the configuration of a job that handles one bank connection."""
    return {"ops": {"*": {"config": {"connection_id": str(connection_id)}}}}


def _trigger(client: DagsterClient, asked: argparse.Namespace) -> int:
    config = connection_config(asked.connection_id) if asked.connection_id else asked.config
    row = client.trigger(
        asked.job, config, asked.location,
        requested_by=asked.requested_by, partitions=asked.partitions,
    )  # fmt: skip
    if row.run_id is None:
        return _complain(f"{row.message} (job run {row.id})", UNAVAILABLE)
    try:
        print(row.run_id, flush=True)
        _print(f"{asked.job} of {row.location_name}: {client.webserver.run_url(row.run_id)}")
        return _watch(client, row.run_id, asked.timeout) if asked.wait else SUCCEEDED
    except KeyboardInterrupt:
        return _leave_alone(client, row.run_id)


def _status(client: DagsterClient, asked: argparse.Namespace) -> int:
    client.refresh()
    row = client.job_runs.find(asked.id)
    status = row.status if row else client.get_run_status(asked.id).value
    print(status)
    if row and row.message:
        _print(row.message)
    if status == "SUCCESS":
        return SUCCEEDED
    has_ended = row.has_ended if row else status in ("FAILURE", "CANCELED")
    return DID_NOT_SUCCEED if has_ended else NOT_ENDED


def _wait(client: DagsterClient, asked: argparse.Namespace) -> int:
    client.refresh()
    row = client.job_runs.find(asked.id)
    if row is not None and row.run_id is None:
        raise UnknownRunError(f"job run {row.id} has no run, its status is {row.status}")
    run_id = (row.run_id if row else None) or asked.id
    try:
        return _watch(client, run_id, asked.timeout)
    except KeyboardInterrupt:
        return _leave_alone(client, run_id)


def _watch(client: DagsterClient, run_id: str, timeout: float | None) -> int:
    printed = ""

    def report(progress: Progress) -> None:
        nonlocal printed
        words = _words(progress)
        if words != printed:
            printed = words
            _print(f"{progress.waited_seconds:5.0f} s  {words}")

    end = client.wait_for_run(run_id, timeout_seconds=timeout, on_progress=report)
    client.refresh()
    return SUCCEEDED if end.status == "SUCCESS" else DID_NOT_SUCCEED


def _leave_alone(client: DagsterClient, run_id: str) -> int:
    url = client.webserver.run_url(run_id)
    return _complain(f"no longer waiting; the run {run_id} continues: {url}", INTERRUPTED)


def _words(progress: Progress) -> str:
    state = progress.state
    words = [state.status] if state else []
    if state and state.steps:
        counts = (f"{count} {status.lower()}" for status, count in sorted(state.steps.items()))
        words.append(f"(steps: {', '.join(counts)})")
    if progress.trouble:
        words.append(f"- {progress.trouble}")
    return " ".join(words)


def _list(client: DagsterClient, asked: argparse.Namespace) -> int:
    client.refresh()
    rows = client.job_runs.latest(asked.limit, requested_by=asked.requested_by)
    for row in rows:
        print(json.dumps(asdict(row)) if asked.json else _line(row))
    return SUCCEEDED


def _line(row: JobRun) -> str:
    created = datetime.fromtimestamp(row.created_at, UTC)
    seconds = (row.ended_at or time.time()) - row.created_at
    place = f"{row.location_name or '?'}/{row.job_name}"
    return (
        f"{created:%Y-%m-%d %H:%M:%S}Z  {row.status:<14}  {seconds:6.0f} s  "
        f"{row.run_id or row.id:<36}  {place}  for {row.requested_by}"
    )


def _print(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _complain(problem: object, status: int) -> int:
    _print(str(problem))
    return status


if __name__ == "__main__":
    sys.exit(main())
