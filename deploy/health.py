# noqa: INP001 - a script of the image, in no package
"""``python health.py webserver|daemon|code-server [PORT]``: is that part of Dagster well?

Ends with 0 if so, else with 1 and a line that says why. It runs every few seconds in every
container, and so imports no more of Dagster than it must: ``dagster api grpc-health-check`` takes
2 s of a core for what is done here in 0.2 s.
"""

import subprocess
import sys
import urllib.request
from pathlib import Path

_ANSWER_SECONDS = 5.0


def webserver(port: str) -> None:
    """Whether the webserver and its database answer.

    Raises:
        OSError: it does not.
    """
    url = f"http://127.0.0.1:{port}/healthz"
    with urllib.request.urlopen(url, timeout=_ANSWER_SECONDS) as answer:
        answer.read()


def code_server(port: str) -> None:
    """Whether the code server has loaded its definitions and serves them.

    Raises:
        OSError: it does not.
    """
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = health_pb2.HealthCheckRequest(service="DagsterApi")
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_ANSWER_SECONDS)
        except grpc.RpcError as error:
            raise OSError(f"no answer from port {port}: {error.code().name}") from error
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise OSError(f"not serving: {answer.status}")


def daemon() -> None:
    """Whether each daemon has sent a heartbeat to the database.

    Raises:
        OSError: one has not.
    """
    command = Path(sys.executable).with_name("dagster-daemon")
    checked = subprocess.run(  # noqa: S603 - of this environment
        [command, "liveness-check"], capture_output=True, text=True, check=False
    )
    if checked.returncode:
        raise OSError(checked.stderr.strip().rpartition("\n")[2] or "no heartbeat")


def main(part: str, port: str = "") -> int:
    """Check ``part`` and report what is wrong with it."""
    try:
        match part:
            case "webserver":
                webserver(port)
            case "code-server":
                code_server(port)
            case "daemon":
                daemon()
            case _:
                print(__doc__, file=sys.stderr)  # noqa: T201 - the command's output
                return 2
    except OSError as error:
        print(f"{part}: {error}", file=sys.stderr)  # noqa: T201 - the command's output
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
