"""The files of all locations of the workspace, for any process."""

from importlib.util import find_spec
from pathlib import Path

from shared_lib.configuration.workspace_file import (
    WORKSPACE,
    PythonModule,
    PythonPackage,
    workspace_locations,
)
from shared_lib.discovery.location import FILE_NAME, load_configuration
from shared_lib.secrets.declared import SecretNeed


def location_files(workspace: Path = WORKSPACE) -> dict[str, Path]:
    """Return the ``orchestration.yaml`` of each location of a ``workspace.yaml``, by name.

    Files, single modules and code servers have none. It imports no location.

    Raises:
        ModuleNotFoundError: the package of a location is not installed here.
    """
    return {
        name: _directory_of(location.package) / FILE_NAME
        for name, location in workspace_locations(workspace).items()
        if isinstance(location, PythonModule | PythonPackage) and location.package
    }


def _directory_of(package: str) -> Path:
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {package} of the workspace is not installed here")
    return Path(found.submodule_search_locations[0])


def declared_secrets(workspace: Path = WORKSPACE) -> dict[str, list[SecretNeed]]:
    """Return the secrets that each location declares as needed, by location name.

    Raises:
        ConfigurationError: a location's file is wrong.
    """
    return {
        name: [
            SecretNeed(
                path=need.path,
                keys=tuple(need.keys),
                one_of=need.one_of and f"{name} {need.one_of}",
            )
            for need in load_configuration(path)[0].secrets
        ]
        for name, path in location_files(workspace).items()
    }
