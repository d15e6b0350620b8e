"""Whether every code location loads, as the webserver reports it."""

import dagster as dg


@dg.asset_check(asset="platform_health")
def locations_load() -> dg.AssetCheckResult:
    """Every code location of the workspace loads."""
    from orchestration_platform.alerts.workspace.webserver import Workspace

    workspace = Workspace()
    found = workspace.locations()
    broken = {name: error for name, error in (found or {}).items() if error is not None}
    problems = [
        f"{name} does not load: {error.error_class}: {error.message}"
        for name, error in sorted(broken.items())
    ]
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(problems or workspace.problems)
        or f"all {len(found or {})} code locations load",
        metadata={"is_checked": found is not None},
    )
