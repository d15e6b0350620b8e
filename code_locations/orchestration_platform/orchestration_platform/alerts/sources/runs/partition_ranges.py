"""Which partitions a run over a range of them is about, and which were made since.

The order of an asset's partitions is in its code, which is not loaded here. But before such a run
starts, Dagster writes into its log which partitions of which asset it is to make.
"""

from collections.abc import Mapping

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.sources.runs.facts import is_over_range, partition_of
from orchestration_platform.alerts.sources.runs.log import RunLog

# A longer range is one thing that a run over the same range has to put right.
MOST_PARTITIONS = 2000


def unmade_partitions(run: dg.DagsterRun, log: RunLog) -> Mapping[str, frozenset[str]]:
    """By asset the partitions that the run was to make and did not; empty without a known range."""
    return {
        asset: keys - log.made_partitions.get(asset, frozenset())
        for asset, keys in _planned(run, log).items()
    }


def failed_partitions(run: dg.DagsterRun, log: RunLog) -> tuple[str, ...]:
    """The partitions that a failed run leaves to be made; empty without a known range."""
    planned = _planned(run, log)
    left = frozenset[str]().union(*unmade_partitions(run, log).values())
    # what failed may be something else than an asset
    return tuple(sorted(left or frozenset[str]().union(*planned.values())))


def succeeded_partitions(run: dg.DagsterRun, log: RunLog) -> frozenset[str]:
    """What a run that has succeeded puts right: its partition, the range and all that is in it."""
    return frozenset({partition_of(run.tags)}).union(*_planned(run, log).values())


def made_since(instance: dg.DagsterInstance, failure: Alert, since: float) -> set[str]:
    """Of the partitions that the failure of an asset is about, those made after ``since``.

    ``""`` stands for the asset of a failure that is about no partition.
    """
    wanted = failure.partitions or ((failure.partition,) if failure.partition else ())
    later = dg.AssetRecordsFilter(
        asset_key=dg.AssetKey(failure.subject.split("/")),
        asset_partitions=wanted or None,
        after_timestamp=since,
    )
    # each may have been made more than once
    found = instance.fetch_materializations(later, limit=2 * len(wanted) or 1).records
    return {record.partition_key or "" if wanted else "" for record in found}


def _planned(run: dg.DagsterRun, log: RunLog) -> Mapping[str, frozenset[str]]:
    if not is_over_range(run.tags):
        return {}
    planned = log.planned_partitions(most=MOST_PARTITIONS)
    return planned if planned is not None else {}
