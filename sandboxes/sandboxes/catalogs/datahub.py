"""A stand-in for DataHub's metadata service that keeps the aspects it accepts."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sandboxes.catalogs.judge import Judge
from sandboxes.serving import Handler, serving

_PATH = "/aspects?action=ingestProposalBatch"
# what the service takes at once, by its own emitter
_MOST_BYTES = 15 * 1024 * 1024
# aspects of which DataHub keeps every one
_OVER_TIME = frozenset({"assertionRunEvent", "operation"})


@dataclass
class DataHub:
    """What it has, and what it will answer.

    Attributes:
        judge: judges proposals by DataHub's models.
        token: the token that it requires.
        url: its address.
        aspects: the newest content of each aspect of each entity, and of those over time all.
        refused: what was wrong with requests.
        faults: statuses that the next requests are answered with, 0 to break off the connection, or
            1 to break it off in the middle of the answer.
        requests: the number of requests.
    """

    judge: Judge
    token: str
    url: str = ""
    aspects: dict[tuple[str, ...], Any] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    faults: deque[int] = field(default_factory=deque)
    requests: int = 0

    def accept(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Return status and text of the answer to a request."""
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, "no access"
        if len(body) > _MOST_BYTES:
            return 413, "too large"
        problems = [] if path == _PATH else [f"{path}: there is no such path"]
        content = json.loads(body)
        if content.keys() != {"proposals", "async"} or content["async"] not in {"true", "false"}:
            problems.append("a batch has proposals and async")
        problems += self.judge.problems(content["proposals"])
        if problems:
            self.refused += problems
            return 400, problems[0]
        for proposal in content["proposals"]:
            aspect = json.loads(proposal["aspect"]["value"])
            key = (proposal["entityUrn"], proposal["aspectName"])
            if proposal["aspectName"] in _OVER_TIME:
                key += (str(aspect["timestampMillis"]), aspect.get("runId", ""))
            self.aspects[key] = aspect
        return 200, '{"value": ""}'


@contextmanager
def datahub_server(judge: Judge, *, token: str) -> Iterator[DataHub]:
    """Serve while the body runs."""
    catalog = DataHub(judge, token)

    class DataHubHandler(Handler):
        def do_POST(self) -> None:
            body = self.body()
            catalog.requests += 1
            fault = catalog.faults.popleft() if catalog.faults else None
            if fault == 0:
                self.close_connection = True
                return
            if fault == 1:
                self.send_response(200)
                self.send_header("Content-Length", "100")
                self.end_headers()
                self.wfile.write(b"{")
                self.close_connection = True
                return
            if fault:
                self.respond(fault, b"busy", {"Retry-After": "7"} if fault == 429 else None)
                return
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, text = catalog.accept(self.path, headers, body)
            self.respond(status, text.encode())

    with serving(DataHubHandler) as catalog.url:
        yield catalog
