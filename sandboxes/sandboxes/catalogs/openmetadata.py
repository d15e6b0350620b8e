"""A stand-in for OpenMetadata's API that keeps the entities it accepts."""

import json
import re
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from sandboxes.catalogs.judge import Judge
from sandboxes.serving import Handler, serving

_API = "/api"
_RESULTS = "/v1/dataQuality/testCases/testCaseResults/"
# the field with the name of what an entity is in, and the path of that
_PARENTS = {
    "/v1/databases": ("service", "/v1/services/databaseServices"),
    "/v1/databaseSchemas": ("database", "/v1/databases"),
    "/v1/tables": ("databaseSchema", "/v1/databaseSchemas"),
    "/v1/tags": ("classification", "/v1/classifications"),
}
_LINK = re.compile(r"<#E::table::(.+?)(?:::columns::(.+))?>")


@dataclass
class OpenMetadata:
    """What it has, and what it will answer.

    Attributes:
        judge: judges requests by OpenMetadata's models.
        token: the token that it requires.
        people: the paths of the users and teams that it knows, with their ids.
        url: its address.
        entities: the newest body of each entity, by path and qualified name.
        ids: the id of each entity.
        refused: what was wrong with requests.
        faults: statuses that the next requests are answered with, or 0 to break off the connection.
    """

    judge: Judge
    token: str
    people: dict[str, str]
    url: str = ""
    entities: dict[tuple[str, str], Any] = field(default_factory=dict)
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    faults: deque[int] = field(default_factory=deque)

    def find(self, path: str) -> tuple[int, Any]:
        """Return status and content of the answer to a GET."""
        if unquote(path) in self.people:
            return 200, {"id": self.people[unquote(path)]}
        return 404, {"message": "not found"}

    def accept(self, path: str, body: Any) -> tuple[int, Any]:
        """Return status and content of the answer to a PUT or POST."""
        problems = self.judge.problems({"path": path, "body": body})
        problems = problems or list(self._unknown(path, body))
        if problems:
            self.refused += problems
            return 400, {"message": problems[0]}
        key = self._key(path, body)
        self.entities[key] = body
        identity = self.ids.setdefault(key, str(uuid.uuid4()))
        return 200, {"id": identity, "fullyQualifiedName": key[1]}

    def _key(self, path: str, body: Any) -> tuple[str, str]:
        if path.startswith(_RESULTS):
            return path, str(body["timestamp"])
        if path == "/v1/lineage":
            edge = body["edge"]
            return path, f"{edge['fromEntity']['id']} {edge['toEntity']['id']}"
        if path == "/v1/dataQuality/testCases":
            found = _LINK.fullmatch(body["entityLink"])
            assert found
            column = _quoted(found[2]) if found[2] else ""
            return path, ".".join(filter(None, (found[1], column, _quoted(body["name"]))))
        name = _quoted(body["name"])
        return path, f"{body[_PARENTS[path][0]]}.{name}" if path in _PARENTS else name

    def _unknown(self, path: str, body: Any) -> Iterator[str]:
        """Yield what a request refers to that does not exist."""
        names = [body, *body.get("columns", ())] if "name" in body else []
        for named in names:
            # the server's schema has a pattern that the models leave out
            if "::" in named["name"] or ">" in named["name"]:
                yield f"{path}: {named['name']} has a separator"
        if path in _PARENTS:
            name, place = _PARENTS[path]
            if (place, body[name]) not in self.entities:
                yield f"{path}: {name} {body[name]} does not exist"
        if path == "/v1/tables":
            yield from self._unknown_of_table(body)
        elif path == "/v1/lineage":
            yield from self._unknown_of_lineage(body["edge"])
        elif path == "/v1/dataQuality/testCases":
            yield from self._unknown_of_case(body)
        elif path.startswith(_RESULTS):
            name = unquote(path.removeprefix(_RESULTS))
            if ("/v1/dataQuality/testCases", name) not in self.entities:
                yield f"{path}: the test case {name} does not exist"

    def _columns(self, table: str) -> set[str]:
        return {column["name"] for column in self._tables()[table]["columns"]}

    def _tables(self) -> dict[str, Any]:
        return {name: body for (path, name), body in self.entities.items() if path == "/v1/tables"}

    def _unknown_of_lineage(self, edge: Any) -> Iterator[str]:
        ids = {self.ids["/v1/tables", name] for name in self._tables()}
        for end in ("fromEntity", "toEntity"):
            if edge[end]["id"] not in ids:
                yield f"/v1/lineage: {end} does not exist"
        columns = {
            f"{table}.{_quoted(column['name'])}"
            for table, body in self._tables().items()
            for column in body["columns"]
        }
        for lineage in edge["lineageDetails"]["columnsLineage"]:
            for name in {lineage["toColumn"], *lineage["fromColumns"]} - columns:
                yield f"/v1/lineage: column {name} does not exist"

    def _unknown_of_case(self, body: Any) -> Iterator[str]:
        found = _LINK.fullmatch(body["entityLink"])
        if not found or found[1] not in self._tables():
            yield f"{body['name']}: {body['entityLink']} does not exist"
        elif found[2] and found[2] not in self._columns(found[1]):
            yield f"{body['name']}: column {found[2]} does not exist"
        if ("/v1/dataQuality/testDefinitions", body["testDefinition"]) not in self.entities:
            yield f"{body['name']}: {body['testDefinition']} does not exist"

    def _unknown_of_table(self, body: Any) -> Iterator[str]:
        for owner in body["owners"]:
            if owner["id"] not in self.people.values():
                yield f"/v1/tables: owner {owner['id']} does not exist"
        for tag in body["tags"]:
            if ("/v1/tags", tag["tagFQN"]) not in self.entities:
                yield f"/v1/tables: tag {tag['tagFQN']} does not exist"
        for column in body["columns"]:
            # the server checks what the models do not
            if column["dataType"] in {"VARCHAR", "CHAR"} and "dataLength" not in column:
                yield f"/v1/tables: {column['name']} has no dataLength"
            if column["dataType"] == "ARRAY" and "arrayDataType" not in column:
                yield f"/v1/tables: {column['name']} has no arrayDataType"


def _quoted(name: str) -> str:
    return f'"{name}"' if "." in name else name


@contextmanager
def openmetadata_server(
    judge: Judge, *, token: str, people: dict[str, str]
) -> Iterator[OpenMetadata]:
    """Serve while the body runs."""
    catalog = OpenMetadata(judge, token, people)

    class OpenMetadataHandler(Handler):
        def _answer(self) -> None:
            body = self.body()
            fault = catalog.faults.popleft() if catalog.faults else None
            if fault == 0:
                self.close_connection = True
            elif fault:
                self.respond(fault, b"busy", {"Retry-After": "7"} if fault == 429 else None)
            elif self.headers.get("Authorization") != f"Bearer {catalog.token}":
                self.respond(401, b"no access")
            else:
                path = self.path.removeprefix(_API)
                status, content = (
                    catalog.find(path)
                    if self.command == "GET"
                    else catalog.accept(path, json.loads(body))
                )
                self.respond(status, json.dumps(content).encode())

        do_GET = do_POST = do_PUT = _answer

    with serving(OpenMetadataHandler) as catalog.url:
        yield catalog
