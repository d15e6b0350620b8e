"""The Web API of Slack: what is asked of it, and what its answers mean."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import dagster as dg
from pydantic import Field

from orchestration_platform.alerts.message import Content

API_VARIABLE = "SLACK_API_URL"
_SLACK = "https://slack.com/api"
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_METADATA_TYPE = "dagster_alert"
_PAGES = 5

# The message is at fault: nothing helps but another message.
_CONTENT_ERRORS = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "invalid_arguments",
        "invalid_array_arg",
        "invalid_attachments",
        "too_many_attachments",
        "metadata_too_large",
        "invalid_metadata_format",
        "invalid_metadata_schema",
        "invalid_charset",
        "invalid_form_data",
        "invalid_json",
        "json_not_object",
        "markdown_text_conflict",
    }
)
# The message that was to be changed, or answered, is not there any more.
_GONE_ERRORS = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "thread_not_found",
        "cannot_reply_to_message",
    }
)
# Slack's own troubles, after which it may have done what was asked.
_SERVER_ERRORS = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
    }
)
_FORBIDDEN_ERRORS = frozenset(
    {
        "missing_scope",
        "not_in_channel",
        "channel_not_found",
        "no_permission",
        "access_denied",
    }
)

_REMEDIES = {
    "invalid_auth": "write a valid bot token to the secret orchestration_platform/slack",
    "not_authed": "write a valid bot token to the secret orchestration_platform/slack",
    "token_revoked": "write a new bot token to the secret orchestration_platform/slack",
    "token_expired": "write a new bot token to the secret orchestration_platform/slack",
    "account_inactive": "write a new bot token to the secret orchestration_platform/slack",
    "channel_not_found": "create the channel and invite the bot",
    "not_in_channel": "invite the bot to the channel",
    "is_archived": "unarchive the channel or name another one in alert_policies.yaml",
    "missing_scope": "give the bot the scopes that docs/alerts.md lists",
}


class SlackUnavailableError(RuntimeError):
    """Slack did not do what was asked, and may later.

    Attributes:
        retry_after: seconds to wait, where Slack said so.
        is_unsure: Slack may have done it all the same.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, is_unsure: bool = False
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.is_unsure = is_unsure


class ReadingForbiddenError(SlackUnavailableError):
    """Slack does not let the bot look at what is in the channel."""


class MessageRefusedError(ValueError):
    """Slack will never accept this message."""


class MessageGoneError(LookupError):
    """The message that was to be changed or answered is not there."""


@dataclass(frozen=True)
class Posted:
    """Where Slack has put a message."""

    ts: str
    channel_id: str


