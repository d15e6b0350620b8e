"""Whether every secret that a location needs can be read, without looking at any value."""

import dagster as dg

from shared_lib.discovery.workspace import declared_secrets
from shared_lib.secrets import SecretsResource, SecretState, examine


@dg.asset_check(asset="platform_health")
def secrets_reachable(secrets: SecretsResource) -> dg.AssetCheckResult:
    """Every secret that the locations declare is found. A warning: what needs none still runs."""
    needed_by = declared_secrets()
    examined = examine([need for needs in needed_by.values() for need in needs], secrets=secrets)
    absent = [found for found in examined if found.state is not SecretState.FOUND]
    return dg.AssetCheckResult(
        passed=not absent,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{found.path} is {found.state}: {found.remedy}" for found in absent)
        or f"all {len(examined)} secrets were found",
        metadata={
            found.path: dg.MetadataValue.json(
                {
                    "state": found.state.value,
                    "needed_by": sorted(
                        location
                        for location, needs in needed_by.items()
                        if found.path in {need.path for need in needs}
                    ),
                }
            )
            for found in examined
        },
    )
