"""A stand-in for Slack's Web API that is as strict as Slack, and fails on demand."""

import json
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from sandboxes.serving import Handler, serving
from sandboxes.slack.limits import problem_of, texts_of
from sandboxes.slack.socket_mode import SocketMode, press_payload, socket_mode_server

TOKEN = "stand-in-token"
_ABOUT_ITSELF: dict[str, dict[str, str]] = {
    "auth.test": {"user": "alerts", "bot_id": "B1", "team": "stand-in"},
    "api.test": {},
}


@dataclass
class Message:
    """A message in a channel or thread."""

    ts: str
    channel: str
    text: str
    blocks: list[dict[str, Any]]
    thread_ts: str | None
    key: str
    is_broadcast: bool = False
    edits: int = 0
    reactions: list[str] = field(default_factory=list)

    @property
    def shown(self) -> str:
        """All that people read, blocks before the text for notifications."""
        return "\n".join([*texts_of(self.blocks), self.text])

    def as_read(self, *, with_metadata: bool) -> dict[str, Any]:
        """Return the message as Slack returns it from a channel's history."""
        shown = {"type": "message", "ts": self.ts, "text": self.text, "blocks": self.blocks}
        if self.thread_ts:
            shown["thread_ts"] = self.thread_ts
        if self.is_broadcast:
            shown["subtype"] = "thread_broadcast"
        if with_metadata:
            payload = {"key": self.key}
            shown["metadata"] = {"event_type": "dagster_alert", "event_payload": payload}
        return shown


