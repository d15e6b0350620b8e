"""The `python` of the copy of the repository: has the fork server run the command."""

import array
import json
import os
import signal
import socket
import sys
from pathlib import Path

asked = socket.socket(socket.AF_UNIX)
asked.connect(os.environ["FORK_SERVER"])
request = {"arguments": sys.argv[1:], "folder": str(Path.cwd()), "variables": dict(os.environ)}
streams = array.array("i", [0, 1, 2])
data = json.dumps(request).encode() + b"\n"
sent = asked.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, streams)])
asked.sendall(data[sent:])
answers = asked.makefile()
worker = int(answers.readline())
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _frame: os.kill(worker, number))
status = int(answers.readline())
sys.exit(status if status >= 0 else 128 - status)
