"""The runs and steps that are in progress in this process.

Kept per process, not per handler, because Dagster creates several from one configuration.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from shared_lib.observability.spans import StepIdentity

if TYPE_CHECKING:
    import dagster as dg

    from shared_lib.observability.lineage.asset_datasets import DatasetName, WrittenDataset
    from shared_lib.observability.lineage.step_datasets import CheckOutcome


@dataclass
class StepUnderWay:
    """A step, and what it has reported about assets so far."""

    identity: StepIdentity
    started: datetime
    inputs: "set[DatasetName]" = field(default_factory=set)
    # by name, because each partition of an asset has its own materialisation
    outputs: "dict[DatasetName, WrittenDataset]" = field(default_factory=dict)
    # for each asset its datasets, as precisely as known, and the results of its checks
    datasets: "dict[dg.AssetKey, list[DatasetName]]" = field(default_factory=dict)
    outcomes: "dict[dg.AssetKey, list[CheckOutcome]]" = field(default_factory=dict)
    assets: set[str] = field(default_factory=set)
    partitions: set[str] = field(default_factory=set)

    @property
    def made(self) -> list[tuple[str, str]]:
        """The assets that it made or checked, and the partitions, each with what it is."""
        assets = [("asset", asset) for asset in sorted(self.assets)]
        return assets + [("partition", partition) for partition in sorted(self.partitions)]

    @property
    def checked(self) -> "dict[DatasetName, list[CheckOutcome]]":
        """The check results of each dataset."""
        return {
            name: found for asset, found in self.outcomes.items() for name in self.datasets[asset]
        }


RUNS: dict[str, datetime] = {}
STEPS: dict[tuple[str, str], StepUnderWay] = {}


def attempt_at(run_id: str, step_key: str) -> int:
    """Return which attempt at the step is running in this process, from 0."""
    step = STEPS.get((run_id, step_key))
    return step.identity.attempt if step else 0
