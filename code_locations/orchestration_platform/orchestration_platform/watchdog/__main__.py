"""``python -m orchestration_platform.watchdog``: are the processes that raise alarms working?

For cron or Kubernetes, outside Dagster: nothing inside can report that everything is dead. Exit
status: 0 if all is OK; 1 with one line per problem, also if Dagster's database does not answer; 2
if it was called incorrectly, which includes ``DAGSTER_HOME``.
"""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestration_platform.dagster_home import DagsterHomeError, find_dagster_home

if TYPE_CHECKING:
    import dagster as dg

    from orchestration_platform.alerts.outbox.state import OutboxState


def main(arguments: Sequence[str] | None = None) -> int:
    """Check, and print what is not OK; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        find_dagster_home()
    except DagsterHomeError as error:
        print(error, file=sys.stderr)
        return 2
    problems = _found_in_time(asked)
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems:
        print("OK")
    return 1 if problems else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.watchdog",
        description="Checks from outside that Dagster's daemons, the alert sensor and its outbox "
        "are working. DAGSTER_HOME selects the instance, DAGSTER_ENVIRONMENT the environment "
        "(default: local). Exit status 0: OK; 1: problems, one per line on stderr; 2: wrong "
        "arguments, or DAGSTER_HOME has no dagster.yaml.",
    )
    parser.add_argument(
        "--max-age",
        type=_seconds,
        default=600.0,
        metavar="SECONDS",
        help="how long a message may wait, and a pass of the sensor be overdue (default 600)",
    )
    parser.add_argument(
        "--max-heartbeat-age",
        type=_seconds,
        default=300.0,
        metavar="SECONDS",
        help="maximum age of a daemon's last heartbeat (default 300)",
    )
    parser.add_argument(
        "--sensor",
        choices=("required", "if-on"),
        help="whether the sensor must be on (default: required in production, else if-on)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=60.0,
        metavar="SECONDS",
        help="maximum duration of the checks (default 60)",
    )
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value


def _found_in_time(asked: argparse.Namespace) -> list[str]:
    """Return the problems, including a check that took too long, whichever database call hangs."""
    found = [f"the check did not finish: no answer within {asked.timeout:g} s"]

    def look() -> None:
        try:
            found[:] = _found(asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing else would report it
            from shared_lib.secrets import redact

            found[:] = [redact(f"the check failed: {type(error).__name__}: {error}")]

    looking = threading.Thread(target=look, name="watchdog", daemon=True)
    looking.start()
    looking.join(asked.timeout)
    return found


def _found(asked: argparse.Namespace) -> list[str]:
    import dagster as dg

    from shared_lib.configuration.environment import current_settings

    has_to_run = (
        asked.sensor == "required" if asked.sensor else current_settings().sensors_run_by_default
    )
    now = time.time()
    with dg.DagsterInstance.get() as instance:
        return [
            *_daemons(instance.get_daemon_statuses(), most=asked.max_heartbeat_age, now=now),
            *_alerts(instance, has_to_run=has_to_run, most=asked.max_age, now=now),
        ]


def _daemons(statuses: Mapping[str, Any], *, most: float, now: float) -> Iterator[str]:
    for name, status in sorted(statuses.items()):
        if not status.required:
            continue
        beat = status.last_heartbeat
        if beat is None:
            yield f"daemon {name} has never sent a heartbeat: is dagster-daemon running?"
        elif now - beat.timestamp > most:
            ago = f"{now - beat.timestamp:.0f} s ago"
            yield f"daemon {name} sent its last heartbeat {ago}: is dagster-daemon running?"


def _alerts(
    instance: "dg.DagsterInstance", *, has_to_run: bool, most: float, now: float
) -> Iterator[str]:
    from orchestration_platform.alerts.outbox_health import sensor_problems

    outbox, last_pass = _outbox(instance)
    yield from sensor_problems(
        instance,
        has_to_run=has_to_run,
        last_pass_at=last_pass,
        allowed_seconds=most,
        now=now,
    )
    yield from outbox.overdue(now, allowed_seconds=most)
    yield from outbox.undelivered


def _outbox(instance: "dg.DagsterInstance") -> "tuple[OutboxState, float | None]":
    """Return the outbox, and when the sensor last completed a pass."""
    from orchestration_platform.alerts.outbox.database import Database, database_url
    from orchestration_platform.alerts.outbox.state import OutboxState, outbox_state
    from orchestration_platform.alerts.sources.collect import last_pass_at

    url = database_url(instance)
    # Opening it would create the file as this user, and the sensor might be unable to write to it.
    if url.startswith("sqlite") and not Path(url.removeprefix("sqlite:///")).exists():
        return OutboxState(), None
    with Database(url).transaction() as connection:
        return outbox_state(connection), last_pass_at(connection)


if __name__ == "__main__":
    sys.exit(main())
