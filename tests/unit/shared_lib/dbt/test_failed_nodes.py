"""The failed nodes of a dbt invocation, as metadata that Dagster stores and returns."""

import dagster as dg
from hypothesis import given
from hypothesis import strategies as st

from shared_lib.dbt.failed_nodes import FAILED_NODES, FailedNode, FailedNodes

TEXT = st.text(max_size=40)
NODES = st.builds(
    FailedNode,
    unique_id=TEXT,
    name=TEXT,
    resource_type=TEXT,
    status=TEXT,
    message=TEXT,
    path=TEXT,
    failing_rows=st.none() | st.integers(0, 2**40),
)


def node(message: str) -> FailedNode:
    return FailedNode(
        unique_id="model.shop.sales",
        name="sales",
        resource_type="model",
        status="error",
        message=message,
        path="models/sales.sql",
    )


@given(st.lists(NODES, max_size=4))
def test_what_dagster_stores_is_read_back_as_it_was(nodes: list[FailedNode]) -> None:
    failed = FailedNodes(nodes=tuple(nodes))
    stored = dg.serialize_value(failed.to_metadata()[FAILED_NODES])
    read = dg.deserialize_value(stored, dg.TableMetadataValue)
    assert FailedNodes.from_metadata({FAILED_NODES: read}) == failed


def test_messages_share_the_room_and_a_cut_one_is_marked() -> None:
    alone = FailedNodes(nodes=(node("x" * 150_000),))
    assert FailedNodes.from_metadata(alone.to_metadata()) == alone
    many = FailedNodes(nodes=(node("y" * 1_000),) * 500)
    [first, *_] = found = FailedNodes.from_metadata(many.to_metadata()).nodes
    assert len(found) == 500
    assert first.message == "y" * 400 + " ... and 600 characters more"


def test_what_is_cut_leaves_no_part_of_a_secret() -> None:
    message = f"{'y' * 385}https://u:hunter22@bank.example/"
    [first, *_] = FailedNodes.from_metadata(
        FailedNodes(nodes=(node(message),) * 500).to_metadata()
    ).nodes
    assert "hunt" not in first.message


def test_other_metadata_names_no_node() -> None:
    none = FailedNodes(nodes=())
    assert FailedNodes.from_metadata({}) == none
    assert FailedNodes.from_metadata({FAILED_NODES: dg.MetadataValue.text("sales")}) == none
    other = dg.MetadataValue.table([dg.TableRecord({"node": "sales"})])
    assert FailedNodes.from_metadata({FAILED_NODES: other}) == none


def test_a_column_of_a_later_release_does_no_harm() -> None:
    [row] = FailedNodes(nodes=(node("bad"),)).to_metadata()[FAILED_NODES].records
    later = dg.MetadataValue.table([dg.TableRecord({**row.data, "owner": "sales team"})])
    assert FailedNodes.from_metadata({FAILED_NODES: later}).nodes == (node("bad"),)
