"""Which locations have dbt models, and what of the project is each one's."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared_lib.discovery.configuration.location import DbtModels


def declared_models() -> "dict[str, DbtModels]":
    """The section ``dbt`` of each location of the workspace that has one, by its name.

    No location is imported for it.

    Raises:
        ConfigurationError: a location's file is wrong.
    """
    # imported here: Dagster takes 2 s, and parsing for a known location does without
    from shared_lib.discovery.location import load_configuration
    from shared_lib.discovery.workspace import location_files

    sections = {name: load_configuration(path)[0].dbt for name, path in location_files().items()}
    return {name: section for name, section in sections.items() if section is not None}


def selection_of(location: str) -> list[str]:
    """Options by which a dbt command takes what is the location's, and no more.

    Raises:
        KeyError: the location has no dbt models.
    """
    models = declared_models()[location]
    exclusion = ["--exclude", models.exclude] if models.exclude else []
    return ["--select", models.select, *exclusion]
