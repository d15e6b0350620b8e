"""``make dev``: code servers, daemon and webserver from one command, as ``dg dev`` starts them.

``dg dev`` starts Dagster's own webserver without a front door, and offers no way to start another.
"""

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import yaml
from dagster._cli.proxy_server_manager import ProxyServerManager
from dagster._core.workspace.load_target import WorkspaceFileTarget

from orchestration_platform.web.server import Webserver

# Dagster's processes then word their messages for a developer
_DEVELOPMENT = "DAGSTER_IS_DEV_CLI"
# A daemon finishes the tick that it evaluates.
_STOP_SECONDS = 60.0


def develop(*workspaces: Path, host: str, port: int) -> None:
    """Run the platform for one developer until Ctrl-C.

    Args:
        workspaces: a ``workspace.yaml``, and others with further locations.
        host: the address to listen on.
        port: the port to listen on.

    Raises:
        RuntimeError: the daemon ended.
        AllowedHostsError: ``DAGSTER_ALLOWED_HOSTS`` lists something else than host names.
    """
    os.environ[_DEVELOPMENT] = "1"
    with (
        dg.DagsterInstance.get() as instance,
        tempfile.TemporaryDirectory() as scratch,
        ProxyServerManager(
            instance,
            WorkspaceFileTarget([*map(str, workspaces)]),
            code_server_log_level="warning",
        ) as code_servers,
    ):
        served = Path(scratch, "workspace.yaml")
        served.write_text(yaml.safe_dump({"load_from": list(code_servers.get_code_server_specs())}))
        webserver = Webserver(instance, served, host=host, port=port)
        with _daemon(served, webserver) as daemon:
            webserver.run()
            if daemon.poll() is not None:
                message = f"the daemon ended with status {daemon.returncode}; see the lines above"
                raise RuntimeError(message)


@contextmanager
def _daemon(workspace: Path, webserver: Webserver) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon; its end ends the webserver."""
    command = Path(sys.executable).with_name("dagster-daemon")
    daemon = subprocess.Popen([command, "run", "-w", workspace])  # noqa: S603 - of this environment

    def stop_with_the_daemon() -> None:
        daemon.wait()
        webserver.stop()

    watcher = threading.Thread(target=stop_with_the_daemon, daemon=True)
    watcher.start()
    try:
        yield daemon
    finally:
        daemon.terminate()
        try:
            daemon.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            daemon.kill()
        watcher.join()
