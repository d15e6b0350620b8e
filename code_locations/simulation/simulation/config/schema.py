"""``python -m simulation.config.schema``: write the JSON Schema of the file, for editors."""

import argparse
import json
from typing import Any

from shared_lib.configuration.environment import REPOSITORY_ROOT
from simulation.config.settings import SimulationSettings

SCHEMA_FILE = REPOSITORY_ROOT / "schemas" / "simulation_config.schema.json"


def configuration_schema() -> dict[str, Any]:
    """The schema of ``simulation_config.yaml``, scenarios included.

    The models take the changes of a scenario as they come, because only the scenario as a whole
    can be checked. Here each section of one is that of the file with every field optional.
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
    # Without this an editor would accept names that the models refuse.
    scenarios["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text() -> str:
    """The file's text."""
    return json.dumps(configuration_schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m simulation.config.schema", description=__doc__
    ).parse_args()
    SCHEMA_FILE.parent.mkdir(exist_ok=True)
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
