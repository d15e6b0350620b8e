"""Backfills carry the person who starts them, also those that are executed again or resumed.

Dagster copies the tags of the first one, with its person, and offers no argument for others.
"""

import copy

import dagster as dg
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from starlette.requests import HTTPConnection

from orchestration_platform.web.login.person import PERSON_TAG, person_of


def signing_backfills(
    instance: dg.DagsterInstance, connection: HTTPConnection
) -> dg.DagsterInstance:
    """Return ``instance`` for one request: what it stores as requested carries its person."""
    signing = copy.copy(instance)

    def signed(backfill: PartitionBackfill) -> PartitionBackfill:
        # a person who cancels one starts none of its runs
        if backfill.status is not BulkActionStatus.REQUESTED:
            return backfill
        tags = {**(backfill.tags or {}), PERSON_TAG: person_of(connection).name}
        return backfill._replace(tags=tags)

    def add_backfill(partition_backfill: PartitionBackfill) -> None:
        instance.add_backfill(signed(partition_backfill))

    def update_backfill(partition_backfill: PartitionBackfill) -> None:
        instance.update_backfill(signed(partition_backfill))

    signing.add_backfill = add_backfill
    signing.update_backfill = update_backfill
    return signing
