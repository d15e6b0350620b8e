"""The nodes that failed in a dbt invocation, as metadata on the step's failure."""

from collections.abc import Mapping
from typing import Any, Self

import dagster as dg
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared_lib.secrets import redact

FAILED_NODES = "dbt/failed_nodes"

# Dagster truncates the text of an error at 500,000 characters, but never metadata.
_MOST_CHARACTERS = 200_000
_SHORTEST_MESSAGE = 200


class FailedNode(BaseModel):
    """A model, test or other node that failed, in dbt's own words."""

    model_config = ConfigDict(frozen=True)

    unique_id: str = Field(description="Its id in the manifest.")
    name: str = Field(description="Its name, without project and type.")
    resource_type: str = Field(description="model, seed, snapshot, test, unit_test or operation.")
    status: str = Field(description="error, fail or partial success.")
    message: str = Field(description="dbt's message about it.")
    path: str = Field(description="Its file, relative to the project.")
    failing_rows: int | None = Field(
        default=None, description="Number of rows that do not pass, if a test counted them."
    )


class FailedNodes(BaseModel):
    """The nodes that failed in one invocation, in dbt's order.

    A model in batches appears once for each batch that failed.
    """

    model_config = ConfigDict(frozen=True)

    nodes: tuple[FailedNode, ...]

    def to_metadata(self) -> dict[str, dg.TableMetadataValue]:
        """Return the entry ``dbt/failed_nodes``, which Dagster shows as a table.

        Very long messages are truncated and marked. They are redacted here, because Dagster copies
        the failure into the run's own, in a process that may not know the secrets.
        """
        longest = max(_SHORTEST_MESSAGE, _MOST_CHARACTERS // max(len(self.nodes), 1))
        rows = [
            {**node.model_dump(), "message": _cut(redact(node.message), longest)}
            for node in self.nodes
        ]
        columns = [
            dg.TableColumn(
                name,
                type="int" if name == "failing_rows" else "string",
                description=field.description,
            )
            for name, field in FailedNode.model_fields.items()
        ]
        table = dg.MetadataValue.table(
            [dg.TableRecord(row) for row in rows], dg.TableSchema(columns=columns)
        )
        return {FAILED_NODES: table}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> Self:
        """Read the metadata of a step's failure; return no nodes if it lacks the table.

        A step of any code location, even of another release, may have written the metadata: a
        table that lacks a column yields no nodes.
        """
        entry = metadata.get(FAILED_NODES)
        if not isinstance(entry, dg.TableMetadataValue):
            return cls(nodes=())
        try:
            return cls.model_validate({"nodes": [record.data for record in entry.records]})
        except ValidationError:
            return cls(nodes=())


def _cut(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]} ... and {len(text) - longest} characters more"
