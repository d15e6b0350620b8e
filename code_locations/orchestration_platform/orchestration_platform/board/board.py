"""The state of the platform at one moment, with what needs attention first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from dagster._core.workspace.context import BaseWorkspaceRequestContext

from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.policies_in_force import stored_policies
from orchestration_platform.board.alerting import Alerting, alerting
from orchestration_platform.board.asset_health import AssetHealth, AssetHealths, read_checks
from orchestration_platform.board.attention import Attention, attention, of_queue, rank
from orchestration_platform.board.automation import (
    Pool,
    daemons,
    pools,
    problems,
)
from orchestration_platform.board.causes import by_cause
from orchestration_platform.board.health import Health
from orchestration_platform.board.history.check_window import Checks, CheckWindow
from orchestration_platform.board.history.costs import costs_by_job
from orchestration_platform.board.history.job_history import JobHistories, JobHistory
from orchestration_platform.board.history.materializations import (
    Materializations,
    MaterializationWindow,
)
from orchestration_platform.board.history.run_window import JobName, Run, RunWindow
from orchestration_platform.board.history.service_levels import service_levels


@dataclass(frozen=True, kw_only=True)
class Board:
    """Everything that the page shows.

    Attributes:
        at: the moment.
        attention: what needs attention, the worst first, each item on its own.
        assets: every asset, by name.
        jobs: the jobs with runs in the last days.
        alerts: incidents and messages.
        daemons: each required daemon with its last heartbeat.
        pools: the pools in use.
        unfinished: the runs that have not ended.
        checks: the executions of checks.
        history: what materializations took and made.
        levels: how long the runs of a job may take, in seconds, where that is set.
        costs: the sums of each job's runs: seconds, seconds of CPU, rows, bytes and calls.
    """

    at: datetime
    attention: Sequence[Attention]
    assets: Sequence[AssetHealth]
    jobs: Sequence[JobHistory]
    alerts: Alerting
    daemons: dict[str, float | None]
    pools: Sequence[Pool]
    unfinished: Sequence[Run]
    checks: Checks
    history: Materializations
    levels: Mapping[JobName, float]
    costs: Mapping[JobName, Mapping[str, float]]

    @cached_property
    def entries(self) -> Sequence[Attention]:
        """What needs attention, with what one failed run has caused beneath it."""
        return by_cause(self.attention, now=self.at.timestamp())

    @property
    def health(self) -> Health:
        """The worst health of what needs attention."""
        return min((item.health for item in self.attention), default=Health.HEALTHY)

    def count(self, health: Health) -> int:
        """Return how many assets are in this state."""
        return sum(asset.health is health for asset in self.assets)

    @property
    def runs(self) -> dict[str, int]:
        """How many runs are queued and running."""
        statuses = [run.status for run in self.unfinished]
        return {
            "queued": statuses.count("QUEUED"),
            "running": statuses.count("STARTING") + statuses.count("STARTED"),
        }


class KeptState:
    """What is kept between two reads, so that each asks for changes; for several threads."""

    def __init__(self) -> None:
        """Know nothing yet: the first read asks for everything."""
        self.checks = CheckWindow()
        self.assets = AssetHealths()
        self.runs = RunWindow()
        self.jobs = JobHistories()
        self.materializations = MaterializationWindow()


def read_board(
    context: BaseWorkspaceRequestContext,
    alerts: Database,
    kept: KeptState,
    *,
    now: datetime | None = None,
) -> Board:
    """Read the state of the platform.

    Args:
        context: of a request to the webserver: the workspace and the instance.
        alerts: the outbox.
        kept: of the reads before.
        now: the moment; the current one if it is not given.
    """
    now = now or datetime.now(UTC)
    instance = context.instance
    with alerts.transaction() as connection:
        policies = stored_policies(connection)
        alerted = alerting(connection, now=now.timestamp(), policies=policies)
    checks = read_checks(context, kept.checks, now=now)
    assets = kept.assets.read(context, checks)
    runs = kept.runs.read(instance, now=now)
    jobs = kept.jobs.read(runs)
    history = kept.materializations.read(instance, now=now)
    return Board(
        at=now,
        attention=sorted(
            [
                *of_queue(instance, now=now.timestamp()),
                *attention(assets, jobs, problems(context), alerted, now=now.timestamp()),
            ],
            key=lambda item: rank(item, now.timestamp()),
        ),
        assets=assets,
        jobs=jobs,
        alerts=alerted,
        daemons=daemons(instance),
        pools=pools(instance),
        unfinished=runs.unfinished,
        checks=checks,
        history=history,
        levels=service_levels(context, policies),
        costs=costs_by_job(runs, history),
    )
