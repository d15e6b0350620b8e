"""What one failed run has caused, as one entry with the assets beneath it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from orchestration_platform.board.attention import Attention, rank

# Of one asset alone, the asset says it all.
_FEWEST_ASSETS = 2


def by_cause(items: Sequence[Attention], *, now: float) -> list[Attention]:
    """Return the items, the worst first, with those that one failed run caused beneath it.

    The run is the row of its job, or of an incident about it. A run of chosen assets has neither,
    and gets a row of its own if it failed to make several. Each item is there once.

    Args:
        items: what needs attention.
        now: the moment, in seconds since 1970.
    """
    caused: dict[str, list[Attention]] = defaultdict(list)
    for item in items:
        if item.failed_run_id:
            caused[item.failed_run_id].append(item)
    found = []
    for item in items:
        if item.failed_run_id:
            continue
        # of two rows about one run, the first that is listed
        beneath = caused.pop(item.run_id, []) if item.kind != "Asset" else []
        found.append(_above(item, beneath))
    for run_id, assets in caused.items():
        found.extend([_run(run_id, assets)] if len(assets) >= _FEWEST_ASSETS else assets)
    return sorted(found, key=lambda item: rank(item, now))


def _above(item: Attention, caused: Sequence[Attention]) -> Attention:
    if not caused:
        return item
    health = min(item.health, *(one.health for one in caused))
    return replace(item, health=health, caused=tuple(caused))


def _run(run_id: str, assets: Sequence[Attention]) -> Attention:
    """Return a row for a run that no other row is about."""
    locations = {asset.location for asset in assets}
    begun = [asset.since for asset in assets if asset.since]
    good = [asset.last_good_at for asset in assets if asset.last_good_at]
    return Attention(
        health=min(asset.health for asset in assets),
        kind="Run",
        name=run_id[:8],
        location=locations.pop() if len(locations) == 1 else "",
        text="it failed",
        since=min(begun, default=None),
        # when all of its assets were OK
        last_good_at=min(good) if len(good) == len(assets) else None,
        owners=tuple(sorted({owner for asset in assets for owner in asset.owners})),
        incident=next((asset.incident for asset in assets if asset.incident), None),
        run_id=run_id,
        caused=tuple(assets),
    )
