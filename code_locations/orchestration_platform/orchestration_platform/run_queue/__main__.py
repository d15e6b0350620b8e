"""``python -m orchestration_platform.run_queue``: stop runs from starting, and start them again.

Schedules, sensors and people go on launching runs; these wait in the queue. Exit status: 0 if OK; 1
if runs are still going on, or nothing is paused; 2 if it was called incorrectly, which includes
``DAGSTER_HOME``.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from orchestration_platform.alerts.control.console import add_hand, moment, moment_of
from orchestration_platform.dagster_home import DagsterHomeError, find_dagster_home


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        find_dagster_home()
        return asked.command(asked)
    except (DagsterHomeError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m orchestration_platform.run_queue", description=__doc__
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    drain = commands.add_parser(
        "drain", help="start no queued run until resume, and wait for those that are going on"
    )
    drain.add_argument(
        "--wait", type=float, default=3600.0, metavar="SECONDS",
        help="how long to wait for runs that are going on (default 3600)",
    )  # fmt: skip
    drain.set_defaults(command=_drain)
    freeze = commands.add_parser("freeze", help="start no queued run until a time")
    freeze.add_argument(
        "--until", type=moment_of, required=True, metavar="TIME",
        help="in ISO 8601, in UTC unless it has an offset, such as 2026-05-04T18:00",
    )  # fmt: skip
    freeze.set_defaults(command=_freeze)
    for command in (drain, freeze):
        command.add_argument("--dry-run", action="store_true", help="only show the runs")
        add_hand(command, needs_reason=command is freeze)
    resume = commands.add_parser("resume", help="start queued runs again")
    resume.set_defaults(command=_resume)
    status = commands.add_parser("status", help="show the runs, and whether the queue is paused")
    status.set_defaults(command=_status)
    for command in (drain, freeze, resume, status):
        command.add_argument("--json", action="store_true", help="print the state as JSON")
    return parser


def _drain(asked: argparse.Namespace) -> int:
    import dagster as dg

    from orchestration_platform.run_queue.drain import wait_until_drained

    with dg.DagsterInstance.get() as instance:
        if not asked.dry_run:
            _pause(instance, asked, until=None)
            state = wait_until_drained(
                instance, seconds=asked.wait, report=lambda text: print(text, file=sys.stderr)
            )
            if state.going_on:
                print(f"still going on after {asked.wait:g} s; the queue stays paused")
                return 1
        _show(instance, asked)
    return 0


def _freeze(asked: argparse.Namespace) -> int:
    import dagster as dg

    if asked.until <= time.time():
        raise ValueError(f"--until {moment(asked.until)} UTC is over")
    with dg.DagsterInstance.get() as instance:
        if not asked.dry_run:
            _pause(instance, asked, until=asked.until)
        _show(instance, asked)
    return 0


def _pause(instance, asked: argparse.Namespace, *, until: float | None) -> None:  # noqa: ANN001 - imported late
    from orchestration_platform.alerts.control.person import Hand
    from shared_lib.run_queue import Pause, pause

    hand = Hand.of(asked.by, asked.reason)
    why = hand.reason or "drained"
    pause(instance, Pause(since=time.time(), until=until, person=hand.person, reason=why))


def _resume(asked: argparse.Namespace) -> int:
    import dagster as dg

    from shared_lib.run_queue import current_pause, resume

    with dg.DagsterInstance.get() as instance:
        was_paused = current_pause(instance, now=time.time()) is not None
        resume(instance)
        _show(instance, asked)
    return 0 if was_paused else 1


def _status(asked: argparse.Namespace) -> int:
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        _show(instance, asked)
    return 0


def _show(instance, asked: argparse.Namespace) -> None:  # noqa: ANN001 - imported late
    from orchestration_platform.run_queue.drain import queue_state
    from shared_lib.run_queue import current_pause

    state, pause = queue_state(instance), current_pause(instance, now=time.time())
    if asked.json:
        print(json.dumps(asdict(state) | {"paused": asdict(pause) if pause else None}, indent=2))
        return
    print(f"the queue is paused: {pause}" if pause else "the queue is not paused")
    print(state)


if __name__ == "__main__":
    sys.exit(main())
