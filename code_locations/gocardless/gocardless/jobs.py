"""The job for one connection, which a web application starts when a user asks for new data."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from gocardless.bank_account_data import assets as gocardless
from gocardless.enable_banking import assets as enable_banking
from gocardless.extraction import assets as extraction
from gocardless.sync import assets as sync
from gocardless.sync.connection_filter import ConnectionRequest
from gocardless.tagging.assets import TagRequest, transaction_tags

CONNECTION_JOB = "gocardless_connection_sync_job"

ENABLE_BANKING_CONNECTION_JOB = "enable_banking_connection_sync_job"

EVERY_STEP = "*"

# The steps that can run for one connection. Lists that the API only returns whole, budgets, which
# cover all accounts, and the marts, which are views, are not among them.
STEPS: Mapping[dg.AssetsDefinition, type[dg.Config]] = {
    gocardless.bank_accounts: extraction.AccountsRequest,
    gocardless.account_details: extraction.DetailsRequest,
    gocardless.account_balances: extraction.AccountsRequest,
    gocardless.transactions: extraction.TransactionsRequest,
    sync.accounts: ConnectionRequest,
    sync.transactions: sync.FreshnessRequest,
    sync.balances: ConnectionRequest,
    transaction_tags: TagRequest,
}
ENABLE_BANKING_STEPS: Mapping[dg.AssetsDefinition, type[dg.Config]] = {
    enable_banking.account_balances: extraction.AccountsRequest,
    enable_banking.transactions: extraction.TransactionsRequest,
    **{step: request for step, request in STEPS.items() if step.key.path[0] == "sync"},
}


def _schema(steps: Mapping[dg.AssetsDefinition, type[dg.Config]]) -> dict[str, dg.Field]:
    """What a job takes: Dagster itself names a field or step that is not in it.

    No field has a default here: those that are left out have that of their step.
    """
    of_steps = {
        step.op.name: {
            name: dg.Field(field.config_type, is_required=False, description=field.description)
            for name, field in request.to_fields_dict().items()
        }
        for step, request in steps.items()
    }
    shared = {name: field for fields in of_steps.values() for name, field in fields.items()}
    shared["connection_id"] = dg.Field(str, description="UUID of the connection.")
    ops = {
        EVERY_STEP: dg.Field(
            {"config": dg.Field(shared)}, description="Applies to every step that has the field."
        ),
        **{
            step: dg.Field(
                {
                    "config": dg.Field(
                        {name: field for name, field in fields.items() if name != "connection_id"},
                        is_required=False,
                    )
                },
                is_required=False,
            )
            for step, fields in of_steps.items()
        },
    }
    return {
        "ops": dg.Field(
            ops, description="`*` for all steps, and single steps, whose fields take precedence."
        )
    }


class WildcardConfigError(ValueError):
    """The run configuration cannot be expanded to the steps; the text explains what to change."""


def expand(
    run_config: Mapping[str, Any],
    steps: Mapping[dg.AssetsDefinition, type[dg.Config]] = STEPS,
    job: str = CONNECTION_JOB,
) -> dict[str, Any]:
    """Return the run configuration of the steps, with ``*`` expanded to each of them.

    Args:
        run_config: ``{"ops": {"*": {"config": {"connection_id": uuid, ...}}}}``.
        steps: those of the job, with their configuration.
        job: its name, for messages.

    Raises:
        WildcardConfigError: a field or step is unknown, or a step names another connection.
    """
    ops = run_config["ops"]
    shared = ops[EVERY_STEP]["config"]
    # the first step checks that the connection exists, in a run that people can find
    connection_id = shared["connection_id"]
    known = {asset.op.name: set(config.model_fields) for asset, config in steps.items()}
    own = {name: dict(entry.get("config", {})) for name, entry in ops.items() if name != EVERY_STEP}
    if strange := sorted(set(own) - set(known)):
        message = f"{strange[0]} is not a step of {job}, allowed is one of: " + ", ".join(
            [EVERY_STEP, *known]
        )
        raise WildcardConfigError(message)
    if unread := sorted(set(shared) - set().union(*known.values())):
        message = f"no step has the field {unread[0]}: remove it from ops.{EVERY_STEP}.config"
        raise WildcardConfigError(message)
    if any(config.get("connection_id", connection_id) != connection_id for config in own.values()):
        raise WildcardConfigError(f"a run processes one connection: {connection_id}")
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
    config=dg.ConfigMapping(config_fn=expand, config_schema=_schema(STEPS)),
    description="Loads only one connection from the API into the unified tables.",
)

enable_banking_connection_sync_job = dg.define_asset_job(
    ENABLE_BANKING_CONNECTION_JOB,
    selection=dg.AssetSelection.assets(*ENABLE_BANKING_STEPS),
    config=dg.ConfigMapping(
        config_fn=lambda config: expand(
            config, ENABLE_BANKING_STEPS, ENABLE_BANKING_CONNECTION_JOB
        ),
        config_schema=_schema(ENABLE_BANKING_STEPS),
    ),
    description="Loads only one session of Enable Banking into the unified tables.",
)
