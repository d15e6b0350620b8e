"""Names that a new location may have, and its other forms."""

import keyword
import re
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# Schemas of the warehouses: DuckDB calls a file's catalog by the file's name, which is the
# location's, and refuses `raw.table` where both a catalog and a schema have the name.
_SCHEMAS = frozenset(
    [
        *("raw", "unified", "seeds", "staging", "intermediate", "marts", "monitoring"),
        *("main", "temp", "system", "pg_catalog", "information_schema"),
    ]
)
# Services and networks of deploy/compose.yaml.
_SERVICES = frozenset(
    ["postgres", "platform", "webserver", "daemon", "migrate", "backup", "compute_logs"]
)
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_OWNER = re.compile(r"[^@\s\"']+@[^@\s\"']+\.[^@\s\"']+|team:[A-Za-z0-9_]+")
# Kubernetes allows 63 characters, and calls the volume `dagster-warehouse-NAME`.
_LONGEST = 45


class LocationError(ValueError):
    """The location cannot be added or removed; nothing was changed."""


@dataclass(frozen=True)
class NewLocation:
    """A location and who owns its assets.

    Attributes:
        name: of its package.
        owner: an e-mail address, or ``team:`` and a name.
        has_models: whether it has a folder of the dbt project.
    """

    name: str
    owner: str
    has_models: bool = False

    @property
    def service(self) -> str:
        """Its name where underscores are not allowed: services, packages."""
        return self.name.replace("_", "-")


def check_name(name: str) -> None:
    """Check that a package may have this name.

    Raises:
        LocationError: says what is allowed.
    """
    if not _NAME.fullmatch(name):
        better = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_0123456789")
        meant = f", did you mean {better}?" if _NAME.fullmatch(better) else ""
        raise LocationError(
            f"NAME={name} is not the name of a Python package: allowed are small letters, digits "
            f"and single underscores, a letter first{meant}"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise LocationError(f"NAME={name} is a word of Python itself: choose another name")
    if len(name) > _LONGEST:
        raise LocationError(f"NAME={name} has {len(name)} characters, allowed are {_LONGEST}")
    if name in _SCHEMAS:
        raise LocationError(
            f"NAME={name} is a schema of the warehouses, and a DuckDB file with the name of a "
            "schema in it cannot be queried: choose another name"
        )
    if name in _SERVICES:
        raise LocationError(
            f"NAME={name} is a service, network or volume of deploy/compose.yaml: choose another "
            "name"
        )


def check_free(name: str, repository: Path) -> None:
    """Check that no location, folder or installed package has the name.

    Raises:
        LocationError: says what has it.
    """
    if (repository / "code_locations" / name).exists():
        raise LocationError(
            f"NAME={name}: code_locations/{name} is there already, and nothing was overwritten: "
            "choose another name, or remove the location with REMOVE=1"
        )
    if (repository / name).exists() or name in sys.stdlib_module_names or find_spec(name):
        raise LocationError(
            f"NAME={name} is a Python package already, which the location would hide: choose "
            "another name"
        )


def check_models_free(name: str, repository: Path) -> None:
    """Check that the dbt project has no folder and no group of the name.

    Raises:
        LocationError: says what has it.
    """
    project = repository / "dbt_project"
    if (project / "models" / name).exists():
        raise LocationError(
            f"NAME={name}: dbt_project/models/{name} is there already, and nothing was "
            "overwritten: choose another name"
        )
    for path in sorted(project.glob("models/**/*.yml")):
        if re.search(rf"(?m)^groups:\n(?: .*\n)*?  - name: {name}$", path.read_text("utf-8")):
            raise LocationError(
                f"NAME={name} is a group of dbt models in {path.relative_to(repository)}: choose "
                "another name"
            )


def check_owner(owner: str) -> None:
    """Check that Dagster takes the owner.

    Raises:
        LocationError: says what is allowed.
    """
    if not _OWNER.fullmatch(owner):
        raise LocationError(
            f"OWNER={owner} is not an owner: allowed are an e-mail address and team:name"
        )
