"""``python -m simulation.config.documents``: write the file's JSON Schema and reference page."""

import argparse
from typing import Any

from shared_lib.configuration.documents import reference_page, schema_document
from shared_lib.configuration.environment import REPOSITORY_ROOT
from simulation.config.settings import SimulationSettings

SCHEMA_FILE = REPOSITORY_ROOT / "schemas" / "simulation_config.schema.json"
PAGE = REPOSITORY_ROOT / "docs" / "configuration.md"

_INTRODUCTION = """\
The fields of `code_locations/simulation/simulation/config/simulation_config.yaml`. This
page is written by `make docs` from the models that check the file; `schemas/` has the same as JSON
Schema, for editors. A scenario repeats, below `scenarios.<its name>`, only what it changes. Bands,
levels, hazards, merit rates and ages of new hires are the CSV files in `dbt_project/seeds/`, unless
`tables` has them ([an example](simulation/rules.md#tables-of-a-scenario))."""


def configuration_schema() -> dict[str, Any]:
    """Return the schema of ``simulation_config.yaml``, including its scenarios.

    The models accept the changes of a scenario unchecked, because only the scenario as a whole
    can be checked. Here each section of a scenario is that of the file, with optional fields.
    """
    schema = SimulationSettings.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    changes: dict[str, Any] = {}
    for section, entry in schema["properties"].items():
        name = entry.get("$ref", "").rpartition("/")[2]
        if name:
            definitions[f"{name}Changes"] = {**definitions[name], "required": []}
            changes[section] = {**entry, "$ref": f"#/$defs/{name}Changes"}
    definitions["ScenarioChanges"] = {
        "description": "What a scenario changes; all else is as in the file.",
        "type": "object",
        "properties": changes,
        "additionalProperties": False,
    }
    scenarios = schema["properties"]["scenarios"]
    for pattern in scenarios["patternProperties"]:
        scenarios["patternProperties"][pattern] = {"$ref": "#/$defs/ScenarioChanges"}
    # Without this, an editor would accept names that the models reject.
    scenarios["additionalProperties"] = False
    return schema


def schema_text() -> str:
    """Return the text of the schema file."""
    return schema_document(configuration_schema())


def page() -> str:
    """Return the text of the reference page."""
    return reference_page(
        SimulationSettings, title="Configuration of the simulation", introduction=_INTRODUCTION
    )


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m simulation.config.documents", description=__doc__
    ).parse_args()
    SCHEMA_FILE.parent.mkdir(exist_ok=True)
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")
