"""The asset that tags the transactions."""

import dagster as dg
from pydantic import Field

from gocardless.extraction.fetch_scope import utc_now
from gocardless.sync.assets import transactions, unified_tables
from gocardless.sync.connection_filter import ConnectionRequest, known_connection
from gocardless.tagging.application import apply_rules
from gocardless.tagging.rules import load_rules, read_table_rules, rules_path
from gocardless.tagging.tables import create_tag_tables
from shared_lib.metadata import relation_metadata
from shared_lib.warehouse import Warehouse


class TagRequest(ConnectionRequest):
    """Which transactions to tag."""

    retag: bool = Field(
        default=False,
        description="Also apply the rules to transactions that rules have tagged; tags that people "
        "set stay.",
    )


@dg.asset(key=["sync", "gocardless", "transaction_tags"], deps=[transactions])
def transaction_tags(
    context: dg.AssetExecutionContext, config: TagRequest, warehouse: Warehouse
) -> dg.MaterializeResult:
    """Contains the tag of each transaction that matches a rule of the file or the table."""
    rules = load_rules(rules_path())
    with unified_tables(warehouse) as connection:
        create_tag_tables(connection)
        if config.connection_id is not None:
            known_connection(connection, config.connection_id)
        counts = apply_rules(
            connection,
            [*rules, *read_table_rules(connection)],
            at=utc_now(),
            run_id=context.run.run_id,
            retag=config.retag,
            connection_id=config.connection_id,
        )
        return dg.MaterializeResult(
            metadata={
                **relation_metadata(connection, "unified", "transaction_tags"),
                "tagged": counts.tagged,
                "taken_back": counts.taken_back,
                "untagged": counts.untagged,
                "tagged_by_rule": dg.MetadataValue.json(counts.by_rule),
            }
        )
