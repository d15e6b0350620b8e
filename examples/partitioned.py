"""An asset for each kind of partitions; ``orchestration.yaml`` says which has which."""

import dagster as dg

KINDS = (
    *("hours", "weeks", "months", "years", "shifts", "regions", "numbers", "shops", "customers"),
    "months_of_regions",
)


def _of(kind: str) -> dg.AssetsDefinition:
    @dg.asset(name=kind, description=f"Shows the {kind} that it is made for.")
    def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"made": ", ".join(map(str, context.partition_keys))})

    return made


partitioned = [_of(kind) for kind in KINDS]
