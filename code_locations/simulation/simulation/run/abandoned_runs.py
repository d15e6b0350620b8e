"""Ends the command line's runs whose process died, and frees what they hold.

Dagster's run monitoring watches the runs that the daemon launched. Nothing notices a SIGKILL of a
run in a process of its own, which would hold its pool slot forever.
"""

import socket

import dagster as dg
import psutil


def this_process() -> str:
    """Return a name for this process that no later one can have: host, id and start time."""
    return _name(psutil.Process())


def _name(process: psutil.Process) -> str:
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def _is_alive(process: str) -> bool:
    host, pid, _ = process.rsplit(":", 2)
    if host != socket.gethostname():
        return True  # cannot be checked from this host
    try:
        found = psutil.Process(int(pid))
        # A killed process keeps its id and start time until its parent waits for it, which the
        # first process of a container may never do.
        return _name(found) == process and found.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def abandon_dead_runs(instance: dg.DagsterInstance, *, tag: str) -> list[str]:
    """Mark as failed the unfinished runs whose process, named by ``tag``, is gone.

    Returns:
        The ids of the runs that were ended.
    """
    ended = []
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(unfinished):
        process = run.tags.get(tag)
        if process is not None and not _is_alive(process):
            instance.report_run_failed(run, message=f"process {process} ended without a word")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended
