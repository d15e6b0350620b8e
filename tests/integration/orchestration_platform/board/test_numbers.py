"""Every number of the board's page, recomputed from the log of events, the runs and the outbox."""

import math
import re
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage
from dagster._core.workspace.context import WorkspaceProcessContext
from tests.integration.orchestration_platform.board import shop

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.board.board import KeptState, read_board
from orchestration_platform.board.pages.page import page
from orchestration_platform.board.pages.wording import ago, amount, duration, moment, precise

NONE = "\N{EN DASH}"
TAGS = {".dagster/repository": "__repository__@shop"}
JOBS = ("all_shelves", "nightly", "sales_job")
ASSETS = ("empty", "full", "label", "late", "lost", "odd", "prices", "sales")
# the last one is unusual
ROWS = (10, 12, 11, 10, 14, 90)
MESSAGE_STATES = ("waiting", "delivered", "delivered", "suppressed", "failed", "dropped")
LIMIT = 600.0
WAITED_AND_TOOK = ((5, 30), (70, 95), (4000, 700))


class Sections(HTMLParser):
    """The words of a page by heading: the cells of its tables, its definitions, its paragraphs."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, list[list[str]]] = {"": []}
        self.facts: dict[str, dict[str, str]] = {"": {}}
        self.text: dict[str, str] = {"": ""}
        self._heading, self._tag, self._words = "", "", ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("h1", "h2", "h3", "td", "dt", "dd", "p", "summary"):
            self._tag, self._words = tag, ""
        if tag in ("br", "summary", "a"):
            self._words += " "
        if tag == "tr":
            self.rows[self._heading].append([])
        if label := dict(attrs).get("aria-label"):
            self._words += f" {label}"

    def handle_data(self, data: str) -> None:
        self._words += data

    def handle_endtag(self, tag: str) -> None:
        words = " ".join(self._words.split())
        if tag in ("h1", "h2", "h3"):
            self._heading = words if tag != "h1" else ""
            self.rows.setdefault(self._heading, [])
            self.facts.setdefault(self._heading, {})
            self.text.setdefault(self._heading, "")
        elif tag == "td":
            self.rows[self._heading][-1].append(words)
        elif tag == "dt":
            self._named = words
        elif tag == "dd":
            self.facts[self._heading][self._named] = words
        elif tag in ("p", "summary"):
            self.text[self._heading] += f"{words} "

    def table(self, heading: str) -> list[list[str]]:
        """The rows of the tables below a heading, without those of headers."""
        return [row for row in self.rows[heading] if row]


@pytest.fixture(scope="module")
def now(instance: dg.DagsterInstance, workspace: WorkspaceProcessContext) -> datetime:
    """The moment of the page, after more has happened."""
    job = shop.defs.resolve_job_def("nightly")
    location = workspace.create_request_context().get_code_location("shop")
    remote = location.get_repository("__repository__").get_full_job("nightly")

    def created(status: dg.DagsterRunStatus) -> dg.RunRecord:
        run = instance.create_run_for_job(
            job,
            tags=TAGS,
            status=status,
            remote_job_origin=remote.get_remote_origin(),
            job_code_origin=remote.get_python_origin(),
        )
        [record] = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
        return record

    storage = instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    for waited, took in WAITED_AND_TOOK:
        run = created(dg.DagsterRunStatus.SUCCESS)
        start = run.create_timestamp.replace(tzinfo=UTC).timestamp() + waited
        with storage.connect() as connection:
            connection.execute(
                sa.update(RunsTable)
                .where(RunsTable.c.id == run.storage_id)
                .values(start_time=start, end_time=start + took)
            )
    job.execute_in_process(instance=instance, raise_on_error=False, tags=TAGS)
    created(dg.DagsterRunStatus.QUEUED)
    created(dg.DagsterRunStatus.STARTED)
    for rows in ROWS:
        made = dg.AssetMaterialization("label", metadata={"dagster/row_count": rows})
        instance.report_runless_asset_event(made)
    instance.event_log_storage.set_concurrency_slots("till", 3)
    instance.event_log_storage.claim_concurrency_slot("till", "some-run", "some-step")
    at = datetime.now(UTC)
    with Database(database_url(instance)).transaction() as connection:
        for number, (recovered, acknowledged) in enumerate(((None, 30.0), (600.0, 90.0))):
            first = at.timestamp() - 3600
            connection.execute(INCIDENTS.insert().values(
                policy="all", fingerprint=str(number), location="shop", subject=f"till {number}",
                event_type="JOB_FAILURE", service="log", address="", first_at=first,
                last_at=first, occurrences=4, facts="", latest="", version=1, changed_at=first,
                last_entry_at=0.0, escalations=0, acknowledged_by="ada",
                acknowledged_at=first + acknowledged,
                recovered_at=None if recovered is None else first + recovered,
            ))  # fmt: skip
        for number, state in enumerate(MESSAGE_STATES):
            connection.execute(MESSAGES.insert().values(
                key=str(number), incident_id=1, service="log", address="", kind="head",
                state=state, sent_version=1, plain=False, unsure=False, attempts=0,
                created_at=at.timestamp() - 3600 * number, delivered_at=at.timestamp(),
            ))  # fmt: skip
    return at


@pytest.fixture(scope="module")
def shown(
    instance: dg.DagsterInstance, workspace: WorkspaceProcessContext, now: datetime
) -> Sections:
    found = Sections()
    context = workspace.create_request_context()
    found.feed(page(read_board(context, Database(database_url(instance)), KeptState(), now=now)))
    return found


def runs_of(instance: dg.DagsterInstance, job: str) -> Sequence[dg.RunRecord]:
    return instance.get_run_records(dg.RunsFilter(job_name=job))


def events_of(instance: dg.DagsterInstance, asset: str) -> Sequence[dg.EventLogRecord]:
    """The materializations of an asset, the oldest first."""
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=100).records
    return [*reversed(records)]


def recorded(instance: dg.DagsterInstance, asset: str, name: str) -> list[Any]:
    made = [one.asset_materialization for one in events_of(instance, asset)]
    return [one.metadata[name].value for one in made if one and name in one.metadata]


def step_seconds(instance: dg.DagsterInstance, asset: str) -> list[float]:
    """The times of the steps that made an asset, as Dagster has them."""
    found = []
    for record in events_of(instance, asset):
        for entry in instance.all_logs(record.run_id, dg.DagsterEventType.STEP_SUCCESS):
            event = entry.dagster_event
            if event and event.step_key == asset:
                found.append(event.step_success_data.duration_ms / 1000)
    return found


def p95(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def total(values: Sequence[float], words: Any = amount) -> str:
    return words(sum(values)) if values else NONE


def test_each_section_of_the_page_is_recomputed_here(shown: Sections) -> None:
    assert set(shown.text) == {
        "", "Needs attention", "Jobs, last 14 days", "Assets", "Freshness",
        "Checks, at most 30 days", "Slowest assets, last 14 days", "Rows",
        "Cost by job, last 14 days", "Cost by asset, last 14 days", "Storage, last 14 days",
        "Tills", "Alerts", "Messages of 30 days", "Daemons and pools",
    }  # fmt: skip


def test_the_first_lines_count_assets_runs_and_what_needs_attention(
    shown: Sections, instance: dg.DagsterInstance, now: datetime
) -> None:
    states = [row[0] for row in shown.table("Assets")]
    assert len(states) == len(ASSETS)
    counts = ", ".join(
        f"{states.count(word)} {word.lower()}"
        for word in ("Degraded", "Warning", "Unknown", "Healthy")
    )
    running = instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
    queued = instance.get_runs_count(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
    assert shown.text[""].startswith(
        f"{now:%Y-%m-%d %H:%M:%S} UTC. Assets: {counts}. Runs: {running} running, {queued} queued."
    )


def test_what_needs_attention_has_the_times_and_runs_of_the_log(
    shown: Sections, instance: dg.DagsterInstance, now: datetime
) -> None:
    rows = {row[1]: row[2:] for row in shown.table("Needs attention")}
    nightly = runs_of(instance, "nightly")
    # of two runs that have ended, the newest failed, and the one before did not
    failed, success = [one for one in nightly if one.end_time][:2]
    assert failed.dagster_run.is_failure
    assert success.dagster_run.is_success
    first, last = failed.end_time or 0.0, failed.dagster_run.run_id[:8]
    was_good = moment(success.end_time or 0.0, now)
    assert rows["Job nightly shop"] == [
        "its last run failed",
        ago(first, now),
        was_good,
        NONE,
        NONE,
        last,
    ]
    good = {name: moment(events_of(instance, name)[-1].timestamp, now) for name in ("empty", "odd")}
    [shelves] = runs_of(instance, "all_shelves")
    run = shelves.dagster_run.run_id[:8]
    why = "check not_empty failed Runbook 1 downstream"
    assert rows["Asset empty shop"] == [why, NONE, good["empty"], "ada@example.com", NONE, run]
    assert rows["Asset odd shop"][2:] == [good["odd"], NONE, NONE, run]
    [till] = [row for name, row in rows.items() if "till 0" in name]
    assert till[1:] == [
        "1 hour ago",
        NONE,
        NONE,
        "#1, 4\N{MULTIPLICATION SIGN} ada has it",
        NONE,
    ]


@pytest.mark.parametrize("job", JOBS)
def test_a_job_has_the_outcomes_durations_and_waits_of_its_runs(
    shown: Sections, instance: dg.DagsterInstance, now: datetime, job: str
) -> None:
    [row] = [one[1:] for one in shown.table("Jobs, last 14 days") if one[0] == f"{job} shop"]
    records = runs_of(instance, job)
    ended = [one for one in records if one.end_time]
    statuses = [one.dagster_run.status.value for one in ended]
    counts = {
        "failed": statuses.count("FAILURE"),
        "succeeded": statuses.count("SUCCESS"),
        "unfinished": len(records) - len(ended),
    }
    today = ", ".join(f"{number} {word}" for word, number in counts.items() if number)
    days = [f"{now - timedelta(days=13 - number):%a %d %b}: no runs" for number in range(13)]
    assert row[0] == " ".join([*days, f"{now:%a %d %b}: {today}"])
    assert row[1] == f"{statuses[0].lower()} {ago(ended[0].end_time or 0.0, now)}"
    took = [
        (one.end_time or 0.0) - (one.start_time or 0.0)
        for one in ended if one.dagster_run.is_success
    ]  # fmt: skip
    waited = [
        (one.start_time or 0.0) - one.create_timestamp.replace(tzinfo=UTC).timestamp()
        for one in records if one.start_time
    ]  # fmt: skip
    limits = [NONE, NONE]
    if job == "nightly":
        limits = [duration(LIMIT), f"{sum(one > LIMIT for one in took)} of {len(took)}"]
    assert row[2:] == [
        *((duration(statistics.median(took)), duration(p95(took))) if took else (NONE, NONE)),
        *limits,
        duration(statistics.median(waited)),
        duration(p95(waited)),
    ]


def test_assets_have_their_last_materialization(
    shown: Sections, instance: dg.DagsterInstance, now: datetime
) -> None:
    found = {row[1]: row[3] for row in shown.table("Assets")}
    events = {name: events_of(instance, name) for name in ASSETS}
    assert found == {
        name: moment(those[-1].timestamp, now) if those else "never"
        for name, those in events.items()
    }
    states = [row[0].lower() for row in shown.table("Assets")]
    for number, word in re.findall(r"(\d+) (\w+)", shown.text["Assets"]):
        assert states.count(word) == int(number)
    [fresh] = shown.table("Freshness")
    age = ago(events["prices"][-1].timestamp, now)
    assert fresh == ["fail", "prices", "at most 1:00:00 old", age]


def test_checks_are_those_that_were_executed(
    shown: Sections, instance: dg.DagsterInstance, now: datetime
) -> None:
    results = {
        (asset, name): [
            one.status.value
            for one in instance.event_log_storage.get_asset_check_execution_history(
                dg.AssetCheckKey(dg.AssetKey(asset), name), limit=100
            )
        ]
        for asset, name in (("full", "is_full"), ("empty", "not_empty"), ("odd", "looks_odd"))
    }
    every = [one for those in results.values() for one in those]
    passed = every.count("SUCCEEDED")
    words = f"{passed} of {len(every)} stored executions passed, the oldest of {now.date()}."
    assert shown.text["Checks, at most 30 days"].startswith(words)
    assert shown.table("Checks, at most 30 days") == [
        [asset, name, "failed", str(those.count("SUCCEEDED")), str(len(those)), str(now.date())]
        for (asset, name), those in results.items()
        if "FAILED" in those
    ]


def test_times_rows_and_costs_of_assets_are_what_was_recorded(
    shown: Sections, instance: dg.DagsterInstance
) -> None:
    seconds = {name: step_seconds(instance, name) for name in ASSETS}
    timed = {name: those for name, those in seconds.items() if those}
    made = {name: len(events_of(instance, name)) for name in ASSETS}
    slowest = shown.table("Slowest assets, last 14 days")
    assert {row[0]: row[1:] for row in slowest} == {
        name: [
            precise(statistics.median(those)), precise(p95(those)), f"{len(those)} of {made[name]}"
        ]
        for name, those in timed.items()
    }  # fmt: skip
    assert [row[0] for row in slowest] == sorted(timed, key=lambda name: -p95(timed[name]))

    *before, last = recorded(instance, "label", "dagster/row_count")
    middle = statistics.median(before)
    allowed = 5 * statistics.median(abs(one - middle) for one in before)
    band = [amount(middle - allowed), amount(middle + allowed)]
    assert shown.table("Rows") == [["label", f"{last}, unusual", *band]]

    names = ("cpu_seconds", "dagster/row_count", "bytes", "calls")
    costs = {name: [recorded(instance, name, one) for one in names] for name in ASSETS}
    assert {row[0]: row[1:] for row in shown.table("Cost by asset, last 14 days")} == {
        name: [
            amount(made[name]),
            total(seconds[name], precise),
            total(costs[name][0], precise),
            *(total(one) for one in costs[name][1:]),
        ]
        for name in ASSETS
        if seconds[name] or any(costs[name])
    }


def test_the_cost_of_a_job_is_that_of_its_runs(
    shown: Sections, instance: dg.DagsterInstance
) -> None:
    found = {row[0]: row[1:] for row in shown.table("Cost by job, last 14 days")}
    times = {
        job: sum((one.end_time or 0.0) - (one.start_time or 0.0)
                 for one in runs_of(instance, job) if one.end_time)
        for job in JOBS
    }  # fmt: skip
    full = [recorded(instance, "full", name) for name in ("cpu_seconds", "bytes", "calls")]
    # a row count of the step, beside those that were reported without a run
    of_shelves = [precise(sum(full[0])), "7", amount(sum(full[1])), amount(sum(full[2]))]
    assert found == {
        f"{job} shop": [
            precise(times[job]), *(of_shelves if job == "all_shelves" else [NONE] * 4)
        ]
        for job in JOBS
    }  # fmt: skip


def test_published_tables_and_sizes_are_those_of_the_last_materialization(
    shown: Sections, instance: dg.DagsterInstance, now: datetime
) -> None:
    made = events_of(instance, "full")[-1].asset_materialization
    assert made is not None
    table = made.metadata["board/Tills"]
    assert isinstance(table, dg.TableMetadataValue)
    assert shown.table("Tills") == [
        [
            NONE if (value := record.data.get(column.name)) is None else str(value)
            for column in table.schema.columns
        ]
        for record in table.records
    ]
    sizes = [recorded(instance, "platform_health", name)[-1] / 1024**2
             for name in ("storage_bytes", "storage_bytes/shop.duckdb")]  # fmt: skip
    assert shown.table("Storage, last 14 days") == [
        ["Growth a day", NONE, NONE],
        [str(now.date()), *(f"{size:.1f} MiB" for size in sizes)],
    ]


def test_alerts_are_those_of_the_outbox(shown: Sections, instance: dg.DagsterInstance) -> None:
    assert shown.facts["Alerts"] == {
        "Open incidents": "1",
        "Waiting": "1, the oldest due less than 1 s ago; 0 held for quiet hours",
        "Time to acknowledge": duration(statistics.median([30, 90])),
        "Time to recover": duration(600),
    }
    columns = ("waiting", "delivered", "suppressed", "failed", "dropped")
    assert shown.table("Messages of 30 days") == [
        ["log", *(str(MESSAGE_STATES.count(state)) for state in columns)]
    ]


def test_daemons_and_pools_are_those_of_the_instance(
    shown: Sections, instance: dg.DagsterInstance
) -> None:
    required = [name for name, one in instance.get_daemon_statuses().items() if one.required]
    pool = instance.event_log_storage.get_concurrency_info("till")
    assert shown.facts["Daemons and pools"] == {
        **dict.fromkeys(required, "no heartbeat"),
        "Pool till": (
            f"{pool.active_slot_count} of {pool.slot_count} slots taken, "
            f"{pool.pending_step_count} steps waiting"
        ),
    }
    assert (pool.active_slot_count, pool.slot_count) == (1, 3)
