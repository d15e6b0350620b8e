"""The simulation's command line, which stops itself where dbt exchanges a year's rows: YEAR ...

dbt reports the statement before the database is asked, in a transaction that it commits later. A
moment after, while the database computes, or at its answer if that comes sooner, the process sends
itself SIGSTOP: no load on the machine makes it run past the moment.
"""

import os
import runpy
import signal
import sys
import threading
from typing import Any

from dbt.cli import main as dbt

EXCHANGE = "delete from"
INTO_THE_QUERY_SECONDS = 0.003  # of about 0.03


class Halt:
    """Receives each of dbt's events; stops the process once."""

    def __init__(self, year: str) -> None:
        self._batch = f"batch {year} "
        self._in_batch = self._reached = False
        self._once = threading.Lock()

    def __call__(self, message: Any) -> None:
        match message.info.name:
            case "LogStartBatch":
                self._in_batch = self._batch in message.data.description
            case "SQLQuery" if self._in_batch and _exchanges(message.data.sql):
                self._reached = True
                threading.Timer(INTO_THE_QUERY_SECONDS, self._stop).start()
            case "SQLQueryStatus" if self._reached:
                self._stop()

    def _stop(self) -> None:
        if self._once.acquire(blocking=False):
            os.kill(os.getpid(), signal.SIGSTOP)


def _exchanges(sql: str) -> bool:
    # the first line of a statement is dbt's own comment
    return any(line.startswith(EXCHANGE) for line in sql.splitlines())


def main() -> None:
    """Run the command line with what is left of the arguments."""
    year, *arguments = sys.argv[1:]
    halt = Halt(year)
    begin = dbt.dbtRunner.__init__

    def begin_halting(runner: dbt.dbtRunner, **given: Any) -> None:
        begin(runner, **{**given, "callbacks": [*given.get("callbacks", ()), halt]})

    dbt.dbtRunner.__init__ = begin_halting
    sys.argv[1:] = arguments
    runpy.run_module("simulation.run", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
