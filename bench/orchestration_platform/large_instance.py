"""An instance with many assets, jobs and runs, whose history is stored by copying that of one run.

Dagster itself would need days to run so much. A job of the workspace runs once in this process,
and Postgres stores its rows again under other names and times.
"""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg

# Of the jobs, one in this many ends with failures, as does one in so many of the other runs.
_FAILING_JOB, _FAILING_RUN = 20, 50

LOCATION = "large"
_REPOSITORY = f"__repository__@{LOCATION}"

# Assets in chains of a job each, the first of which reads an asset from elsewhere.
_DEFINITIONS = """
import dagster as dg
from datetime import timedelta

ASSETS, JOBS = {assets}, {jobs}
SIZE = ASSETS // JOBS


def asset(number):
    job, place = divmod(number, SIZE)
    above = f"asset_{{number - 1:05}}" if place else f"source_{{job:03}}"
    policy = dg.FreshnessPolicy.time_window(fail_window=timedelta(days=2)) if place == 0 else None

    @dg.asset(
        name=f"asset_{{number:05}}", deps=[above], group_name=f"group_{{job:03}}",
        freshness_policy=policy, owners=["team:large"],
        check_specs=[dg.AssetCheckSpec("rows", asset=f"asset_{{number:05}}")] if place < 5 else [],
    )
    def made():
        checks = [dg.AssetCheckResult(passed=True)] if place < 5 else []
        yield dg.MaterializeResult(check_results=checks)

    return made


assets = [asset(number) for number in range(JOBS * SIZE)]
jobs = [
    dg.define_asset_job(
        f"job_{{job:03}}",
        selection=dg.AssetSelection.groups(f"group_{{job:03}}"),
    )
    for job in range(JOBS)
]
schedules = [
    dg.ScheduleDefinition(name=f"schedule_{{number:03}}", job=job, cron_schedule="0 * * * *")
    for number, job in enumerate(jobs)
]
sources = [dg.AssetSpec(f"source_{{job:03}}") for job in range(JOBS)]
defs = dg.Definitions(assets=[*assets, *sources], jobs=jobs, schedules=schedules)
"""


@dataclass(frozen=True)
class Scale:
    """How much there is; the runs are spread evenly over the jobs and the days."""

    assets: int = 5_000
    jobs: int = 200
    runs: int = 100_000
    days: int = 28


def write_workspace(directory: Path, scale: Scale) -> Path:
    """Write a workspace of one location with the assets and jobs; return its file."""
    code = _DEFINITIONS.format(assets=scale.assets, jobs=scale.jobs)
    (directory / "large.py").write_text(textwrap.dedent(code), encoding="utf-8")
    workspace = directory / "workspace.yaml"
    workspace.write_text(
        f"load_from:\n  - python_file: {{relative_path: large.py, location_name: {LOCATION}}}\n",
        encoding="utf-8",
    )
    return workspace


