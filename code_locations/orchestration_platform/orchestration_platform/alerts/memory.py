"""What a process that does passes keeps from one to the next."""

from dataclasses import dataclass, field

import dagster as dg

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.services.email.recent import RecentEmails
from orchestration_platform.alerts.sources.source import SourceMemory
from orchestration_platform.alerts.workspace.webserver import AssetCache


@dataclass(frozen=True)
class Memory:
    """Lives as long as the process; a new process starts with nothing and loses no alert by that.

    Attributes:
        sources: what was read of runs.
        assets: those of the workspace, as the webserver last answered.
        emails: who has an e-mail already.
    """

    sources: SourceMemory = field(default_factory=SourceMemory)
    assets: AssetCache = field(default_factory=AssetCache)
    emails: RecentEmails = field(default_factory=RecentEmails)
    _databases: dict[str, Database] = field(default_factory=dict)

    def database_of(self, instance: dg.DagsterInstance) -> Database:
        """The outbox of ``instance``, whose tables are looked at once."""
        url = database_url(instance)
        if url not in self._databases:
            self._databases[url] = Database(url)
        return self._databases[url]
