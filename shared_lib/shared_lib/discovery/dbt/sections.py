"""The locations that have dbt models, and the part of the project that each has."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shared_lib.dbt.variables import variable_arguments

if TYPE_CHECKING:
    from shared_lib.discovery.configuration.location import DbtModels


def declared_models() -> "dict[str, DbtModels]":
    """Return the section ``dbt`` of each workspace location that has one, by its package's name.

    Dagster's name of a location may be another one; warehouse and manifest have the package's.

    It imports no location.

    Raises:
        ConfigurationError: a location's file is wrong.
    """
    # imported here: Dagster takes 2 s, and parsing for a known location does not need it
    from shared_lib.discovery.reading import load_configuration
    from shared_lib.discovery.workspace import location_files

    files = location_files().values()
    sections = {path.parent.name: load_configuration(path)[0].dbt for path in files}
    return {name: section for name, section in sections.items() if section is not None}


def selection_of(location: str) -> list[str]:
    """Return the dbt options that select exactly the location's models, with its variables.

    Raises:
        KeyError: the location has no dbt models.
    """
    models = declared_models()[location]
    variables = variable_arguments(models.vars)
    if models.selector is not None:
        return ["--selector", models.selector, *variables]
    exclusion = ["--exclude", models.exclude] if models.exclude else []
    return ["--select", models.select, *exclusion, *variables]


def selected_nodes(location: str, manifest: Mapping[str, Any]) -> frozenset[str]:
    """Return the unique ids of the nodes that the location builds.

    Args:
        location: a location with dbt models.
        manifest: the project as parsed for the location.

    Raises:
        KeyError: the location has no dbt models.
    """
    from dagster_dbt.utils import select_unique_ids

    models = declared_models()[location]
    chosen = select_unique_ids(models.select, models.exclude, models.selector or "", None, manifest)
    return frozenset(chosen)
