"""Ends the command line's runs whose process died, and frees what they hold.

Dagster's run monitoring watches the runs that the daemon launched. Nothing notices a SIGKILL of a
run in a process of its own, which would hold its pool slot forever.
"""

import dagster as dg

from shared_lib.processes import is_alive


def abandon_dead_runs(instance: dg.DagsterInstance, *, tag: str) -> list[str]:
    """Mark as failed the unfinished runs whose process, named by ``tag``, is gone.

    Returns:
        The ids of the runs that were ended.
    """
    ended = []
    unfinished = dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED])
    for run in instance.get_runs(unfinished):
        process = run.tags.get(tag)
        if process is not None and not is_alive(process):
            instance.report_run_failed(run, message=f"process {process} ended without a word")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended
