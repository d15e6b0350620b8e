"""What Dagster shows of the years: it agrees with the warehouse, also after years were removed."""

from collections.abc import Collection

import dagster as dg

from simulation.state.partitions import year_of_key


def shown_years(instance: dg.DagsterInstance, asset: dg.AssetKey) -> set[tuple[str, int]]:
    """Return the scenarios and years for which ``asset`` is shown as materialized.

    Keys of releases before, which had no scenario, are not among them.
    """
    return set(filter(None, map(year_of_key, instance.get_materialized_partitions(asset))))


def forget_years(
    instance: dg.DagsterInstance, *, scenario_id: str, kept: Collection[int]
) -> set[tuple[str, int]]:
    """Show the scenario's years that are not ``kept`` as missing; return them.

    Dagster's open-source storage wipes whole assets only. So each asset with such a year is wiped,
    and the latest materialization of every partition that stays is reported anew.
    """
    forgotten: set[tuple[str, int]] = set()
    for asset in instance.all_asset_keys():
        gone = {
            (scenario, year)
            for scenario, year in shown_years(instance, asset)
            if scenario == scenario_id and year not in kept
        }
        if gone:
            _wipe(instance, asset, gone)
            forgotten |= gone
    return forgotten


def _wipe(instance: dg.DagsterInstance, asset: dg.AssetKey, gone: set[tuple[str, int]]) -> None:
    staying = []
    for partition in sorted(instance.get_materialized_partitions(asset)):
        if year_of_key(partition) not in gone:
            latest = dg.AssetRecordsFilter(asset_key=asset, asset_partitions=[partition])
            [record] = instance.fetch_materializations(latest, limit=1).records
            if record.asset_materialization is not None:
                staying.append(record.asset_materialization)
    instance.wipe_assets([asset])
    for materialization in staying:
        instance.report_runless_asset_event(materialization)
