"""Names that a new location may have, and its other forms."""

import keyword
import re
import sys
import tomllib
import unicodedata
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import duckdb

# Schemas of the warehouses: DuckDB calls a file's catalog by the file's name, which is the
# location's, and refuses `raw.table` where both a catalog and a schema have the name.
_SCHEMAS = frozenset(
    [
        *("raw", "unified", "seeds", "staging", "intermediate", "marts", "monitoring"),
        *("main", "temp", "system", "pg_catalog", "information_schema"),
        # of a lake, where the name is that of the catalog
        "claims",
    ]
)
# Services and networks of deploy/compose.yaml.
_SERVICES = frozenset(
    ["postgres", "platform", "webserver", "daemon", "migrate", "backup", "compute_logs"]
)
# YAML 1.1 reads these as truth values or as nothing, in workspace.yaml and the files of deploy/.
_NOT_TEXT_IN_YAML = frozenset(["true", "false", "yes", "no", "on", "off", "y", "n", "null"])
_POLICIES_OF_VAULT = frozenset(["root"])
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
# Of an address, Dagster allows this much.
_OWNER = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,7}|team:[A-Za-z0-9_]+")
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
        meant = f", did you mean {better}?" if (better := _similar(name)) else ""
        raise LocationError(
            f"NAME={name} is not the name of a Python package: allowed are small letters, digits "
            f"and single underscores, a letter first{meant}"
        )
    if name in _NOT_TEXT_IN_YAML:
        raise LocationError(f"NAME={name} is not text in a YAML file: choose another name")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise LocationError(f"NAME={name} is a word of Python itself: choose another name")
    if name in _words_of_sql():
        raise LocationError(f"NAME={name} is a word of SQL: choose another name")
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
    if name in _POLICIES_OF_VAULT:
        raise LocationError(f"NAME={name} is a policy of Vault itself: choose another name")
    if name.startswith("pg_"):
        raise LocationError(
            f"NAME={name} begins as Postgres's own schemas do, and the catalog of a lake has a "
            "schema for each location: choose another name"
        )


def _words_of_sql() -> frozenset[str]:
    """Return what DuckDB does not accept as the name of a catalog without quotes."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            "select keyword_name from duckdb_keywords() "
            "where keyword_category in ('reserved', 'type_function')"
        ).fetchall()
    return frozenset(word for (word,) in rows)


def _similar(name: str) -> str | None:
    """Return the letters and digits of a name, without accents, if a location may have it."""
    decomposed = unicodedata.normalize("NFKD", name.lower())
    letters = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    better = re.sub(r"[^a-z0-9]+", "_", letters).strip("_0123456789")
    if not _NAME.fullmatch(better):
        return None
    try:
        check_name(better)
    except LocationError:
        return None
    return better


def check_free(name: str, repository: Path) -> None:
    """Check that no location, folder, installed package or locked package has the name.

    Raises:
        LocationError: says what has it.
    """
    if (repository / "code_locations" / name / "pyproject.toml").exists():
        raise LocationError(
            f"NAME={name}: code_locations/{name} is there already, and nothing was overwritten: "
            "choose another name, or remove the location with REMOVE=1"
        )
    if (repository / name).exists() or name in sys.stdlib_module_names or find_spec(name):
        raise LocationError(
            f"NAME={name} is a Python package already, which the location would hide: choose "
            "another name"
        )
    # a package may be installed by a name under which nobody imports it, as pyyaml is
    locked = tomllib.loads((repository / "uv.lock").read_text(encoding="utf-8"))["package"]
    if name.replace("_", "-") in {package["name"] for package in locked}:
        raise LocationError(
            f"NAME={name} is a package of uv.lock, which the location would replace: choose "
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
