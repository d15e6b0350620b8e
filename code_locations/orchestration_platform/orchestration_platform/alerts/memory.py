"""What a process keeps from one pass to the next."""

from dataclasses import dataclass, field

import dagster as dg

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.sources.source import SourceMemory
from orchestration_platform.alerts.workspace.webserver import AssetCache


@dataclass(frozen=True)
class Memory:
    """Lives as long as the process; a new process starts empty and loses no alert by that.

    Attributes:
        sources: what was read about runs.
        assets: the assets of the workspace, as the webserver last reported them.
        asked_at: when services were last asked who has acknowledged each incident.
    """

    sources: SourceMemory = field(default_factory=SourceMemory)
    assets: AssetCache = field(default_factory=AssetCache)
    asked_at: dict[int, float] = field(default_factory=dict)
    _databases: dict[str, Database] = field(default_factory=dict)

    def database_of(self, instance: dg.DagsterInstance) -> Database:
        """Return the outbox of ``instance``, whose tables are checked once."""
        url = database_url(instance)
        if url not in self._databases:
            self._databases[url] = Database(url)
        return self._databases[url]
