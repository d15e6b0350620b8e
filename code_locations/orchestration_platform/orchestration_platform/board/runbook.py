"""What to do about an asset, as its definition says."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from orchestration_platform.alerts.workspace.webserver import RUNBOOKS


def runbook(metadata: Mapping[str, Any]) -> str:
    """Return the runbook in the metadata of an asset, an address or a text; empty without one."""
    for name, value in metadata.items():
        if name.lower() in RUNBOOKS and isinstance(
            value, dg.TextMetadataValue | dg.UrlMetadataValue
        ):
            return (value.value or "").strip()
    return ""
