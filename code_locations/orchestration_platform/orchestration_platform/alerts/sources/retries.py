"""The runs that Dagster starts in place of one that has failed."""

from collections.abc import Collection, Iterator

import dagster as dg

WILL_RETRY_TAG = "dagster/will_retry"
_RETRY_TAG = "dagster/auto_retry_run_id"

# Anybody can write tags, in a circle too.
_MOST_ATTEMPTS = 100
_PORTION = 500


def last_attempts(
    instance: dg.DagsterInstance, run_ids: Collection[str]
) -> dict[str, dg.RunRecord | None]:
    """For each run the last attempt so far, which may be itself; nothing for one that is gone.

    It costs a few queries for each attempt that the longest chain has, however many runs there are.
    """
    records: dict[str, dg.RunRecord | None] = {}
    last = {run_id: run_id for run_id in run_ids}
    for _ in range(_MOST_ATTEMPTS):
        for portion in _portions(set(last.values()) - records.keys()):
            found = instance.get_run_records(dg.RunsFilter(run_ids=portion))
            records |= dict.fromkeys(portion)
            records |= {record.dagster_run.run_id: record for record in found}
        following = {first: _retry_of(records[run_id]) or run_id for first, run_id in last.items()}
        if following == last:
            break
        last = following
    return {first: records.get(run_id) for first, run_id in last.items()}


def _retry_of(record: dg.RunRecord | None) -> str | None:
    return record.dagster_run.tags.get(_RETRY_TAG) if record else None


def _portions(run_ids: Collection[str]) -> Iterator[list[str]]:
    names = sorted(run_ids)
    for start in range(0, len(names), _PORTION):
        yield names[start : start + _PORTION]
