"""The cost of secrets for a run, against a Vault server on this machine."""

import json
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.figures.measuring import measure
from sandboxes.vault.server import give_credentials, local_server
from shared_lib.configuration.environment import REPOSITORY_ROOT

READS = 1_000
SECRETS = 20
THREADS = 16

# After importing hvac, a cost of every Vault client: log in and fetch two secrets.
_START_OF_RUN = """
import json, time
from shared_lib.secrets import SecretsResource
started = time.perf_counter()
import hvac
imported = time.perf_counter()
secrets = SecretsResource(location="gocardless")
secrets.get("gocardless/bench-0")["value"]
secrets.get("gocardless/bench-1")["value"]
done = time.perf_counter()
print(json.dumps({"hvac": imported - started, "secrets": done - imported}))
"""

# urllib3 logs each request that it sends.
_MANY_READS = f"""
import json, logging, time
from concurrent.futures import ThreadPoolExecutor
from shared_lib.secrets import SecretsResource

class Sent(logging.Handler):
    count = 0
    def emit(self, record):
        self.count += "HTTP/1.1" in record.getMessage()

sent = Sent()
log = logging.getLogger("urllib3.connectionpool")
log.addHandler(sent)
log.setLevel(logging.DEBUG)
secrets = SecretsResource(location="gocardless")
started = time.perf_counter()
with ThreadPoolExecutor({THREADS}) as threads:
    list(threads.map(
        lambda n: secrets.get(f"gocardless/bench-{{n % {SECRETS}}}")["value"].reveal(),
        range({READS}),
    ))
print(json.dumps({{"requests": sent.count, "seconds": time.perf_counter() - started}}))
"""


@dataclass(frozen=True)
class SecretsCost:
    """The measurements; times are medians over fresh processes.

    Attributes:
        import_hvac_seconds: time to import hvac once Dagster is imported.
        start_of_run_seconds: further time for a login and two secrets.
        reads: how many reads of ``SECRETS`` secrets were made from ``THREADS`` threads.
        requests: how many requests they took, including the login and the mount's version.
        reads_seconds: how long they took.
    """

    import_hvac_seconds: float
    start_of_run_seconds: float
    reads: int
    requests: int
    reads_seconds: float


def measure_secrets(*, processes: int = 5) -> SecretsCost:
    """Start a local server, and measure the start of a run and many concurrent readers."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        directory = Path(scratch)
        with local_server(log=directory / "server.log") as server:
            environment = give_credentials(server, directory)
            client = server.client()
            for number in range(SECRETS):
                client.secrets.kv.v2.create_or_update_secret(
                    f"gocardless/bench-{number}", secret={"value": f"bench-value-{number}"}
                )
            starts = [_figures(_START_OF_RUN, environment) for _ in range(processes)]
            reading = _figures(_MANY_READS, environment)
    return SecretsCost(
        import_hvac_seconds=statistics.median(start["hvac"] for start in starts),
        start_of_run_seconds=statistics.median(start["secrets"] for start in starts),
        reads=READS,
        requests=int(reading["requests"]),
        reads_seconds=reading["seconds"],
    )


def _figures(program: str, variables: dict[str, str]) -> dict[str, float]:
    # Clears this shell's other Vault variables.
    cleared = {name: "" for name in os.environ if name.startswith("VAULT_")}
    environment = {**cleared, "DAGSTER_ENVIRONMENT": "ci", **variables}
    cost = measure(
        [sys.executable, "-c", program], environment=environment, directory=REPOSITORY_ROOT
    )
    return json.loads(cost.output.splitlines()[-1])
