"""Run a command and write what it took into a file: status, seconds and kilobytes, as JSON.

A program of its own that imports little: Linux counts the memory of a process also as the peak of
those that it starts, and the bench has more in memory than some of what it measures.
"""

import json
import os
import subprocess
import sys
import time

account, *command = sys.argv[1:]
started = time.perf_counter()
process = subprocess.Popen(command)
_, status, usage = os.wait4(process.pid, 0)
wall = time.perf_counter() - started
process.returncode = os.waitstatus_to_exitcode(status)
with open(account, "w", encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes memory
    json.dump([process.returncode, wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss], file)
