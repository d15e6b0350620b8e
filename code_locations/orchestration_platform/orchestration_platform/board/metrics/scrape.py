"""Answers a scrape of Prometheus, also when some of the metrics cannot be read."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version

from dagster._core.workspace.context import BaseWorkspaceRequestContext
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.registry import Collector

from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.board.alerting import Alerting, alerting
from orchestration_platform.board.asset_health import AssetHealth, read_checks
from orchestration_platform.board.attention import attention
from orchestration_platform.board.automation import (
    all_daemons,
    defined_jobs,
    instigators,
    locations,
    pools,
    problems,
)
from orchestration_platform.board.board import KeptState
from orchestration_platform.board.history.costs import costs_by_job
from orchestration_platform.board.history.job_history import JobHistory
from orchestration_platform.board.history.materializations import Materializations
from orchestration_platform.board.history.run_window import Runs
from orchestration_platform.board.metrics import alerts, assets, automation, costs, jobs
from orchestration_platform.board.metrics.metric import Family, Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

DURATION = Metric(
    "dagster_exporter_scrape_duration_seconds", "Time that a collector took", ("collector",)
)
SUCCESS = Metric(
    "dagster_exporter_last_scrape_success", "1 if a collector succeeded, 0 else", ("collector",)
)
ERRORS = Metric(
    "dagster_exporter_scrape_errors_total",
    "Failures of a collector since the webserver started; its log has each",
    ("collector",),
    "counter",
)
BUILD = Metric("dagster_exporter_build_info", "1 with the release of the platform", ("version",))
METRICS = (
    *assets.METRICS, *jobs.METRICS, *costs.METRICS, *automation.METRICS, *alerts.METRICS, DURATION,
    SUCCESS, ERRORS, BUILD,
)  # fmt: skip

logger = logging.getLogger("dagster.platform_metrics")


class _Reading:
    """What the collectors of one scrape share; each part is read when it is first needed."""

    def __init__(
        self,
        context: BaseWorkspaceRequestContext,
        database: Database,
        kept: KeptState,
        now: datetime,
    ) -> None:
        self.context, self.now = context, now
        self._database, self._kept = database, kept

    @cached_property
    def assets(self) -> list[AssetHealth]:
        checks = read_checks(self.context, self._kept.checks, now=self.now)
        return self._kept.assets.read(self.context, checks)

    @cached_property
    def runs(self) -> Runs:
        return self._kept.runs.read(self.context.instance, now=self.now)

    @cached_property
    def jobs(self) -> list[JobHistory]:
        return self._kept.jobs.read(self.runs)

    @cached_property
    def history(self) -> Materializations:
        return self._kept.materializations.read(self.context.instance, now=self.now)

    @cached_property
    def alerting(self) -> Alerting:
        with self._database.transaction() as connection:
            return alerting(connection, now=self.now.timestamp())


class Scrape:
    """Answers scrapes; remembers failures and the keys of the queue."""

    def __init__(self, database: Database, kept: KeptState) -> None:
        """Read incidents from ``database``, and what has changed in Dagster since ``kept``."""
        self._database, self._kept = database, kept
        self._errors: Counter[str] = Counter()
        self._keys: set[str] = set()
        self._collectors: Mapping[str, Callable[[_Reading], Iterable[Family]]] = {
            "assets": lambda reading: assets.families(reading.assets),
            "runs": self._run_families,
            "costs": lambda reading: costs.families(
                reading.assets, reading.history, costs_by_job(reading.runs, reading.history)
            ),
            "automation": _automation_families,
            "alerts": lambda reading: alerts.families(reading.alerting),
            "attention": _attention_families,
        }

    def exposition(
        self, context: BaseWorkspaceRequestContext, *, now: datetime | None = None
    ) -> bytes:
        """Return all metrics in Prometheus' text format.

        A collector that fails is logged and counted; the metrics of the others are there.

        Args:
            context: of a request to the webserver: the workspace and the instance.
            now: the moment; the current one if it is not given.
        """
        reading = _Reading(context, self._database, self._kept, now or datetime.now(UTC))
        duration, success, errors = DURATION.family(), SUCCESS.family(), ERRORS.family()
        found: list[Family] = []
        for name, collect in self._collectors.items():
            started = time.perf_counter()
            try:
                found.extend(collect(reading))
                is_read = True
            except Exception:
                logger.exception("The metrics of %s could not be read", name)
                self._errors[name] += 1
                is_read = False
            duration.add_metric([name], time.perf_counter() - started)
            success.add_metric([name], float(is_read))
            errors.add_metric([name], self._errors[name])
        build = BUILD.family()
        build.add_metric([version("orchestration-platform")], 1)
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collected([*found, duration, success, errors, build]))
        return generate_latest(registry)

    def _run_families(self, reading: _Reading) -> Iterable[Family]:
        unfinished = reading.runs.unfinished
        self._keys |= {run.concurrency_key for run in unfinished if run.concurrency_key}
        yield from jobs.run_families(
            reading.runs,
            defined_jobs(reading.context),
            self._keys,
            now=reading.now.timestamp(),
        )
        yield from jobs.job_families(reading.jobs)


def _automation_families(reading: _Reading) -> Iterable[Family]:
    instance = reading.context.instance
    yield from automation.daemon_families(all_daemons(instance))
    yield from automation.location_families(locations(reading.context))
    yield from automation.instigator_families(instigators(reading.context))
    yield from automation.pool_families(pools(instance))


def _attention_families(reading: _Reading) -> Iterable[Family]:
    found = attention(
        reading.assets, reading.jobs, problems(reading.context), reading.alerting,
        now=reading.now.timestamp(),
    )  # fmt: skip
    return alerts.attention_families(found)


class _Collected(Collector):
    def __init__(self, families: Sequence[Family]) -> None:
        self._families = families

    def collect(self) -> Iterable[Family]:
        return self._families
