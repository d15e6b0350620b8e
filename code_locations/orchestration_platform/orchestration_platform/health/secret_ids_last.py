"""Whether the secret ids with which the locations log in to Vault are still valid next week."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from shared_lib.discovery.workspace import declared_secrets
from shared_lib.secrets import SecretError, SecretsResource

WARNED_BEFORE = timedelta(days=7)


@dg.asset_check(asset="platform_health")
def secret_ids_last(secrets: SecretsResource) -> dg.AssetCheckResult:
    """Every location's AppRole has secret ids, and all of them last for another week."""
    try:
        ends = secrets.ends_of_secret_ids(sorted(declared_secrets()))
    except SecretError as error:
        return _result([str(error)], examined=0)
    return _result(ending(ends, now=datetime.now(UTC)), examined=len(ends))


def ending(ends: Mapping[str, Sequence[datetime]], *, now: datetime) -> list[str]:
    """Describe each role with a secret id that ends within a week of ``now``, with what to do.

    Vault does not know which secret id a process has, so that a newer one proves nothing: it may
    never have been delivered.
    """
    return [
        f"{role}: {_described(found, now)}, deliver a new one (`vault write -f -wrap-ttl=10m "
        f"auth/approle/role/{role}/secret-id`){_or_destroy(role, found)}"
        for role, found in sorted(ends.items())
        if not found or min(found) - now < WARNED_BEFORE
    ]


def _described(ends: Sequence[datetime], now: datetime) -> str:
    if not ends:
        return "it has no secret id"
    soon = sum(end - now < WARNED_BEFORE for end in ends)
    which = "its secret id" if len(ends) == 1 else f"{soon} of its {len(ends)} secret ids"
    verb = "ends" if soon == 1 else "end, the first"
    return f"{which} {verb} on {min(ends):%Y-%m-%d %H:%M} UTC"


def _or_destroy(role: str, ends: Sequence[datetime]) -> str:
    if len(ends) < 2:  # noqa: PLR2004 - the only one is in use
        return ""
    return (
        " or, if no process uses it any more, destroy it (`vault write auth/approle/role/"
        f"{role}/secret-id-accessor/destroy secret_id_accessor=...`)"
    )


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
