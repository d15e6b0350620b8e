"""Ids that every process of a run computes alike."""

from datetime import UTC, datetime
from uuid import UUID

from shared_lib.observability import identity

RUN = "18c9323f-d85b-4934-b8da-37afed3d4848"


def test_the_trace_has_the_number_of_the_run() -> None:
    assert f"{identity.trace_id(RUN):032x}" == RUN.replace("-", "")
    assert 0 < identity.trace_id("nightly 7") < 2**128


def test_spans_differ_by_run_step_attempt_node_and_batch_and_are_always_the_same() -> None:
    step = identity.step_span_id(RUN, "models", 0)
    ids = [
        identity.run_span_id(RUN),
        step,
        identity.step_span_id(RUN, "models", 1),
        identity.step_span_id(RUN, "report", 0),
        identity.step_span_id(RUN.replace("1", "2"), "models", 0),
        identity.node_span_id(step, "model.shop.sales"),
        identity.node_span_id(step, "model.shop.sales", 1),
        identity.node_span_id(step, "model.shop.prices"),
    ]
    assert len(set(ids)) == len(ids)
    assert all(0 < one < 2**64 for one in ids)
    # written down, because processes of another release must agree
    assert f"{step:016x}" == "9b14d0173e69d591"


def test_a_lineage_run_is_a_uuid_of_version_7_made_from_its_start() -> None:
    started = datetime(2026, 1, 1, tzinfo=UTC)
    made = UUID(identity.lineage_run_id(5, RUN, started))
    assert made.version == 7
    assert made.int >> 80 == int(started.timestamp() * 1000)
    assert made == UUID(identity.lineage_run_id(5, RUN, started))
    assert made != UUID(identity.lineage_run_id(6, RUN, started))
