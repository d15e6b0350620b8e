"""The JSON Schema of the configuration file, for editors and for the reference."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared_lib.configuration.validated_yaml import ConfigurationError, load_yaml
from simulation.config import CONFIGURATION_FILE, load_settings
from simulation.config.documents import SCHEMA_FILE, configuration_schema, schema_text

SHIPPED = CONFIGURATION_FILE.read_text(encoding="utf-8")


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, definition in schema["$defs"].items():
        yield from ((f"{name}.{key}", entry) for key, entry in definition["properties"].items())
    yield from schema["properties"].items()


def test_every_field_is_described() -> None:
    schema = configuration_schema()

    def described(entry: dict[str, Any]) -> bool:
        # pydantic leaves out a description that is also that of the section's own class
        target = schema["$defs"].get(entry.get("$ref", "").rpartition("/")[2], {})
        return bool(entry.get("description") or target.get("description"))

    assert [name for name, entry in fields(schema) if not described(entry)] == []


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run `make docs`"


def test_the_file_names_the_schema_for_editors() -> None:
    named = SHIPPED.splitlines()[0].partition("$schema=")[2]
    assert (CONFIGURATION_FILE.parent / named).resolve() == SCHEMA_FILE


def as_json(file: Path) -> Any:
    """As an editor sees the file: keys are text, dates and other YAML types are out of the game."""
    return json.loads(json.dumps(load_yaml(file), default=str))


def test_the_schema_accepts_the_shipped_file() -> None:
    validator = Draft202012Validator(configuration_schema())
    assert list(validator.iter_errors(as_json(CONFIGURATION_FILE))) == []


@pytest.mark.parametrize(
    ("replaced", "by"),
    [
        ("experienced_termination_rate: 0.12", "experienced_termination_rate: 0.91"),
        ("start_year: 2025", 'start_year: "2025"'),
        ("cola_rate: 0.025", "cola: 0.025"),
        ("limits:\n", "limit:\n"),
        ("      target_growth_rate: 0.08", "      target_growth_rate: 8"),
        ("      target_growth_rate: 0.08", "      target_growth: 0.08"),
        ("  baseline: {}", "  Base-line: {}"),
        ("  high_growth:\n", "  high_growth:\n    hirings: {}\n"),
    ],
)
def test_the_schema_shows_in_an_editor_what_the_models_refuse(
    replaced: str, by: str, tmp_path: Path
) -> None:
    assert replaced in SHIPPED
    file = tmp_path / "simulation_config.yaml"
    file.write_text(SHIPPED.replace(replaced, by, 1), encoding="utf-8")
    validator = Draft202012Validator(configuration_schema())
    assert list(validator.iter_errors(as_json(file)))
    with pytest.raises(ConfigurationError):
        load_settings(file)
