"""Variables of the dbt project that a location sets, as the option ``--vars`` of dbt.

dbt parses the project anew where the option differs from that of the parsed project (0.6 s for a
small one, 5 s for ours). So the project is parsed for a location with the variables that its
steps have.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Step tag: the location's variables, as JSON.
VARIABLES_TAG = "platform/dbt_variables"

_OPTION = "--vars"
_PROJECT_FILE = "dbt_project.yml"


def variable_arguments(variables: Mapping[str, Any]) -> list[str]:
    """Return dbt's option that sets ``variables``; nothing if there are none."""
    return [_OPTION, json.dumps(variables)] if variables else []


def with_step_variables(arguments: Sequence[str], tags: Mapping[str, str]) -> list[str]:
    """Add the variables of a step's tags to ``arguments``, which override them.

    dbt takes the last ``--vars`` alone, so both become one.
    """
    if not tags.get(VARIABLES_TAG):
        return [*arguments]
    variables = json.loads(tags[VARIABLES_TAG])
    kept = [*arguments]
    if _OPTION in kept:
        at = kept.index(_OPTION)
        variables |= json.loads(kept[at + 1])
        del kept[at : at + 2]
    return [*kept, *variable_arguments(variables)]


def declared_variables(project: Path) -> list[str]:
    """Return the names of the variables that ``dbt_project.yml`` has, for all packages or its own.

    Args:
        project: the directory of the project.
    """
    # imported here: only a location that sets variables needs it
    from ruamel.yaml import YAML

    written = YAML(typ="safe").load(project / _PROJECT_FILE)
    declared = written.get("vars") or {}
    own = declared.get(written["name"]) or {}
    of_packages = {name for name, value in declared.items() if isinstance(value, Mapping)}
    return sorted({*declared, *own} - of_packages)