@dataclass
class SlackServer:
    """What was posted, and how the server behaves.

    ``faults`` are taken in turn by posts and updates: 429, 500, "drop", "accept_and_drop",
    "accept_and_hang", or an error of Slack's such as "invalid_auth". ``private`` are the names of
    private channels; those in ``archived`` can only be read. ``channels`` are there without a
    message, and the bot is not in those ``not_joined``. ``clock_ahead`` are the seconds by which
    Slack's clock is ahead of ours.
    """

    url: str = ""
    token: str = TOKEN
    seconds_between_messages: float = 1.0
    messages: list[Message] = field(default_factory=list)
    faults: deque[int | str] = field(default_factory=deque)
    refused_text: str | None = None
    broken_text: str | None = None
    private: set[str] = field(default_factory=set)
    clock_ahead: float = 0.0
    archived: set[str] = field(default_factory=set)
    channels: set[str] = field(default_factory=set)
    not_joined: set[str] = field(default_factory=set)
    may_read: bool = True
    reading_error: str = ""
    members: dict[str, str] = field(default_factory=dict)
    may_see_addresses: bool = True
    asked_addresses: list[str] = field(default_factory=list)
    busy_lookups: int = 0
    retry_after: int = 1
    calls: Counter[str] = field(default_factory=Counter)
    # what was shown to one member alone: the member and the text
    answers: list[tuple[str, str]] = field(default_factory=list)
    socket_mode: SocketMode = field(default_factory=SocketMode)
    last_post: dict[str, float] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def heads(self) -> list[Message]:
        """The messages that are not in a thread."""
        return [message for message in self.messages if message.thread_ts is None]

    def thread(self, head: Message) -> list[Message]:
        """Return the messages in the thread of ``head``."""
        return [message for message in self.messages if message.thread_ts == head.ts]

    def answer(self, method: str, asked: dict[str, Any], token: str) -> dict[str, Any] | int | str:
        """Return Slack's answer to a call: a document, a status, or a fault."""
        with self.lock:
            self.calls[method] += 1
            if method == "apps.connections.open":
                return self.socket_mode.open(token)
            if token != self.token:
                return {"ok": False, "error": "invalid_auth"}
            if method in _ABOUT_ITSELF:
                return {"ok": True, **_ABOUT_ITSELF[method]}
            if method == "chat.postEphemeral":
                return self._answer(asked)
            if method in ("chat.postMessage", "chat.update"):
                return self._write_or_fail(method, asked)
            return self._read(method, asked)

    def press(self, message: Message, label: str, *, envelope: str = "", **user: str) -> str:
        """Let ``user`` press a button of a message; return Slack's id of the press.

        Raises:
            LookupError: the message has no such button.
            TimeoutError: nobody has acknowledged it.
        """
        buttons = [
            element
            for block in message.blocks
            if block["type"] == "actions"
            for element in block["elements"]
            if element["text"]["text"] == label
        ]
        if not buttons:
            raise LookupError(f"no button {label}")
        channel = {"id": channel_id(message.channel), "name": message.channel}
        payload = press_payload(action=buttons[0], channel=channel, ts=message.ts, user=user)
        return self.socket_mode.deliver(payload, envelope=envelope)

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked.keys() - {"channel", "user", "text", "blocks", "thread_ts"}:
            return {"ok": False, "error": "invalid_arguments"}
        if asked["channel"] not in {channel_id(message.channel) for message in self.messages}:
            return {"ok": False, "error": "channel_not_found"}
        self.answers.append((asked["user"], asked["text"]))
        return {"ok": True, "message_ts": f"{time.time():.6f}"}

    def _write_or_fail(self, method: str, asked: dict[str, Any]) -> dict[str, Any] | int | str:
        fault = self.faults.popleft() if self.faults else None
        if fault in (429, 500, "drop"):
            return fault
        if isinstance(fault, str) and not fault.startswith("accept"):
            return {"ok": False, "error": fault}
        if asked["channel"].removeprefix("#") in {*self.archived, *map(channel_id, self.archived)}:
            return {"ok": False, "error": "is_archived"}
        done = self._write(method, asked)
        return fault if fault and isinstance(done, dict) and done["ok"] else done

    def _member(self, asked: dict[str, Any]) -> dict[str, Any] | int:
        if self.busy_lookups:
            self.busy_lookups -= 1
            return 429
        if not self.may_see_addresses:
            scopes = {"needed": "users:read.email", "provided": "chat:write"}
            return {"ok": False, "error": "missing_scope", **scopes}
        if asked.keys() != {"email"}:
            return {"ok": False, "error": "invalid_arguments"}
        self.asked_addresses.append(asked["email"])
        member = self.members.get(asked["email"])
        if member is None:
            return {"ok": False, "error": "users_not_found"}
        profile = {"email": asked["email"], "real_name": "Somebody"}
        user = {"id": member, "team_id": "T1", "deleted": False, "profile": profile}
        return {"ok": True, "user": user}

    def _read(self, method: str, asked: dict[str, Any]) -> dict[str, Any] | int:
        if method == "users.lookupByEmail":
            return self._member(asked)
        if not self.may_read:
            return {"ok": False, "error": "missing_scope"}
        if self.reading_error:
            return {"ok": False, "error": self.reading_error}
        if method == "conversations.list":
            return self._channels(asked.get("types", "public_channel").split(","))
        return self._read_channel(method, asked)

    def _channels(self, types: list[str]) -> dict[str, Any]:
        """Return the channels of these ``types``; Slack lists public ones alone by default."""
        channels = [
            {
                "id": channel_id(name),
                "name": name,
                "is_private": name in self.private,
                "is_archived": name in self.archived,
                "is_member": name not in self.not_joined,
            }
            for name in sorted({*self.channels, *(message.channel for message in self.messages)})
            if ("private_channel" if name in self.private else "public_channel") in types
        ]
        return {"ok": True, "channels": channels}

    def _read_channel(self, method: str, asked: dict[str, Any]) -> dict[str, Any]:
        inside = [m for m in self.messages if channel_id(m.channel) == asked["channel"]]
        if method == "reactions.get":
            return self._reactions(inside, asked["timestamp"])
        heads = [message for message in inside if message.thread_ts is None]
        if method == "conversations.history":
            seen = [message for message in inside if not message.thread_ts or message.is_broadcast]
            return _listed(seen, asked)
        if method == "conversations.replies":
            if asked["ts"] not in [head.ts for head in heads]:
                return {"ok": False, "error": "thread_not_found"}
            return _listed([m for m in inside if asked["ts"] in (m.ts, m.thread_ts)], asked)
        return {"ok": False, "error": "unknown_method"}

    def _reactions(self, inside: list[Message], ts: str) -> dict[str, Any]:
        for message in inside:
            if message.ts == ts:
                found = Counter(message.reactions)
                reactions = [
                    {"name": name, "count": count, "users": [f"U{n}" for n in range(count)]}
                    for name, count in found.items()
                ]
                # as Slack: without reactions the field is not there
                reacted = {"ts": ts, **({"reactions": reactions} if reactions else {})}
                return {"ok": True, "type": "message", "message": reacted}
        return {"ok": False, "error": "message_not_found"}

    def _write(self, method: str, asked: dict[str, Any]) -> dict[str, Any] | int:
        problem = problem_of(asked)
        if self.broken_text and self.broken_text in json.dumps(asked):
            return {"ok": False, "error": "fatal_error"}
        if problem is None and self.refused_text and self.refused_text in json.dumps(asked):
            problem = "invalid_blocks" if asked["blocks"] else None
        if problem:
            return {"ok": False, "error": problem}
        if method == "chat.update":
            return self._update(asked)
        name = asked["channel"].removeprefix("#")
        if asked.get("reply_broadcast") and not asked.get("thread_ts"):
            return {"ok": False, "error": "invalid_arguments"}
        now = time.time()
        if now - self.last_post.get(name, 0.0) < self.seconds_between_messages:
            return 429
        self.last_post[name] = now
        message = Message(
            ts=f"{now + self.clock_ahead:.6f}",
            channel=name,
            text=asked["text"],
            blocks=asked["blocks"],
            thread_ts=asked.get("thread_ts"),
            key=asked["metadata"]["event_payload"]["key"],
            is_broadcast=asked.get("reply_broadcast", False),
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


def _listed(messages: list[Message], asked: dict[str, Any]) -> dict[str, Any]:
    with_metadata = asked.get("include_all_metadata") == "1"
    wanted = [m for m in messages if float(m.ts) >= float(asked.get("oldest", 0))]
    shown = [message.as_read(with_metadata=with_metadata) for message in wanted]
    return {"ok": True, "has_more": False, "messages": shown}


def channel_id(name: str) -> str:
    """Return the identifier of the channel with that name."""
    return "C" + name.upper().replace("-", "")


@contextmanager
def slack_server(*, port: int = 0, **behaviour: Any) -> Iterator[SlackServer]:
    """Serve while the body runs.

    Args:
        port: the port on 127.0.0.1; 0 for a free one.
        behaviour: fields of :class:`SlackServer`.
    """
    slack = SlackServer(**behaviour)

    class SlackHandler(Handler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time.time()) + slack.clock_ahead)

        def do_POST(self) -> None:
            body = self.body().decode()
            is_json = self.headers["Content-Type"].startswith("application/json")
            asked = json.loads(body or "{}") if is_json else dict(parse_qsl(body))
            token = self.headers["Authorization"].removeprefix("Bearer ")
            if is_json != self.path.startswith("/api/chat."):
                asked = {}  # the reading methods know forms only
            answer = slack.answer(self.path.rpartition("/")[2], asked, token)
            if answer in ("drop", "accept_and_drop"):
                self.close_connection = True
                return
            if answer == "accept_and_hang":
                time.sleep(3.0)
                answer = 500
            status = answer if isinstance(answer, int) else 200
            content = json.dumps(answer if isinstance(answer, dict) else {"ok": False})
            headers = {"Content-Type": "application/json"}
            if status == 429:
                headers["Retry-After"] = str(slack.retry_after)
            self.respond(status, content.encode(), headers)

    with socket_mode_server(slack.socket_mode), serving(SlackHandler, port=port) as url:
        slack.url = f"{url}/api"
        yield slack
