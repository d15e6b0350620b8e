"""The files that belong to a location alone."""

from new_location import dbt_files
from new_location.names import NewLocation

_PROJECT = """\
[project]
name = "{service}"
dynamic = ["version"]
description = "The code location {name}"
requires-python = ">=3.11,<3.14"
license = "Apache-2.0"
dependencies = [
    "dagster>=1.13,<1.14",
    "shared-lib",
]

[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[tool.hatch.version]
path = "../../pyproject.toml"

[tool.hatch.build.targets.wheel]
packages = ["{name}"]

[tool.uv.sources]
shared-lib = {{ workspace = true }}

[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "{name}"
code_location_target_module = "{name}.definitions"
"""
_ORCHESTRATION = """\
# yaml-language-server: $schema=../../../schemas/orchestration.schema.json
# What the location consists of; docs/orchestration/index.md explains the sections.

asset_modules: [.assets]
executor: in_process

{dbt_section}assets:
  - match: "**"
    group: {name}
    owners: ["{owner}"]
    kinds: [python, duckdb]
    # one step at a time writes the warehouse: dagster.yaml limits every pool to one
    pool: {name}_warehouse
    freshness: {{type: none, reason: "Made on request, as the example that it is."}}
{dbt_rule}
jobs:
  {name}_job:
    description: Everything of the location.
    selection: "*"

# A secret that the location needs, as secrets.get("{name}/api")["token"].reveal() in a step:
# secrets:
#   - path: {name}/api
#     keys: [token]
"""
_DEFINITIONS = '''\
"""The code location ``{name}``."""

{imports}

defs = build_definitions(__file__, resources=RESOURCES)
'''
_RESOURCES = '''\
"""The resources of the location, by the names that steps use."""

from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

RESOURCES = {{
    "warehouse": Warehouse(location="{name}"),
    "secrets": SecretsResource(location="{name}"),
}}
'''
_ASSETS = '''\
"""The assets of the location."""

import dagster as dg

from shared_lib.metadata import relation_metadata
from shared_lib.warehouse import Warehouse


@dg.asset(key=["{name}", "example"])
def example(warehouse: Warehouse) -> dg.MaterializeResult:
    """A table to begin with: the numbers from 1 to 3."""
    with warehouse.writing() as connection:
        connection.execute("create schema if not exists raw")
        connection.execute(
            "create or replace table raw.example as select unnest(range(1, 4)) as number"
        )
        return dg.MaterializeResult(metadata=relation_metadata(connection, "raw", "example"))
'''
_TEST = '''\
"""The assets of the location ``{name}``."""

from pathlib import Path

import dagster as dg
import duckdb
import pytest

from {name}.definitions import defs


def test_the_job_writes_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        job = defs.resolve_job_def("{name}_job")
        run = job.execute_in_process(instance=instance)
    assert run.success
{tested}'''
_TABLE = """\
    warehouse = tmp_path / "{name}.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        assert connection.execute("from raw.example").fetchall() == [(1,), (2,), (3,)]
"""
_MODEL = """\
    checks = {{check.check_name: check.passed for check in run.get_asset_check_evaluations()}}
    assert checks == {{
        "source_not_null_{name}_example_number": True,
        "unique_{name}_squares_number": True,
    }}
    warehouse = tmp_path / "{name}.duckdb"
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        squares = connection.execute("from marts.{name}_squares").fetchall()
    assert sorted(squares) == [(1, 1), (2, 4), (3, 9)]
"""
_POLICY = """\
# What the code location {name} may do: read its own secrets, and give back what it leased.

path "secret/data/{name}/*" {{
  capabilities = ["read"]
}}

# the names of keys, without values
path "secret/subkeys/{name}/*" {{
  capabilities = ["read"]
}}

# a database account of its own, where the database engine has a role of this name
path "database/creds/{name}" {{
  capabilities = ["read"]
}}

path "sys/leases/renew" {{
  capabilities = ["update"]
}}

path "sys/leases/revoke" {{
  capabilities = ["update"]
}}
"""


def own_files(location: NewLocation) -> dict[str, str]:
    """The text of each file, by its path in the repository."""
    name = location.name
    package = f"code_locations/{name}/{name}"
    templates = {
        f"code_locations/{name}/pyproject.toml": _PROJECT,
        f"{package}/__init__.py": "",
        f"{package}/py.typed": "",
        f"{package}/definitions.py": _DEFINITIONS,
        f"{package}/resources.py": _RESOURCES,
        f"{package}/assets.py": _ASSETS,
        f"{package}/orchestration.yaml": _ORCHESTRATION,
        f"tests/unit/{name}/test_{name}_assets.py": _TEST,
        f"deploy/vault/policies/{name}.hcl": _POLICY,
    }
    imports = sorted(
        (
            "from shared_lib.discovery import build_definitions",
            f"from {name}.resources import RESOURCES",
        )
    )
    section, rule = dbt_files.sections(name) if location.has_models else ("", "")
    words = {
        "name": name,
        "service": location.service,
        "owner": location.owner,
        "imports": "\n".join(imports),
        "dbt_section": section,
        "dbt_rule": rule,
        "tested": (_MODEL if location.has_models else _TABLE).format(name=name),
    }
    own = {path: text.format(**words) for path, text in templates.items()}
    return own | dbt_files.dbt_files(location) if location.has_models else own


def own_folders(location: NewLocation) -> list[str]:
    """Return the folders that have nothing else."""
    folders = [f"code_locations/{location.name}", f"tests/unit/{location.name}"]
    return [*folders, dbt_files.folder_of(location.name)] if location.has_models else folders
