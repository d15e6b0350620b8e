"""DataHub's names of entities."""

from urllib.parse import quote

from orchestration_platform.metadata.description import TableName
from shared_lib.configuration.environment import Environment

PLATFORM = "urn:li:dataPlatform:duckdb"
ENVIRONMENTS = {
    Environment.LOCAL: "DEV",
    Environment.CI: "TEST",
    Environment.QA: "QA",
    Environment.PRODUCTION: "PROD",
}

# DataHub encodes these and no others, and looks for names with exactly them encoded
_RESERVED = frozenset(",()␟")


def dataset_urn(name: TableName, environment: str) -> str:
    """Return DataHub's name of a table."""
    fabric = ENVIRONMENTS[Environment(environment)]
    return f"urn:li:dataset:({PLATFORM},{_encoded(str(name))},{fabric})"


def column_urn(dataset: str, column: str) -> str:
    """Return DataHub's name of a column of the table with the name ``dataset``."""
    return f"urn:li:schemaField:({dataset},{_encoded(column)})"


def tag_urn(tag: str) -> str:
    """Return DataHub's name of a tag."""
    return f"urn:li:tag:{_encoded(tag)}"


def owner_urn(owner: str) -> str:
    """Return DataHub's name of a user, or of a group for ``team:name``."""
    if owner.startswith("team:"):
        return f"urn:li:corpGroup:{_encoded(owner.removeprefix('team:'))}"
    return f"urn:li:corpuser:{_encoded(owner)}"


def _encoded(text: str) -> str:
    return "".join(quote(letter) if letter in _RESERVED else letter for letter in text)
