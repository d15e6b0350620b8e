"""What the definitions say about the subject of an alert: owners, tags and runbook."""

import re
from collections.abc import Mapping
from dataclasses import replace

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.workspace.webserver import Workspace
from shared_lib.secrets import redact

# Tags by which Dagster, its executors and this platform keep track of runs and assets. What people
# need of them, the message shows as facts.
_INTERNAL = re.compile(r"\.?dagster(-\w+)?/|platform/|ecs/|user$")


def described(alert: Alert, tags: Mapping[str, str], workspace: Workspace) -> Alert:
    """Return ``alert``, which is of a run with ``tags``, with what the definitions say.

    The runbook is that of the asset that failed, or of the job.
    """
    asset, job = alert.failed_asset, workspace.job(alert.location, alert.job_name)
    is_of_asset = alert.event_type.startswith("ASSET_")
    of_assets = workspace.owners_of(alert.assets)
    owners = of_assets or alert.owners
    if job and not is_of_asset:
        owners = tuple(dict.fromkeys([*job.owners, *owners]))
    facts = workspace.asset(asset) if asset else None
    defined = dict(facts.tags) if facts and is_of_asset else {}
    shown = {
        name: redact(value)
        for name, value in {**defined, **tags}.items()
        if not _INTERNAL.match(name)
    }
    runbook = (facts.runbook if facts else "") or (job.runbook if job else "")
    return replace(
        alert,
        owners=owners,
        are_owners_known=of_assets is not None,
        tags=tuple(sorted(shown.items())),
        runbook=redact(runbook),
    )
