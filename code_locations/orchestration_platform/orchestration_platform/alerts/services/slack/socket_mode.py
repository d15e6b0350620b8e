"""Presses of buttons, received through Socket Mode.

We open the connection, so that nobody needs to reach us from outside.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slack_sdk.socket_mode import SocketModeClient
from slack_sdk.socket_mode.response import SocketModeResponse

from orchestration_platform.alerts.messages.formats.slack_buttons import Button
from orchestration_platform.alerts.services.protocol.http import checked_address
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.secrets import know

if TYPE_CHECKING:
    from slack_sdk.socket_mode.client import BaseSocketModeClient
    from slack_sdk.socket_mode.request import SocketModeRequest

_LONGEST_ID = 100


@dataclass(frozen=True)
class SlackPress:
    """A member of Slack has pressed one of our buttons.

    Attributes:
        envelope_id: Slack's id of the press, the same when it is delivered again.
        button: which button.
        key: the key of the message below which it is.
        user_id: Slack's id of the member.
        user_name: the member's name; empty if Slack names none.
        channel_id: Slack's id of the channel.
    """

    envelope_id: str
    button: Button
    key: str
    user_id: str
    user_name: str
    channel_id: str


def press_of(envelope_id: str, payload: Any) -> SlackPress | None:
    """Return the press that a payload of Slack reports; None if it is about anything else.

    Slack reports buttons that open a link, too.
    """
    try:
        if payload["type"] != "block_actions":
            return None
        [action] = payload["actions"]
        user, channel = payload["user"], payload["channel"]
        found = SlackPress(
            envelope_id=envelope_id[:_LONGEST_ID],
            button=Button(action["action_id"]),
            key=action["value"],
            user_id=user["id"],
            user_name=user.get("username") or user.get("name") or "",
            channel_id=channel["id"],
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    texts = (found.key, found.user_id, found.user_name, found.channel_id)
    return found if all(isinstance(text, str) for text in texts) else None


class _Client(SocketModeClient):
    """Asks for the address of each connection through our own client of Slack's API."""

    def __init__(self, api: SlackWebApi, app_token: str, logger: logging.Logger) -> None:
        self._api = api
        super().__init__(app_token, logger=logger, web_client=api.client(app_token))

    def issue_new_wss_url(self) -> str:
        url = self._api.connection_url(self.app_token)
        # who has it receives what we should
        know(url, name="Slack's address of a connection")
        checked_address(url.replace("ws", "http", 1), what="Slack's address of a connection")
        return url


def connected(
    api: SlackWebApi,
    app_token: str,
    on_press: Callable[[SlackPress], Callable[[], None]],
    *,
    logger: logging.Logger,
) -> SocketModeClient:
    """Open a connection, and listen until it is closed; a connection that breaks is replaced.

    Slack delivers a press again unless it is acknowledged within 3 s. It is acknowledged when
    ``on_press`` returns, and after that what it returns is called, which may take longer. If
    ``on_press`` raises, the press is not acknowledged.

    Args:
        api: Slack's API.
        app_token: the token of the app, with the scope ``connections:write``.
        on_press: called with each press, in a thread of its own.
        logger: for the connection, and for what ``on_press`` raises.

    Raises:
        ServiceUnavailableError: Slack does not open a connection.
    """

    def take(client: "BaseSocketModeClient", request: "SocketModeRequest") -> None:
        press = press_of(request.envelope_id, request.payload)
        follow_up = on_press(press) if press is not None else None
        client.send_socket_mode_response(SocketModeResponse(request.envelope_id))
        if follow_up is not None:
            follow_up()

    client = _Client(api, app_token, logger)
    client.socket_mode_request_listeners.append(take)
    try:
        client.connect()
    except BaseException:
        client.close()
        raise
    return client
