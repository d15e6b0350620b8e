"""When the workspace is published to catalogues."""

from collections.abc import Iterator

import dagster as dg

from orchestration_platform.housekeeping.settings import load_settings
from orchestration_platform.metadata.reading import read_description
from orchestration_platform.metadata.targets import targets
from shared_lib.configuration.kept_data import VARIABLE
from shared_lib.secrets import SecretsResource


# An op, not an asset: materializing every asset of the location publishes nothing.
@dg.op(out=dg.Out(dg.Nothing))
def publish_catalog(context: dg.OpExecutionContext, secrets: SecretsResource) -> None:
    """Publish tables, columns, owners, lineage, checks and freshness to every catalogue."""
    found = targets(load_settings().catalog, secrets)
    if not found:
        raise dg.Failure(_not_configured())
    description = read_description()
    changes = {}
    for name, publish in found.items():
        published = publish(description)
        context.log.info(f"{name}: {published}")
        changes[name] = published.sent
    context.add_output_metadata({"tables": len(description.tables), **changes})


@dg.job
def catalog_publish_job() -> None:
    """Publishes what the workspace has to the catalogues of platform.yaml."""
    publish_catalog()


@dg.schedule(
    job=catalog_publish_job,
    cron_schedule="40 5 * * *",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Every morning, where a catalogue is configured. Nobody enables it but you.",
)
def catalog_publish_schedule() -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Skip where no catalogue is configured."""
    catalog = load_settings().catalog
    if catalog.datahub is None and catalog.openmetadata is None:
        yield dg.SkipReason(_not_configured())
    else:
        yield dg.RunRequest()


def _not_configured() -> str:
    return f"no catalogue is configured: set catalog in the file of {VARIABLE}"
