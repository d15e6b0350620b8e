"""Judges requests by OpenMetadata's generated models, in an environment that has them.

A line of input is a request with ``path`` and ``body`` as JSON, a line of output the list of what
is wrong. Of ``openmetadata-ingestion`` only the models are used, which need pydantic alone.
"""

import importlib
import importlib.util
import json
import logging
import sys
from types import ModuleType
from typing import Any

_MODELS = {
    "/v1/services/databaseServices": "services.createDatabaseService.CreateDatabaseServiceRequest",
    "/v1/databases": "data.createDatabase.CreateDatabaseRequest",
    "/v1/databaseSchemas": "data.createDatabaseSchema.CreateDatabaseSchemaRequest",
    "/v1/tables": "data.createTable.CreateTableRequest",
    "/v1/classifications": "classification.createClassification.CreateClassificationRequest",
    "/v1/tags": "classification.createTag.CreateTagRequest",
    "/v1/lineage": "lineage.addLineage.AddLineageRequest",
    "/v1/dataQuality/testDefinitions": "tests.createTestDefinition.CreateTestDefinitionRequest",
    "/v1/dataQuality/testCases": "tests.createTestCase.CreateTestCaseRequest",
    "/v1/dataQuality/testCases/testCaseResults": "tests.createTestCaseResult.CreateTestCaseResult",
}
_RESULTS = "/v1/dataQuality/testCases/testCaseResults"


def without_connectors() -> None:
    """Make the package importable without its first module, which imports every connector."""
    spec = importlib.util.find_spec("metadata")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = ModuleType("metadata")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["metadata"] = package


def problems(request: dict[str, Any]) -> list[str]:
    """Return what is wrong with a request."""
    path = _RESULTS if request["path"].startswith(f"{_RESULTS}/") else request["path"]
    if path not in _MODELS:
        return [f"{path}: there is no such path"]
    module, _, name = _MODELS[path].rpartition(".")
    model = getattr(importlib.import_module(f"metadata.generated.schema.api.{module}"), name)
    try:
        model.model_validate(request["body"])
    except Exception as error:  # noqa: BLE001 - whatever the models raise is a problem
        return [f"{path}: {type(error).__name__}: {error}"]
    return []


without_connectors()
# models rename what a client reads, for which they look for SQLAlchemy; that is not judged here
logging.getLogger("metadata").setLevel(logging.ERROR)
for line in sys.stdin:
    sys.stdout.write(json.dumps(problems(json.loads(line))) + "\n")
    sys.stdout.flush()
