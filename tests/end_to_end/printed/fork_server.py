"""Runs ``python -m module`` for clients, each in a process with Dagster and dbt imported.

The imports take 5 s of CPU, and the pages print some eighty commands. This process imports once and
forks for each command. The command gets the arguments, folder, variables and streams of its client,
and the client returns the command's exit status. `client.py` is the client.
"""

import array
import atexit
import importlib
import json
import os
import runpy
import socket
import sys
import threading
import traceback
from typing import Any

# neither ours, which read their variables, nor with threads of their own
PRELOADED = (
    *("dagster", "dagster_dbt", "dagster_graphql", "dbt.cli.main", "dbt.adapters.duckdb.impl"),
    *("duckdb", "pandas", "requests", "sqlalchemy", "ruamel.yaml", "rich.console", "structlog"),
    "dagster._core.storage.sql",
)
_STREAMS = 3
_MOST_BYTES = 1 << 20


def serve(listening: socket.socket) -> None:
    """Run each command that is asked for, until this process is ended."""
    for name in PRELOADED:
        importlib.import_module(name)
    while True:
        asking, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _run_for(asking)
        asking.close()
        _forget_ended()


def _forget_ended() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _run_for(asking: socket.socket) -> None:
    """Run the command in a further process, report its id and its status, and end."""
    request, descriptors = _received(asking)
    worker = os.fork()
    if worker == 0:
        asking.close()
        _run(request, descriptors)
    for descriptor in descriptors:
        os.close(descriptor)
    asking.sendall(f"{worker}\n".encode())
    status = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
    asking.sendall(f"{status}\n".encode())
    os._exit(0)


def _received(asking: socket.socket) -> tuple[dict[str, Any], list[int]]:
    descriptors = array.array("i")
    size = _STREAMS * descriptors.itemsize
    text, further, _, _ = asking.recvmsg(_MOST_BYTES, socket.CMSG_LEN(size))
    for _, _, data in further:
        descriptors.frombytes(data[:size])
    while not text.endswith(b"\n"):
        text += asking.recv(_MOST_BYTES)
    return json.loads(text), list(descriptors)


def _run(request: dict[str, Any], descriptors: list[int]) -> None:
    os.setsid()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["variables"])
    importlib.invalidate_caches()
    sys.path[0] = request["folder"]
    option, what, *arguments = request["arguments"]
    sys.argv = ["-c" if option == "-c" else what, *arguments]
    status: Any = 0
    try:
        if option == "-c":
            exec(what, {"__name__": "__main__"})
        else:
            runpy.run_module(what, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        status = ended.code
        if isinstance(status, str):
            print(status, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - as the interpreter, which ends with the status 1
        traceback.print_exc()
        status = 1
    threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
