"""A stand-in for Slack's Socket Mode: presses of buttons, until they are acknowledged."""

import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

APP_TOKEN = "stand-in-app-token"


@dataclass
class SocketMode:
    """The connections of an app, and what is delivered through them.

    As at Slack, an address is good for one connection, and a press is delivered again, with the
    same envelope, unless it is acknowledged within ``acknowledged_within`` seconds. The next
    ``lost_acknowledgements`` do not arrive. ``problems`` is what the app has done that it must not.
    """

    app_token: str = APP_TOKEN
    acknowledged_within: float = 3.0
    most_deliveries: int = 3
    lost_acknowledgements: int = 0
    address: str = ""
    problems: list[str] = field(default_factory=list)
    deliveries: Counter[str] = field(default_factory=Counter)
    opened: int = 0
    _tickets: set[str] = field(default_factory=set)
    _connections: list[ServerConnection] = field(default_factory=list)
    _acknowledged: dict[str, bool] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def open(self, token: str) -> dict[str, Any]:
        """Answer ``apps.connections.open``."""
        if token != self.app_token:
            return {"ok": False, "error": "invalid_auth"}
        ticket = uuid.uuid4().hex
        self._tickets.add(ticket)
        return {"ok": True, "url": f"{self.address}/link/?ticket={ticket}&app_id=A1"}

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse a connection whose address is unknown, or was used before."""
        [ticket] = parse_qs(urlsplit(request.path).query).get("ticket", [""])
        if ticket in self._tickets:
            self._tickets.remove(ticket)
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "invalid ticket\n")

    def attend(self, connection: ServerConnection) -> None:
        """Greet a connection, and take its acknowledgements until it is closed."""
        hello = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A1"}}
        connection.send(json.dumps({**hello, "debug_info": {"host": "stand-in"}}))
        with self._changed:
            self.opened += 1
            self._connections.append(connection)
            self._changed.notify_all()
        try:
            for text in connection:
                self._take(str(text))
        except ConnectionClosed:
            pass
        finally:
            with self._changed:
                self._connections.remove(connection)
                self._changed.notify_all()

    def _take(self, text: str) -> None:
        found = json.loads(text)
        envelope = found.get("envelope_id") if isinstance(found, dict) else None
        if envelope not in self._acknowledged or found.keys() - {"envelope_id", "payload"}:
            self.problems.append(f"not an acknowledgement: {text}")
            return
        if found.get("payload"):
            self.problems.append("a press of a button takes no payload in its acknowledgement")
        with self._changed:
            self._acknowledged[envelope] = True
            self._changed.notify_all()

    def wait_for_connections(self, number: int, *, seconds: float) -> None:
        """Wait until the app has opened its connection number ``number``, counted from 1.

        Raises:
            TimeoutError: it has not.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self.opened >= number, seconds):
                raise TimeoutError(f"{self.opened} connections")

    def deliver(self, payload: dict[str, Any], *, envelope: str = "") -> str:
        """Deliver ``payload`` until it is acknowledged; return the id of its envelope.

        Raises:
            TimeoutError: it was not acknowledged; Slack shows the person a warning.
        """
        envelope = envelope or str(uuid.uuid4())
        for attempt in range(self.most_deliveries):
            wrapped = {"type": "interactive", "accepts_response_payload": False}
            again = {"retry_attempt": attempt, "retry_reason": "timeout"} if attempt else {}
            body = {"envelope_id": envelope, "payload": payload, **wrapped, **again}
            self.deliveries[envelope] += 1
            if self._send(envelope, json.dumps(body)):
                if not self.lost_acknowledgements:
                    return envelope
                self.lost_acknowledgements -= 1
        raise TimeoutError(f"{envelope} was not acknowledged")

    def _send(self, envelope: str, text: str) -> bool:
        """Send through the newest connection, again if it is replaced meanwhile."""
        until = time.monotonic() + self.acknowledged_within
        while (left := until - time.monotonic()) > 0:
            with self._changed:
                self._acknowledged[envelope] = False
                if not self._changed.wait_for(lambda: self._connections, left):
                    break
                newest = self._connections[-1]
            try:
                newest.send(text)
            except ConnectionClosed:
                continue
            with self._changed:
                self._changed.wait_for(
                    lambda newest=newest: (
                        self._acknowledged[envelope] or newest not in self._connections
                    ),
                    left,
                )
                if self._acknowledged[envelope]:
                    return True
        return False

    def refresh(self) -> None:
        """Ask the app for another connection, and close this one, as Slack does now and then."""
        warning = {"type": "disconnect", "reason": "refresh_requested", "debug_info": {}}
        with self._changed:
            connection = self._connections[-1]
        connection.send(json.dumps(warning))
        with self._changed:
            self._changed.wait_for(lambda: self._connections[-1] is not connection, 60.0)
        connection.close()

    def end(self) -> None:
        """Reject the app's token from now on, and close its connections."""
        self.app_token = ""
        with self._changed:
            connections = list(self._connections)
        for connection in connections:
            connection.close()


def press_payload(
    *, action: dict[str, Any], channel: dict[str, str], ts: str, user: dict[str, str]
) -> dict[str, Any]:
    """Return what Slack reports when ``user`` presses the button ``action`` of a message."""
    return {
        "type": "block_actions",
        "user": {"team_id": "T1", **user},
        "api_app_id": "A1",
        "token": "deprecated",
        "container": {
            "type": "message",
            "message_ts": ts,
            "channel_id": channel["id"],
            "is_ephemeral": False,
        },
        "trigger_id": "1.2.3",
        "team": {"id": "T1", "domain": "stand-in"},
        "enterprise": None,
        "is_enterprise_install": False,
        "channel": channel,
        "message": {"type": "message", "ts": ts, "bot_id": "B1"},
        "state": {"values": {}},
        "response_url": "https://hooks.slack.com/actions/T1/1/x",
        "actions": [
            {
                "type": "button",
                "block_id": "b1",
                "action_ts": "1.5",
                **{name: action[name] for name in ("action_id", "text", "value") if name in action},
            }
        ],
    }


@contextmanager
def socket_mode_server(socket_mode: SocketMode) -> Iterator[None]:
    """Serve the connections of ``socket_mode`` on 127.0.0.1 while the body runs."""
    with serve(
        socket_mode.attend,
        "127.0.0.1",
        0,
        process_request=socket_mode.admit,
        # slack-sdk's client looks whether it is to close only when something arrives
        ping_interval=0.5,
        close_timeout=1.0,
    ) as server:
        socket_mode.address = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
