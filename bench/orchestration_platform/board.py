"""The board and its metrics at scale: 5,000 assets, 200 jobs and 100,000 runs in Postgres."""

import gc
import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import psycopg

from bench.orchestration_platform.alerts import postgres_instance
from bench.orchestration_platform.large_instance import Scale, store_history, write_workspace

_READS = 5


@dataclass(frozen=True)
class BoardFigures:
    """The board and its metrics at scale, in seconds; the last are medians of reads in a row.

    Attributes:
        assets: how many there are.
        runs: how many there are.
        first_metrics_seconds: the first scrape, which reads everything.
        metrics_seconds: a scrape after it, between which a few assets changed.
        metrics_cpu_seconds: of the webserver for it, without the database.
        page_seconds: the page.
        page_cpu_seconds: of the webserver for it.
    """

    assets: int
    runs: int
    first_metrics_seconds: float
    metrics_seconds: float
    metrics_cpu_seconds: float
    page_seconds: float
    page_cpu_seconds: float


def measure_board(scale: Scale | None = None) -> BoardFigures:
    """Measure; making the instance takes a minute."""
    scale = scale or Scale()
    with postgres_instance() as instance:
        return _measure(instance, scale)


def _measure(instance: dg.DagsterInstance, scale: Scale) -> BoardFigures:
    from dagster._core.workspace.context import WorkspaceProcessContext
    from dagster._core.workspace.load_target import WorkspaceFileTarget

    from orchestration_platform.alerts.outbox.database import Database, database_url
    from orchestration_platform.board.board import KeptState, read_board
    from orchestration_platform.board.metrics.scrape import Scrape
    from orchestration_platform.board.pages.page import page

    with psycopg.connect(database_url(instance), autocommit=True) as connection:
        store_history(instance, connection, scale)
    workspace = write_workspace(Path(instance.root_directory), scale)
    # as the webserver does, which keeps its connections
    instance.optimize_for_webserver(statement_timeout=15_000, pool_recycle=3_600, max_overflow=20)
    database, kept = Database(database_url(instance)), KeptState()
    scrape = Scrape(database, kept)
    with WorkspaceProcessContext(instance, WorkspaceFileTarget([str(workspace)])) as context:
        metrics, pages = [], []
        for number in range(_READS + 1):
            for asset in range(10):
                key = f"asset_{(number * 10 + asset) % scale.assets:05}"
                instance.report_runless_asset_event(dg.AssetMaterialization(key))
            started = _now()
            scrape.exposition(context.create_request_context())
            metrics.append(_since(started))
            started = _now()
            page(read_board(context.create_request_context(), database, kept))
            pages.append(_since(started))
            if number == 0:
                # as the webserver does after it has read ahead
                gc.collect()
                gc.freeze()
        gc.unfreeze()
    database.close()
    seconds, cpu = _medians(metrics[1:])
    page_seconds, page_cpu = _medians(pages[1:])
    return BoardFigures(
        scale.assets, scale.runs, metrics[0][0], seconds, cpu, page_seconds, page_cpu
    )


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(started: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - started[0], time.process_time() - started[1]


def _medians(pairs: list[tuple[float, float]]) -> tuple[float, float]:
    first, second = (sorted(values)[len(pairs) // 2] for values in zip(*pairs, strict=True))
    return first, second
