"""Which part of a lake a run of the bank writes, so that runs of others start beside it."""

from types import SimpleNamespace
from typing import Any, cast

import dagster as dg
import pytest

from gocardless.resources import BankWarehouse
from shared_lib.warehouse.parts_in_queue import PART_TAG, part_tags

CONNECTION = "5d0a6a1e-2f3b-4c59-8d57-6f1c9e0b7a42"


@pytest.mark.parametrize(
    ("run_config", "part"),
    [
        ({"ops": {"*": {"config": {"connection_id": CONNECTION}}}}, CONNECTION),
        ({"ops": {"*": {"config": {"connection_id": CONNECTION}}, "sync": {}}}, CONNECTION),
        # a single step about a connection says nothing of the others
        ({"ops": {"sync": {"config": {"connection_id": CONNECTION}}}}, None),
        ({}, None),
    ],
)
def test_a_run_of_the_job_for_one_connection_writes_that_connection(
    run_config: dict[str, Any], part: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dg.DagsterRun(job_name="a job", run_config=run_config)
    assert BankWarehouse(location="gocardless").part_of(run) == part
    origin = SimpleNamespace(location_name="gocardless")
    queued = cast(
        "dg.DagsterRun",
        SimpleNamespace(remote_job_origin=origin, tags={}, run_config=run_config),
    )
    assert part_tags(queued) == {}
    monkeypatch.setenv("WAREHOUSE", "lake")
    assert part_tags(queued) == ({PART_TAG: f"gocardless/{part}"} if part else {})
