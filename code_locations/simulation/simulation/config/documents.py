"""``python -m simulation.config.documents``: write the file's JSON Schema and its reference."""

import argparse
from typing import Any

from shared_lib.configuration.documents import Reference, schema_document
from shared_lib.configuration.environment import REPOSITORY_ROOT
from simulation.config.settings import SimulationSettings

SCHEMA_FILE = REPOSITORY_ROOT / "schemas" / "simulation_config.schema.json"
_PAGES = REPOSITORY_ROOT / "docs" / "simulation"
_ELSEWHERE = ("census", "uncertainty", "cost", "retirement_plan", "tables")
_SETTINGS = ("", *(name for name in SimulationSettings.model_fields if name not in _ELSEWHERE))
REFERENCES = (
    Reference(_PAGES / "settings.md", SimulationSettings, _SETTINGS),
    Reference(_PAGES / "more_settings.md", SimulationSettings, _ELSEWHERE),
)


def configuration_schema() -> dict[str, Any]:
    """Return the schema of ``simulation_config.yaml``, including its scenarios.

    The models accept the changes of a scenario unchecked, because only the scenario as a whole
    can be checked. Here each section of a scenario is that of the file, with optional fields.
    """
    schema = SimulationSettings.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    changes: dict[str, Any] = {}
    for section, entry in schema["properties"].items():
        # a section that may be left out is one of two
        kinds = entry.get("anyOf", [entry])
        name = next((kind["$ref"].rpartition("/")[2] for kind in kinds if "$ref" in kind), "")
        if name:
            definitions[f"{name}Changes"] = {**definitions[name], "required": []}
            changed = {"$ref": f"#/$defs/{name}Changes"}
            others = [kind for kind in kinds if "$ref" not in kind]
            changes[section] = entry | ({"anyOf": [changed, *others]} if others else changed)
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


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m simulation.config.documents", description=__doc__
    ).parse_args()
    SCHEMA_FILE.parent.mkdir(exist_ok=True)
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
    for reference in REFERENCES:
        reference.write()
