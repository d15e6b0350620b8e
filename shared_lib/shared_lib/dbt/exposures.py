"""The exposures of a dbt project as assets that Dagster shows and does not make."""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator

from shared_lib.metadata import NO_FRESHNESS_POLICY


def exposure_specs(
    manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
    *,
    built: Mapping[str, dg.AssetKey],
    group: str,
) -> Iterator[dg.AssetSpec]:
    """Yield an asset for each exposure that reads models of the location.

    An exposure of models of two locations is in both, with the models of each; Dagster shows it
    once, after all of them.

    Args:
        manifest: the project.
        translator: maps a source to its asset.
        built: the assets of the location's models by their unique ids.
        group: the group of the exposures.

    Raises:
        DagsterInvalidDefinitionError: the e-mail address of an owner is not one.
    """
    for exposure in manifest["exposures"].values():
        read = sorted(exposure["depends_on"]["nodes"])
        keys = [built[one] for one in read if one in built]
        if not keys:
            continue
        sources = [manifest["sources"][one] for one in read if one in manifest["sources"]]
        keys += [translator.get_asset_key(source) for source in sources]
        owner = exposure["owner"]
        yield dg.AssetSpec(
            ["exposure", exposure["name"]],
            deps=list(dict.fromkeys(keys)),
            description=exposure["description"] or exposure["label"] or exposure["name"],
            owners=[owner["email"]] if owner.get("email") else [],
            group_name=group,
            kinds={"dbt", exposure["type"]},
            metadata=dict(_metadata(exposure)),
        )


def _metadata(exposure: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if exposure["url"]:
        yield "url", dg.MetadataValue.url(exposure["url"])
    if exposure["owner"].get("name"):
        yield "owner", exposure["owner"]["name"]
    if exposure["maturity"]:
        yield "maturity", exposure["maturity"]
    yield NO_FRESHNESS_POLICY, "It is as fresh as the models that it reads."
