"""The dbt models of a location: a folder of the shared project, and what selects it."""

from new_location.names import NewLocation

_PROPERTIES = """\
# The models of the location {name}, which selects them by this group. Folder, schema and group are
# connected in dbt_project.yml.
groups:
  - name: {name}
    owner: {{{owner_as}: "{owner}"}}

sources:
  - name: {name}
    schema: raw
    description: The tables that the location's own assets write.
    tables:
      - name: example
        description: The numbers from 1 to 3.
        config: {{meta: {{dagster: {{asset_key: [{name}, example]}}}}}}
        columns:
          - name: number
            description: The number.
            data_tests: [not_null]

models:
  - name: {name}_squares
    description: The square of each number of the example.
    config: {{contract: {{enforced: true}}}}
    columns:
      - name: number
        data_type: bigint
        description: The number.
        data_tests: [unique]
      - {{name: square, data_type: bigint, description: Its square.}}
"""
_MODEL = """\
select
    number,
    number * number as square
from {{{{ source('{name}', 'example') }}}}
"""
_SECTION = """\
dbt:
  name: {name}_models
  select: group:{name}
  pool: {name}_warehouse

"""
_RULE = """\
  - match: {name}_squares
    kinds: [dbt, duckdb]
"""
IN_PROJECT = """\
    # Of the location {name}: the folder models/{name}.
    {name}:
      +group: {name}
      +schema: marts
      +materialized: view
"""
"""Lines of ``dbt_project.yml`` below its models."""

TESTS_IN_PROJECT = """\
    {name}:
      +group: {name}
"""
"""Lines of ``dbt_project.yml`` below its tests."""


def folder_of(name: str) -> str:
    """Return the folder of a location's models."""
    return f"dbt_project/models/{name}"


def dbt_files(location: NewLocation) -> dict[str, str]:
    """Return the text of each file of the models, by its path in the repository."""
    words = {
        "name": location.name,
        # dbt has the name of a team as it is; what reads it adds Dagster's prefix
        "owner": location.owner.removeprefix("team:"),
        "owner_as": "email" if "@" in location.owner else "name",
    }
    folder = folder_of(location.name)
    return {
        f"{folder}/_{location.name}.yml": _PROPERTIES.format(**words),
        f"{folder}/{location.name}_squares.sql": _MODEL.format(**words),
    }


def sections(name: str) -> tuple[str, str]:
    """Return the section ``dbt`` of ``orchestration.yaml``, and a rule for the model."""
    return _SECTION.format(name=name), _RULE.format(name=name)
