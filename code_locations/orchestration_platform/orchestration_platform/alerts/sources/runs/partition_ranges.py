"""Which partitions a run over a range covers, and which of them were made since.

The order of an asset's partitions is defined in its code, which is not loaded here. But before such
a run starts, Dagster logs which partitions of which asset it is to make.
"""

from collections.abc import Mapping

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.sources.runs.facts import is_over_range, partition_of
from orchestration_platform.alerts.sources.runs.log import RunLog

# A longer range counts as one unit: a run over the same range ends its failure.
MOST_PARTITIONS = 2000


def unmade_partitions(run: dg.DagsterRun, log: RunLog) -> Mapping[str, frozenset[str]]:
    """Return the unmade partitions of the run, by asset; empty without a known range."""
    return {
        asset: keys - log.made_partitions.get(asset, frozenset())
        for asset, keys in _planned(run, log).items()
    }


def failed_partitions(run: dg.DagsterRun, log: RunLog) -> tuple[str, ...]:
    """Return the partitions that a failed run left unmade; empty without a known range."""
    planned = _planned(run, log)
    left = frozenset[str]().union(*unmade_partitions(run, log).values())
    # what failed may be something other than an asset
    return tuple(sorted(left or frozenset[str]().union(*planned.values())))


def succeeded_partitions(run: dg.DagsterRun, log: RunLog) -> frozenset[str]:
    """Return what a successful run ends: its partition, or the range and every partition in it."""
    return frozenset({partition_of(run.tags)}).union(*_planned(run, log).values())


def made_since(instance: dg.DagsterInstance, failure: Alert, since: float) -> set[str]:
    """Return those of the partitions in an asset's failure that were made after ``since``.

    ``""`` represents the asset of a failure without partitions.
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
