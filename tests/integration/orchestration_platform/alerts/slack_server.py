"""A stand-in for Slack's Web API that is as strict as Slack, and fails when it is told to."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

TOKEN = "stand-in-token"


@dataclass
class Message:
    ts: str
    channel: str
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str | None
    key: str
    edits: int = 0

    @property
    def shown(self) -> str:
        """All that people read, blocks before the text for notifications."""
        return "\n".join([*texts_of(self.blocks), self.text])


@dataclass
class SlackServer:
    """``faults`` are taken in turn by posts and updates: 429, 500, "drop", "accept_and_drop",
    "accept_and_hang", or an error of Slack's such as "invalid_auth"."""

    url: str = ""
    seconds_between_messages: float = 1.0
    messages: list[Message] = field(default_factory=list)
    faults: deque[int | str] = field(default_factory=deque)
    refused_text: str | None = None
    may_read: bool = True
    calls: Counter[str] = field(default_factory=Counter)
    last_post: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def heads(self) -> list[Message]:
        return [message for message in self.messages if message.thread_ts is None]

    def thread(self, head: Message) -> list[Message]:
        return [message for message in self.messages if message.thread_ts == head.ts]

    def answer(self, method: str, asked: dict[str, Any], token: str) -> dict[str, Any] | int | str:
        with self.lock:
            self.calls[method] += 1
            if token != TOKEN:
                return {"ok": False, "error": "invalid_auth"}
            if method.startswith("conversations."):
                return self._read(method, asked)
            fault = self.faults.popleft() if self.faults else None
            if fault == 429:
                return 429
            if fault in (500, "drop"):
                return fault
            if isinstance(fault, str) and not fault.startswith("accept"):
                return {"ok": False, "error": fault}
            done = self._write(method, asked)
            return fault if fault and isinstance(done, dict) and done["ok"] else done

    def _read(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        if not self.may_read:
            return {"ok": False, "error": "missing_scope"}
        if method == "conversations.list":
            names = {message.channel for message in self.messages}
            return {"ok": True, "channels": [{"id": channel_id(n), "name": n} for n in names]}
        thread = asked.get("ts")
        assert asked["include_all_metadata"] == "True"
        found = [
            {"ts": message.ts, "metadata": {"event_payload": {"key": message.key}}}
            for message in self.messages
            if channel_id(message.channel) == asked["channel"]
            and message.thread_ts == thread
            and float(message.ts) >= float(asked["oldest"])
        ]
        return {"ok": True, "messages": found}

    def _write(self, method: str, asked: dict[str, Any]) -> dict[str, Any] | int:
        problem = problem_of(asked)
        if problem is None and self.refused_text and self.refused_text in json.dumps(asked):
            problem = "invalid_blocks" if asked["blocks"] else None
        if problem:
            return {"ok": False, "error": problem}
        if method == "chat.update":
            return self._update(asked)
        name = asked["channel"].removeprefix("#")
        now = time.time()
        if now - self.last_post.get(name, 0.0) < self.seconds_between_messages:
            return 429
        self.last_post[name] = now
        message = Message(
            ts=f"{now:.6f}",
            channel=name,
            text=asked["text"],
            blocks=asked["blocks"],
            thread_ts=asked.get("thread_ts"),
            key=asked["metadata"]["event_payload"]["key"],
        )
        self.messages.append(message)
        return {"ok": True, "ts": message.ts, "channel": channel_id(name)}

    def _update(self, asked: dict[str, Any]) -> dict[str, Any]:
        for message in self.messages:
            if (message.ts, channel_id(message.channel)) == (asked["ts"], asked["channel"]):
                message.text, message.blocks = asked["text"], asked["blocks"]
                message.edits += 1
                return {"ok": True, "ts": message.ts, "channel": asked["channel"]}
        return {"ok": False, "error": "message_not_found"}


def channel_id(name: str) -> str:
    return "C" + name.upper().replace("-", "")


def texts_of(node: Any) -> list[str]:
    """Every text of a message that people see."""
    if isinstance(node, list):
        return [text for entry in node for text in texts_of(entry)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return own + [text for value in node.values() for text in texts_of(value)]


def problem_of(asked: dict[str, Any]) -> str | None:
    """The error with which Slack refuses a message; nothing when it is in order."""
    blocks, text = asked.get("blocks", []), asked.get("text", "")
    if not text and not blocks:
        return "no_text"
    if len(text) > 40_000 or sum(map(units, [text, *texts_of(blocks)])) > 12_000:
        return "msg_too_long"
    if len(blocks) > 50 or not all(_is_block(block) for block in blocks):
        return "invalid_blocks"
    return None


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _is_block(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind == "header":
        return _is_text(block["text"], 150, "plain_text")
    if kind == "section":
        return _is_text(block["text"], 3000, "mrkdwn", "plain_text")
    if kind == "context":
        elements = block["elements"]
        return 0 < len(elements) <= 10 and all(_is_text(e, 3000, "mrkdwn") for e in elements)
    if kind == "actions":
        elements = block["elements"]
        return 0 < len(elements) <= 25 and all(
            e["type"] == "button"
            and _is_text(e["text"], 75, "plain_text")
            and len(e["url"]) <= 3000
            for e in elements
        )
    return kind == "divider"


def _is_text(text: dict[str, Any], limit: int, *kinds: str) -> bool:
    return text["type"] in kinds and 0 < units(text["text"]) <= limit


@contextmanager
def slack_server(**behaviour: Any) -> Iterator[SlackServer]:
    slack = SlackServer(**behaviour)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            is_json = self.headers["Content-Type"].startswith("application/json")
            asked = json.loads(body) if is_json else dict(parse_qsl(body))
            token = self.headers["Authorization"].removeprefix("Bearer ")
            answer = slack.answer(self.path.rpartition("/")[2], asked, token)
            if answer in ("drop", "accept_and_drop"):
                self.close_connection = True
                return
            if answer == "accept_and_hang":
                time.sleep(1.5)
                answer = 500
            self._send(answer)

        def _send(self, answer: Any) -> None:
            content = json.dumps(answer if isinstance(answer, dict) else {"ok": False}).encode()
            self.send_response(answer if isinstance(answer, int) else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if answer == 429:
                self.send_header("Retry-After", "1")
            try:
                self.end_headers()
                self.wfile.write(content)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def log_message(self, *_arguments: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    slack.url = f"http://127.0.0.1:{server.server_port}/api"
    try:
        yield slack
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
