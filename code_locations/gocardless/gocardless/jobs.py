"""The job for one connection, which a web application starts when a user asks for new data."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from gocardless.extraction import assets as extraction
from gocardless.sync import assets as sync
from gocardless.sync.connection_filter import ConnectionRequest
from gocardless.tagging.assets import TagRequest, transaction_tags

CONNECTION_JOB = "gocardless_connection_sync_job"

EVERY_STEP = "*"

# All that can be done for one connection alone. Lists that come whole, budgets, which are of all
# accounts together, and the marts, which are views and follow by themselves, are not among it.
STEPS: Mapping[dg.AssetsDefinition, type[dg.Config]] = {
    extraction.bank_accounts: extraction.AccountsRequest,
    extraction.account_details: extraction.DetailsRequest,
    extraction.account_balances: extraction.AccountsRequest,
    extraction.transactions: extraction.TransactionsRequest,
    sync.accounts: ConnectionRequest,
    sync.transactions: ConnectionRequest,
    sync.balances: ConnectionRequest,
    transaction_tags: TagRequest,
}

_SCHEMA = {
    "ops": dg.Field(
        dg.Permissive(
            {
                EVERY_STEP: dg.Field(
                    {
                        "config": dg.Field(
                            dg.Permissive(
                                {
                                    "connection_id": dg.Field(
                                        str, description="UUID of the connection."
                                    )
                                }
                            )
                        )
                    },
                    description="For every step that knows the field.",
                )
            }
        ),
        description="Beside * may stand single steps, whose fields count before those of *.",
    )
}


class WildcardConfigError(ValueError):
    """The run configuration cannot be expanded to the steps; says what to change."""


def expand(run_config: Mapping[str, Any]) -> dict[str, Any]:
    """The run configuration of the steps: ``*`` written out for each of them.

    Args:
        run_config: ``{"ops": {"*": {"config": {"connection_id": uuid, ...}}}}``.

    Raises:
        WildcardConfigError: a field or a step is not known, or a step is given another connection.
    """
    ops = run_config["ops"]
    shared = ops[EVERY_STEP]["config"]
    # whether there is such a connection the first step says, in a run that people can find
    connection_id = shared["connection_id"]
    known = {asset.op.name: set(config.model_fields) for asset, config in STEPS.items()}
    own = {name: dict(entry.get("config", {})) for name, entry in ops.items() if name != EVERY_STEP}
    if strange := sorted(set(own) - set(known)):
        message = f"{strange[0]} is no step of {CONNECTION_JOB}, allowed is one of: " + ", ".join(
            [EVERY_STEP, *known]
        )
        raise WildcardConfigError(message)
    if unread := sorted(set(shared) - set().union(*known.values())):
        message = f"no step has a field {unread[0]}: remove it from ops.{EVERY_STEP}.config"
        raise WildcardConfigError(message)
    if any(config.get("connection_id", connection_id) != connection_id for config in own.values()):
        raise WildcardConfigError(f"a run is about one connection: {connection_id}")
    return {
        "ops": {
            name: {
                "config": {
                    **{field: value for field, value in shared.items() if field in fields},
                    **own.get(name, {}),
                }
            }
            for name, fields in known.items()
        }
    }


connection_sync_job = dg.define_asset_job(
    CONNECTION_JOB,
    selection=dg.AssetSelection.assets(*STEPS),
    config=dg.ConfigMapping(config_fn=expand, config_schema=_SCHEMA),
    description="One connection from the API into the unified tables; nothing else is touched.",
)