def store_history(
    instance: dg.DagsterInstance, connection: psycopg.Connection, scale: Scale
) -> None:
    """Store the runs of ``scale`` in an empty instance, whose database ``connection`` leads to."""
    definitions: dict[str, Any] = {}
    # the text of this module, which a code server loads from a file elsewhere
    exec(_DEFINITIONS.format(assets=scale.assets // scale.jobs, jobs=1), definitions)  # noqa: S102
    job = definitions["defs"].resolve_job_def("job_000")
    run_id = job.execute_in_process(
        instance=instance, tags={".dagster/repository": _REPOSITORY}
    ).run_id
    connection.execute(
        """
        create temporary table copies as
        select
            number,
            number %% %(jobs)s as job,
            (number / %(jobs)s) %% %(size)s as place,
            md5(number::text)::uuid::text as run_id,
            (now() at time zone 'utc')
                - make_interval(secs => %(seconds)s * (%(runs)s - number) / %(runs)s + 900) as at,
            number %% %(jobs)s %% %(failing_job)s = 7 or number %% %(failing_run)s = 11 as is_failed
        from generate_series(0, %(runs)s - 1) as number
        """,
        {
            "jobs": scale.jobs, "size": scale.assets // scale.jobs, "runs": scale.runs,
            "seconds": scale.days * 86_400.0,
            "failing_job": _FAILING_JOB, "failing_run": _FAILING_RUN,
        },
    )  # fmt: skip
    for statement in _COPIES:
        connection.execute(statement, {"run": run_id, "size": scale.assets // scale.jobs})


_RUNS = """
insert into runs (
    run_id, snapshot_id, pipeline_name, status, run_body, create_timestamp, update_timestamp,
    start_time, end_time
)
select
    copies.run_id,
    runs.snapshot_id,
    'job_' || lpad(job::text, 3, '0'),
    case when is_failed then 'FAILURE' else 'SUCCESS' end,
    replace(
        replace(
            replace(run_body, %(run)s, copies.run_id),
            '"job_000"', format('"job_%%s"', lpad(job::text, 3, '0'))
        ),
        '"SUCCESS"', case when is_failed then '"FAILURE"' else '"SUCCESS"' end
    ),
    at,
    at + interval '90 seconds',
    extract(epoch from at at time zone 'utc') + 20,
    extract(epoch from at at time zone 'utc') + 60 + number %% 60
from runs cross join copies
where runs.run_id = %(run)s
order by number
"""
_TAGS = """
insert into run_tags (run_id, key, value)
select copies.run_id, key, value
from run_tags cross join copies
where run_tags.run_id = %(run)s
"""
# of each run its start and end, and what it made of one asset and found in one check
_EVENTS = """
insert into event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key)
select
    copies.run_id,
    replace(replace(replace(event, %(run)s, copies.run_id), 'asset_00000', made.name), 'job_000',
        'job_' || lpad(job::text, 3, '0')),
    dagster_event_type,
    at + interval '60 seconds',
    replace(step_key, 'asset_00000', made.name),
    replace(asset_key, 'asset_00000', made.name)
from copies
cross join lateral (
    select 'asset_' || lpad((job * %(size)s + place)::text, 5, '0') as name
) as made
join event_logs on
    event_logs.run_id = %(run)s
    and dagster_event_type in (
        'PIPELINE_START', 'PIPELINE_SUCCESS', 'ASSET_MATERIALIZATION', 'ASSET_CHECK_EVALUATION'
    )
    and (asset_key is null or asset_key = '["asset_00000"]')
    and (step_key is null or step_key = 'asset_00000')
order by number, event_logs.id
"""
_ASSETS = """
insert into asset_keys (
    asset_key, last_materialization, last_run_id, asset_details, last_materialization_timestamp
)
select distinct on (job, place)
    format('["asset_%%s"]', number_of.padded),
    replace(
        replace(last_materialization, %(run)s, copies.run_id), 'asset_00000', 'asset_' || padded
    ),
    copies.run_id,
    asset_details,
    at + interval '60 seconds'
from copies
cross join lateral (select lpad((job * %(size)s + place)::text, 5, '0') as padded) as number_of
join asset_keys on asset_key = '["asset_00000"]'
order by job, place, number desc
on conflict (asset_key) do nothing
"""
_CHECKS = """
insert into asset_check_executions (
    asset_key, check_name, run_id, execution_status, evaluation_event,
    evaluation_event_timestamp, create_timestamp
)
select
    format('["asset_%%s"]', number_of.padded),
    check_name,
    copies.run_id,
    execution_status,
    replace(
        replace(evaluation_event, %(run)s, copies.run_id), 'asset_00000', 'asset_' || padded
    ),
    at,
    at
from copies
cross join lateral (select lpad((job * %(size)s + place)::text, 5, '0') as padded) as number_of
join asset_check_executions on
    asset_key = '["asset_00000"]' and asset_check_executions.run_id = %(run)s
where place < 5
order by number
"""
_COPIES = (_RUNS, _TAGS, _EVENTS, _ASSETS, _CHECKS, "analyze")
