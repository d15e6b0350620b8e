"""The contracts of this repository, judged by the standard's schema and datacontract-cli."""

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from orchestration_platform.metadata.contracts.check import next_contracts
from orchestration_platform.metadata.contracts.files import DIRECTORY, read_contracts
from orchestration_platform.metadata.contracts.odcs import contract_of
from orchestration_platform.metadata.description import Description
from orchestration_platform.metadata.reading import read_tables
from sandboxes.catalogs.environments import vendor_environment

FILES = sorted(DIRECTORY.glob("*.odcs.yaml"))


@pytest.fixture(scope="session")
def programs() -> Path:
    """Where datacontract-cli is, which also carries the standard's schemas."""
    return vendor_environment("datacontract")


@pytest.fixture(scope="session")
def schema(programs: Path) -> jsonschema.Draft201909Validator:
    (path,) = programs.parent.glob(
        "lib/*/site-packages/datacontract/schemas/odcs-3.1.0.schema.json"
    )
    return jsonschema.Draft201909Validator(json.loads(path.read_text()))


def test_every_published_model_has_a_contract_that_is_up_to_date() -> None:
    published = {str(table.name) for table in read_tables() if table.is_published}
    kept = read_contracts(DIRECTORY)
    assert published
    assert {name for name, found in kept.items() if found["status"] == "active"} == published
    assert all(not change for _, change in next_contracts(read_tables(), kept).values())


def test_the_standards_schema_accepts_them(schema: jsonschema.Draft201909Validator) -> None:
    for path in FILES:
        schema.validate(yaml.safe_load(path.read_text()))


def test_the_standards_schema_accepts_every_type_check_and_limit(
    small: Description, schema: jsonschema.Draft201909Validator
) -> None:
    for table in small.tables:
        schema.validate(contract_of(table))


def test_the_standards_schema_refuses_what_it_does_not_know(
    small: Description, schema: jsonschema.Draft201909Validator
) -> None:
    assert not schema.is_valid(contract_of(small.tables[0]) | {"colour": "red"})


@pytest.mark.parametrize("path", FILES[::10], ids=lambda path: path.name)
def test_datacontract_cli_finds_nothing_wrong(path: Path, programs: Path, tmp_path: Path) -> None:
    # each start takes seconds, so one of each location; the schema above sees all
    linted = subprocess.run(
        [programs / "datacontract", "lint", path],
        env={"HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert linted.returncode == 0, linted.stdout
    assert "Data contract is valid" in linted.stdout