class SlackWebApi(dg.ConfigurableResource):
    """The Web API of Slack. Holds no token: each call is given it."""

    api_url: str = Field(
        default="", description=f"The API's address. Empty: {API_VARIABLE}, or Slack's own."
    )
    timeout_seconds: float = Field(
        default=10.0, gt=0, le=20, description="For a connection, and for each answer."
    )

    def post(
        self, token: str, *, channel: str, content: Content, key: str, thread_ts: str | None = None
    ) -> Posted:
        """Post a message, or an entry of a thread.

        Raises:
            SlackUnavailableError: Slack did not take it, and may later.
            MessageRefusedError: Slack will never take it.
            MessageGoneError: the thread is not there.
        """
        thread = {"thread_ts": thread_ts} if thread_ts else {}
        answer = self._call(
            token, "chat.postMessage", {"channel": channel, **thread, **_message(content, key)}
        )
        return Posted(ts=answer["ts"], channel_id=answer["channel"])

    def update(self, token: str, *, channel_id: str, ts: str, content: Content, key: str) -> Posted:
        """Change a message.

        Raises:
            SlackUnavailableError: Slack did not change it, and may later.
            MessageRefusedError: Slack will never take the new text.
            MessageGoneError: the message is not there.
        """
        message = _message(content, key)
        answer = self._call(token, "chat.update", {"channel": channel_id, "ts": ts, **message})
        return Posted(ts=answer["ts"], channel_id=answer["channel"])

    def find(
        self, token: str, *, channel_id: str, key: str, since: float, thread_ts: str | None = None
    ) -> Posted | None:
        """The message that was posted with ``key``, if it is there.

        Args:
            token: the bot's.
            channel_id: Slack's number of the channel.
            key: what the message was posted with.
            since: look at messages from this time on, in seconds since 1970.
            thread_ts: the thread to look into; without it at the channel.

        Raises:
            ReadingForbiddenError: the bot may not look.
            SlackUnavailableError: Slack did not answer.
        """
        method = "conversations.replies" if thread_ts else "conversations.history"
        thread = {"ts": thread_ts} if thread_ts else {}
        asked = {"channel": channel_id, "oldest": str(since), "limit": 200, **thread}
        for answer in self._pages(token, method, {**asked, "include_all_metadata": True}):
            for message in answer.get("messages", []):
                payload = message.get("metadata", {}).get("event_payload", {})
                if payload.get("key") == key:
                    return Posted(ts=message["ts"], channel_id=channel_id)
        return None

    def channel_id(self, token: str, name: str) -> str | None:
        """Slack's number of the channel called ``name``, if the bot can see it.

        Raises:
            ReadingForbiddenError: the bot may not look.
            SlackUnavailableError: Slack did not answer.
        """
        asked = {"limit": 1000, "exclude_archived": True}
        for answer in self._pages(token, "conversations.list", asked):
            for channel in answer.get("channels", []):
                if channel.get("name") == name.removeprefix("#"):
                    return channel["id"]
        return None

    def _pages(
        self, token: str, method: str, arguments: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        cursor: dict[str, str] = {}
        for _ in range(_PAGES):
            answer = self._call(token, method, {**arguments, **cursor}, form=True)
            yield answer
            following = answer.get("response_metadata", {}).get("next_cursor")
            if not following:
                return
            cursor = {"cursor": following}

    def _call(
        self, token: str, method: str, arguments: Mapping[str, Any], *, form: bool = False
    ) -> Mapping[str, Any]:
        import requests

        try:
            response = requests.post(
                f"{self._address()}/{method}",
                # the reading methods know forms only
                data=dict(arguments) if form else None,
                json=None if form else dict(arguments),
                headers={"Authorization": f"Bearer {token}"},
                timeout=self.timeout_seconds,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # Not even a refused connection is told apart: to look costs one call.
            reason = f"Slack did not answer: {type(error).__name__}"
            raise SlackUnavailableError(reason, is_unsure=True) from error
        return _understood(method, response)

    def _address(self) -> str:
        address = (self.api_url or os.environ.get(API_VARIABLE) or _SLACK).rstrip("/")
        parts = urlsplit(address)
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            message = f"{address}: the token would travel unprotected, use https"
            raise ValueError(message)
        return address


def _message(content: Content, key: str) -> dict[str, Any]:
    metadata = {"event_type": _METADATA_TYPE, "event_payload": {"key": key}}
    quiet = {"unfurl_links": False, "unfurl_media": False}
    # without blocks those that an earlier version had would stay
    return {"blocks": [], **content, **quiet, "metadata": metadata}


def _understood(method: str, response: Any) -> Mapping[str, Any]:
    import requests

    if response.status_code == requests.codes.too_many_requests:
        raise SlackUnavailableError("Slack asks to wait", retry_after=_retry_after(response))
    if response.status_code != requests.codes.ok:
        reason = f"Slack answered {response.status_code} to {method}"
        raise SlackUnavailableError(reason, is_unsure=True)
    try:
        answer = response.json()
    except ValueError as error:
        reason = f"what answers {method} is not Slack: no JSON"
        raise SlackUnavailableError(reason, is_unsure=True) from error
    if answer.get("ok"):
        return answer
    problem = str(answer.get("error", "unknown_error"))
    if problem in _CONTENT_ERRORS:
        raise MessageRefusedError(problem)
    if problem in _GONE_ERRORS:
        raise MessageGoneError(problem)
    if problem in ("ratelimited", "rate_limited"):
        raise SlackUnavailableError("Slack asks to wait", retry_after=_retry_after(response))
    remedy = _REMEDIES.get(problem)
    if problem in _FORBIDDEN_ERRORS and method.startswith("conversations."):
        raise ReadingForbiddenError(f"Slack answered {problem} to {method}")
    text = f"Slack answered {problem} to {method}{f': {remedy}' if remedy else ''}"
    raise SlackUnavailableError(text, is_unsure=problem in _SERVER_ERRORS)


def _retry_after(response: Any) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.replace(".", "", 1).isdigit() else 30.0
