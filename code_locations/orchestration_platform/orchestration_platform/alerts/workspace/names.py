"""The names in the workspace."""

from collections.abc import Mapping
from dataclasses import dataclass

from orchestration_platform.alerts.workspace.asset_graph import AssetGraph


@dataclass(frozen=True, kw_only=True)
class LocationNames:
    """The names in one code location.

    Attributes:
        jobs: its jobs.
        instigators: its schedules and sensors.
        groups: its asset groups.
    """

    jobs: frozenset[str] = frozenset()
    instigators: frozenset[str] = frozenset()
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True)
class JobFacts:
    """What the workspace reports about a job.

    Attributes:
        owners: addresses, or ``team:name``.
        runbook: what to do if it fails, from its metadata; empty without one.
    """

    owners: tuple[str, ...]
    runbook: str


@dataclass(frozen=True)
class WorkspaceNames:
    """The names in the workspace.

    Attributes:
        locations: by name; None for one that does not load, whose names are unknown.
        assets: the assets of all locations.
    """

    locations: Mapping[str, LocationNames | None]
    assets: AssetGraph
