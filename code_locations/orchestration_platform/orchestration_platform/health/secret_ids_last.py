"""Whether the secret ids with which the locations log in to Vault are still valid next week."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import dagster as dg

from shared_lib.discovery.workspace import declared_secrets
from shared_lib.secrets import SecretError, SecretsResource

WARNED_BEFORE = timedelta(days=7)


@dg.asset_check(asset="platform_health")
def secret_ids_last(secrets: SecretsResource) -> dg.AssetCheckResult:
    """Every location's AppRole has a secret id that lasts for another week."""
    try:
        ends = secrets.ends_of_secret_ids(sorted(declared_secrets()))
    except SecretError as error:
        return _result([str(error)], examined=0)
    return _result(ending(ends, now=datetime.now(UTC)), examined=len(ends))


def ending(ends: Mapping[str, datetime | None], *, now: datetime) -> list[str]:
    """Describe each role whose last secret id ends within a week of ``now``, with what to do."""
    return [
        f"{role}: {_described(end)}, deliver a new one (`vault write -f -wrap-ttl=10m "
        f"auth/approle/role/{role}/secret-id`)"
        for role, end in sorted(ends.items())
        if end is None or end - now < WARNED_BEFORE
    ]


def _described(end: datetime | None) -> str:
    if end is None:
        return "it has no secret id"
    return f"its secret id ends on {end:%Y-%m-%d %H:%M} UTC"


def _result(problems: list[str], *, examined: int) -> dg.AssetCheckResult:
    if problems:
        description = "; ".join(problems)
    elif examined:
        description = f"the secret ids of {examined} locations last for another week"
    else:
        description = "no location logs in with a secret id"
    return dg.AssetCheckResult(
        passed=not problems, severity=dg.AssetCheckSeverity.WARN, description=description
    )
