"""A code location that does with its secrets what nobody should, loudly."""

import base64
import http.client
import json
import logging
import os
import sys
from pathlib import Path
from urllib.parse import quote

import dagster as dg

from shared_lib.dbt.failed_nodes import FailedNode, FailedNodes
from shared_lib.dbt.invocation import DbtFailedError
from shared_lib.secrets import SecretsResource, redacting_exceptions, skips_without_secrets


@dg.asset(check_specs=[dg.AssetCheckSpec("compared", asset="shows")])
def shows(context: dg.AssetExecutionContext, secrets: SecretsResource) -> dg.MaterializeResult:
    """Logs, prints and attaches its secret in every form."""
    secret = secrets.get("gocardless/api")["secret_id"]
    plain = secret.reveal()
    basic = base64.b64encode(f"user:{plain}".encode()).decode()
    for text in (plain, quote(plain, safe=""), json.dumps(plain), repr(plain), basic, secret):
        context.log.debug(f"shows {text}")
        logging.getLogger("some.library").info("shows %s", text)
        print("shows", text)
        print("shows", text, file=sys.stderr)
    http.client.HTTPConnection.debuglevel = 1
    secrets.close()
    connection = http.client.HTTPConnection(os.environ["VAULT_ADDR"].removeprefix("http://"))
    connection.request("GET", "/v1/sys/health", headers={"Authorization": f"Basic {basic}"})
    connection.getresponse().read()
    commands = [
        file.read_bytes() for file in Path("/proc").glob("[0-9]*/cmdline") if readable(file)
    ]
    Path(os.environ["DAGSTER_HOME"], "processes").write_bytes(b"\n".join(commands))
    return dg.MaterializeResult(
        metadata={"secret": plain, "json": {"secret": [plain]}, "url": f"https://u:{plain}@host/"},
        check_results=[dg.AssetCheckResult(passed=False, metadata={"found": plain})],
    )


@dg.asset
def fails(secrets: SecretsResource) -> None:
    """Raises its secret, with another one as the cause."""
    secret = secrets.get("gocardless/api")
    try:
        connect(password=secret["secret_key"].reveal())
    except ConnectionError as error:
        raise RuntimeError(f"no login with {secret['secret_id'].reveal()}") from error


@dg.asset
def fails_in_dbt(secrets: SecretsResource) -> None:
    """Names a node that failed with the secret in its message."""
    plain = secrets.get("gocardless/api")["secret_key"].reveal()
    node = FailedNode(
        unique_id="model.bank.accounts",
        name="accounts",
        resource_type="model",
        status="error",
        message=f"no access with {plain}",
        path="models/accounts.sql",
    )
    raise DbtFailedError("dbt build", metadata=FailedNodes(nodes=(node,)).to_metadata())


def connect(*, password: str) -> None:
    raise ConnectionError(f"wrong: {password}")


def readable(file: Path) -> bool:
    try:
        return bool(file.read_bytes())
    except OSError:
        return False


@dg.sensor(job_name="leaky")
@skips_without_secrets
def watches(context: dg.SensorEvaluationContext, secrets: SecretsResource) -> dg.SkipReason:
    """Skips with a reason that it should have kept to itself."""
    context.log.info(f"watches {secrets.get('gocardless/api')['secret_id'].reveal()}")
    raise RuntimeError(secrets.get("gocardless/api")["secret_key"].reveal())


@dg.asset
@redacting_exceptions()
def fails_elsewhere(secrets: SecretsResource) -> None:
    """The same, where the error goes to another process before it is written."""
    try:
        connect(password=secrets.get("gocardless/api")["secret_key"].reveal())
    except ConnectionError as error:
        plain = secrets.get("gocardless/api")["secret_id"].reveal()
        raise RuntimeError(f"no login with {plain}") from error


defs = dg.Definitions(
    assets=[shows, fails, fails_elsewhere, fails_in_dbt],
    jobs=[
        dg.define_asset_job(
            "leaky", ["shows", "fails", "fails_in_dbt"], executor_def=dg.in_process_executor
        ),
        dg.define_asset_job(
            "leaky_in_many_processes",
            ["shows", "fails_elsewhere", "fails_in_dbt"],
            executor_def=dg.multiprocess_executor,
        ),
    ],
    sensors=[watches],
    resources={"secrets": SecretsResource(location="gocardless")},
    loggers={"console": dg.colored_console_logger, "json": dg.json_console_logger},
)
