"""Whether every secret that a location needs can be read, without looking at any value."""

import dagster as dg

from shared_lib.discovery.workspace import declared_secrets
from shared_lib.secrets import SecretsResource, examine, unmet


@dg.asset_check(asset="platform_health")
def secrets_reachable(secrets: SecretsResource) -> dg.AssetCheckResult:
    """Every secret that is needed is found, and one of those that are alternatives.

    A warning: what needs none still runs.
    """
    needed_by = declared_secrets()
    needs = [need for needs in needed_by.values() for need in needs]
    examined = examine(needs, secrets=secrets)
    problems = unmet(needs, examined)
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(
            f"{found.path} is {found.state}: {remedy}" for found, remedy in problems.items()
        )
        or f"all {len(examined)} secrets were found, have an alternative that was, or are optional",
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
