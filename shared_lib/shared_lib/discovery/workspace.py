"""The files of all locations of the workspace, for any process."""

from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

from shared_lib.configuration.validated_yaml import Location, place_in, validate_document
from shared_lib.configuration.workspace_file import (
    WORKSPACE,
    PythonModule,
    PythonPackage,
    workspace_locations,
)
from shared_lib.discovery.configuration import LocationConfiguration
from shared_lib.discovery.reading import FILE_NAME, load_configuration
from shared_lib.secrets.declared import SecretNeed

if TYPE_CHECKING:
    from shared_lib.discovery.configuration.location import SecretNeed as DeclaredSecret

COMPONENT_OF_SECRETS = "shared_lib.components.DeclaredSecrets"


def location_files(workspace: Path = WORKSPACE) -> dict[str, Path]:
    """Return the ``orchestration.yaml`` of each location of a ``workspace.yaml``, by name.

    Files, single modules, code servers and projects of components have none. It imports no
    location.

    Raises:
        ModuleNotFoundError: the package of a location is not installed here.
    """
    files = {name: folder / FILE_NAME for name, folder in _folders(workspace).items()}
    return {name: path for name, path in files.items() if path.is_file()}


def _folders(workspace: Path) -> dict[str, Path]:
    return {
        name: _directory_of(location.package)
        for name, location in workspace_locations(workspace).items()
        if isinstance(location, PythonModule | PythonPackage) and location.package
    }


def _directory_of(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {package} of the workspace is not installed here")
    return Path(found.submodule_search_locations[0])


def declared_secrets(workspace: Path = WORKSPACE) -> dict[str, list[SecretNeed]]:
    """Return the secrets that each location declares as needed, by its package's name.

    Vault's roles and policies have that name, whatever Dagster calls the location.

    Raises:
        ConfigurationError: a location's file is wrong.
    """
    return {
        folder.name: [
            SecretNeed(
                path=need.path,
                keys=tuple(need.keys),
                one_of=need.one_of and f"{folder.name} {need.one_of}",
                is_optional=need.optional,
            )
            for need in _declared_in(folder)
        ]
        for folder in _folders(workspace).values()
    }


def _declared_in(folder: Path) -> "Iterator[DeclaredSecret]":
    """Yield what a location declares in its ``orchestration.yaml`` and its components."""
    if (folder / FILE_NAME).is_file():
        yield from load_configuration(folder / FILE_NAME)[0].secrets
    for path in sorted(folder.glob("defs/**/defs.y*ml")):
        for document in YAML(typ="rt", pure=True).load_all(path):
            if document and document.get("type") == COMPONENT_OF_SECRETS:
                section = {"secrets": (document.get("attributes") or {}).get("secrets", [])}
                yield from validate_document(
                    section,
                    LocationConfiguration,
                    path=path,
                    place=partial(_place_of_attribute, document, path),
                ).secrets


def _place_of_attribute(document: Any, path: Path, location: Location) -> str:
    return place_in(document, ("attributes", *location), path=path)
