"""Publish the description: as a file, or to a catalogue's server."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration_platform.metadata.datahub.proposals import Proposal, datahub_proposals
from orchestration_platform.metadata.description import Description
from orchestration_platform.metadata.openmetadata.rest_requests import (
    openmetadata_requests,
    owner_id,
    owner_path,
)
from orchestration_platform.metadata.sending import Server

# DataHub's own emitter sends at most 200 proposals and 15 MB at once; its service refuses more
_PROPOSALS_AT_ONCE = 100
_BYTES_AT_ONCE = 10_000_000


@dataclass(frozen=True)
class Published:
    """What was published.

    Attributes:
        tables: the number of tables.
        sent: the number of proposals or requests.
        unknown_owners: the owners whom the catalogue does not know, and who are left out there.
    """

    tables: int
    sent: int
    unknown_owners: Sequence[str] = ()

    def __str__(self) -> str:
        unknown = ", ".join(self.unknown_owners)
        text = f"{self.tables} tables in {self.sent} changes"
        return f"{text}; unknown to the catalogue and left out: {unknown}" if unknown else text


def write_datahub_file(description: Description, path: Path) -> Published:
    """Write a file for ``datahub ingest`` with a source of type ``file``."""
    proposals = datahub_proposals(description)
    _write(path, json.dumps(proposals, indent=1) + "\n")
    return Published(len(description.tables), len(proposals))


def write_openmetadata_file(description: Description, path: Path, *, service: str) -> Published:
    """Write the requests as JSON, one a line; ids in them are provisional."""
    requests = openmetadata_requests(description, service=service)
    lines = [
        json.dumps({"method": found.method, "path": found.path, "body": found.body})
        for found in requests
    ]
    _write(path, "\n".join(lines) + "\n")
    return Published(len(description.tables), len(requests))


def publish_to_datahub(description: Description, server: Server) -> Published:
    """Send all proposals to DataHub's metadata service.

    Raises:
        CatalogError: it refuses one, or does not answer for too long.
    """
    proposals = datahub_proposals(description)
    for batch in _batches(map(_as_sent, proposals)):
        body = {"proposals": batch, "async": "false"}
        server.send("POST", "/aspects?action=ingestProposalBatch", body)
    return Published(len(description.tables), len(proposals))


def publish_to_openmetadata(description: Description, server: Server, *, service: str) -> Published:
    """Send all requests to OpenMetadata's API.

    Raises:
        CatalogError: it refuses one, or does not answer for too long.
    """
    ids, unknown = _owners(description, server)
    requests = openmetadata_requests(description, service=service, without_owners=unknown)
    for request in requests:
        answer = server.send(request.method, f"/api{request.path}", _with_ids(request.body, ids))
        if request.creates:
            ids[request.creates] = answer["id"]
    return Published(len(description.tables), len(requests), unknown)


def _owners(description: Description, server: Server) -> tuple[dict[str, str], list[str]]:
    ids, unknown = {}, []
    for owner in sorted({owner for table in description.tables for owner in table.owners}):
        found = server.send("GET", f"/api{owner_path(owner)}")
        if found is None:
            unknown.append(owner)
        else:
            ids[owner_id(owner)] = found["id"]
    return ids, unknown


def _with_ids(content: Any, ids: Mapping[str, str]) -> Any:
    """Return a body with OpenMetadata's ids in place of the provisional ones."""
    if isinstance(content, list):
        return [_with_ids(item, ids) for item in content]
    if isinstance(content, dict):
        return {
            name: ids.get(item, item) if name == "id" else _with_ids(item, ids)
            for name, item in content.items()
        }
    return content


def _batches(proposals: Iterable[Proposal]) -> Iterator[list[Proposal]]:
    """Yield the proposals in batches that DataHub accepts; a very large one is alone."""
    batch: list[Proposal] = []
    size = 0
    for proposal in proposals:
        length = len(json.dumps(proposal))
        if batch and (len(batch) == _PROPOSALS_AT_ONCE or size + length > _BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(proposal)
        size += length
    if batch:
        yield batch


def _as_sent(proposal: Proposal) -> Proposal:
    """Return a proposal as the REST API has it: with the aspect as text."""
    aspect = json.dumps(proposal["aspect"]["json"])
    return {**proposal, "aspect": {"contentType": "application/json", "value": aspect}}


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text, encoding="utf-8")
    new.replace(path)
