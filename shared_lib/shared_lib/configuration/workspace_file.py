"""``workspace.yaml``: the code locations, in each of the forms that Dagster reads."""

import importlib
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import Field, model_validator

from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.section import Section
from shared_lib.configuration.validated_yaml import load_yaml, validate_document

WORKSPACE = REPOSITORY_ROOT / "workspace.yaml"


class _Target(Section):
    attribute: str | None = Field(default=None, description="The definitions; default: the only.")
    location_name: str | None = Field(default=None, description="Default: the file or module.")
    working_directory: str | None = Field(default=None, description="Where imports begin.")
    executable_path: str | None = Field(default=None, description="Another Python interpreter.")

    @property
    def loaded_from(self) -> str:
        """The module, package or file."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The name of the location; Dagster derives one if the file has none."""
        attribute = f":{self.attribute}" if self.attribute else ""
        return self.location_name or f"{Path(self.loaded_from).name}{attribute}"

    def load(self, directory: Path) -> ModuleType:
        """Import it; relative paths begin in ``directory``."""
        if self.working_directory:
            sys.path.insert(0, str(directory / self.working_directory))
        return importlib.import_module(self.loaded_from)


class PythonModule(_Target):
    """A module that is installed, or below the working directory."""

    module_name: str = Field(description="The module with the definitions.")

    @property
    def loaded_from(self) -> str:
        """The module."""
        return self.module_name

    @property
    def package(self) -> str:
        """The package of the location."""
        return self.module_name.rpartition(".")[0]


class PythonPackage(_Target):
    """A package whose ``__init__.py`` has the definitions."""

    package_name: str = Field(description="The package.")

    @property
    def loaded_from(self) -> str:
        """The package."""
        return self.package_name

    @property
    def package(self) -> str:
        """The package of the location."""
        return self.package_name


class PythonFile(_Target):
    """A file with the definitions."""

    relative_path: str = Field(description="The file, from the directory of workspace.yaml.")

    @property
    def loaded_from(self) -> str:
        """The file."""
        return self.relative_path

    def load(self, directory: Path) -> ModuleType:
        """Import the file; relative paths begin in ``directory``."""
        path = directory / self.relative_path
        sys.path.insert(0, str(directory / (self.working_directory or path.parent)))
        spec = spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is not a Python file")
        module = module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module


class GrpcServer(Section):
    """A code server that runs elsewhere."""

    host: str = Field(default="localhost", description="Its host.")
    port: int | None = Field(default=None, description="Its port.")
    socket: str | None = Field(default=None, description="Its socket, in place of a port.")
    location_name: str | None = Field(default=None, description="Default: grpc:host:port.")
    ssl: bool = Field(default=False, description="Whether it speaks TLS.")
    additional_metadata: dict[str, Any] = Field(default_factory=dict, description="For the UI.")

    @property
    def name(self) -> str:
        """The name of the location; Dagster derives one if the file has none."""
        return self.location_name or f"grpc:{self.host}:{self.socket or self.port}"


PythonLocation = PythonModule | PythonPackage | PythonFile
Location = PythonLocation | GrpcServer

_SHORT = {
    "python_module": "module_name",
    "python_package": "package_name",
    "python_file": "relative_path",
}


class Entry(Section):
    """One code location: exactly one of these."""

    python_module: PythonModule | None = None
    python_package: PythonPackage | None = None
    python_file: PythonFile | None = None
    grpc_server: GrpcServer | None = None

    @model_validator(mode="before")
    @classmethod
    def _in_full(cls, written: Any) -> Any:
        """Return the short form, such as ``python_file: shop.py``, in full."""
        if not isinstance(written, dict):
            return written
        return {
            kind: {_SHORT[kind]: value} if kind in _SHORT and isinstance(value, str) else value
            for kind, value in written.items()
        }

    @classmethod
    def of(cls, location: PythonLocation) -> "Entry":
        """Return the entry of ``location``."""
        kinds = {
            PythonModule: "python_module",
            PythonPackage: "python_package",
            PythonFile: "python_file",
        }
        return cls.model_validate({kinds[type(location)]: location.model_dump()})

    @model_validator(mode="after")
    def _is_one(self) -> "Entry":
        given = [kind for kind in type(self).model_fields if getattr(self, kind) is not None]
        if len(given) != 1:
            known = ", ".join(type(self).model_fields)
            raise ValueError(f"{len(given)} set, required is exactly one of: {known}")
        return self

    @property
    def chosen(self) -> Location:
        """The one that is set."""
        found = self.python_module or self.python_package or self.python_file or self.grpc_server
        assert found is not None  # noqa: S101 - the validator has made sure of that
        return found


class WorkspaceFile(Section):
    """The whole file."""

    load_from: list[Entry] = Field(description="The code locations.")


def workspace_locations(path: Path = WORKSPACE) -> dict[str, Location]:
    """Return the code locations of a ``workspace.yaml`` by name.

    Raises:
        ConfigurationError: the file is missing or wrong; one line for each mistake.
    """
    entries = validate_document(load_yaml(path), WorkspaceFile, path=path).load_from
    return {entry.chosen.name: entry.chosen for entry in entries}
