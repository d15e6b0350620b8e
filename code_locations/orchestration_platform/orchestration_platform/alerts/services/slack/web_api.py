"""The Web API of Slack: the calls we make, and what its answers mean."""

import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from orchestration_platform.alerts.messages.formats.slack import Content
from orchestration_platform.alerts.services.protocol.errors import (
    LookupForbiddenError,
    MemberUnknownError,
    MessageGoneError,
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.http import (
    address_from,
    checked_address,
    retry_seconds,
)
from orchestration_platform.alerts.services.protocol.service import Receipt

if TYPE_CHECKING:
    from slack_sdk import WebClient
    from slack_sdk.http_retry.handler import RetryHandler
    from slack_sdk.web import SlackResponse

API_VARIABLE = "SLACK_API_URL"
_SLACK = "https://slack.com/api"
_METADATA_TYPE = "dagster_alert"
_PAGES = 5
_LONGEST_OWN_WAIT_SECONDS = 2
_LONGEST_REASON = 300
_LOOKING = ("conversations.", "reactions.", "users.")

# The message is at fault: only another message helps.
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
# The message to change or reply to no longer exists.
_GONE_ERRORS = frozenset(
    {
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "thread_not_found",
        "cannot_reply_to_message",
    }
)
# Slack's own errors, after which it may have done what was asked.
_SERVER_ERRORS = frozenset(
    {
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "request_timeout",
    }
)
_OF_WHAT_WAS_ASKED: Mapping[frozenset[str], type[Exception]] = {
    _CONTENT_ERRORS: MessageRefusedError,
    _GONE_ERRORS: MessageGoneError,
    frozenset({"users_not_found"}): MemberUnknownError,
}
_BUSY_ERRORS = frozenset({"ratelimited", "rate_limited"})
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
    "invalid_auth": "write a valid {token} token to the secret orchestration_platform/slack",
    "not_authed": "write a valid {token} token to the secret orchestration_platform/slack",
    "token_revoked": "write a new {token} token to the secret orchestration_platform/slack",
    "token_expired": "write a new {token} token to the secret orchestration_platform/slack",
    "account_inactive": "write a new {token} token to the secret orchestration_platform/slack",
    "channel_not_found": "create the channel and invite the bot",
    "not_in_channel": "invite the bot to the channel",
    "is_archived": "unarchive the channel or name another one in alert_policies.yaml",
    "missing_scope": "give the bot the scopes that docs/alerts/services.md lists",
}


class SlackWebApi(dg.ConfigurableResource):
    """The Web API of Slack, called with the client of Dagster's ``SlackResource``.

    Stores no token: each call takes the token and creates its client with it.
    """

    api_url: str = Field(
        default="", description=f"The API's address. Empty: {API_VARIABLE}, or Slack's own."
    )
    timeout_seconds: float = Field(
        default=10.0, gt=0, le=20, description="For a connection, and for each answer."
    )

    def post(
        self,
        token: str,
        *,
        channel: str,
        content: Content,
        key: str,
        thread_ts: str | None = None,
        is_for_all: bool = False,
    ) -> Receipt:
        """Post a message, or an entry of a thread; the channel shows an entry too if it is for all.

        Raises:
            ServiceUnavailableError: Slack did not accept it, but may later.
            MessageRefusedError: Slack will never accept it.
            MessageGoneError: the thread does not exist.
        """
        thread: Content = {"thread_ts": thread_ts} if thread_ts else {}
        if thread_ts and is_for_all:
            thread["reply_broadcast"] = True
        answer = self._call(
            token, "chat_postMessage", {"channel": channel, **thread, **_message(content, key)}
        )
        return Receipt(answer["ts"], answer["channel"])

    def update(
        self, token: str, *, channel_id: str, ts: str, content: Content, key: str
    ) -> Receipt:
        """Update a message.

        Raises:
            ServiceUnavailableError: Slack did not update it, but may later.
            MessageRefusedError: Slack will never accept the new text.
            MessageGoneError: the message does not exist.
        """
        message = _message(content, key)
        answer = self._call(token, "chat_update", {"channel": channel_id, "ts": ts, **message})
        return Receipt(answer["ts"], answer["channel"])

    def find(
        self, token: str, *, channel_id: str, key: str, since: float, thread_ts: str | None = None
    ) -> Receipt | None:
        """Return the message that was posted with ``key``, if it exists.

        Args:
            token: the bot's token.
            channel_id: Slack's id of the channel.
            key: the key that the message was posted with.
            since: look at messages from this time on, by this machine's clock, in seconds since
                1970. If Slack's clock is behind, the messages before are looked at too.
            thread_ts: the thread to search; if not set, the channel.

        Raises:
            LookupForbiddenError: the bot has no permission to look.
            ServiceUnavailableError: Slack did not answer.
        """
        method = "conversations_replies" if thread_ts else "conversations_history"
        thread = {"ts": thread_ts} if thread_ts else {}
        asked = {"channel": channel_id, "limit": 200, "include_all_metadata": True, **thread}
        behind = self._seconds_behind(token)
        for answer in self._pages(token, method, {**asked, "oldest": str(since - behind)}):
            for message in answer.get("messages", []):
                payload = message.get("metadata", {}).get("event_payload", {})
                if payload.get("key") == key:
                    return Receipt(message["ts"], channel_id)
        return None

    def _seconds_behind(self, token: str) -> float:
        """Return by how many seconds Slack's clock is behind ours; 0 if it is not, or unknown."""
        date = _lowered(self._response(token, "api_test", {}).headers).get("date", "")
        try:
            theirs = parsedate_to_datetime(date).timestamp()
        except ValueError:  # something in between has removed or changed it
            return 0.0
        return max(0.0, time.time() - theirs)

    def channels(self, token: str, kind: str) -> dict[str, Mapping[str, Any]]:
        """Return the channels of a kind that the bot can see, archived ones too, by name.

        Args:
            token: the bot's token.
            kind: ``public_channel`` or ``private_channel``, which need different scopes.

        Raises:
            LookupForbiddenError: the bot has no permission to look.
            ServiceUnavailableError: Slack did not answer.
        """
        asked = {"types": kind, "limit": 1000}
        return {
            channel["name"]: channel
            for answer in self._pages(token, "conversations_list", asked)
            for channel in answer.get("channels", [])
        }

    def channel_id(self, token: str, name: str) -> str | None:
        """Return Slack's id of the channel called ``name``, if the bot can see it.

        Private channels need another scope than public ones, so they are asked for separately.

        Raises:
            LookupForbiddenError: the bot has no permission to look.
            ServiceUnavailableError: Slack did not answer.
        """
        for kind in ("public_channel", "private_channel"):
            asked = {"types": kind, "limit": 1000, "exclude_archived": True}
            for answer in self._pages(token, "conversations_list", asked):
                for channel in answer.get("channels", []):
                    if channel.get("name") == name.removeprefix("#"):
                        return channel["id"]
        return None

    def reactions(self, token: str, *, channel_id: str, ts: str) -> Mapping[str, tuple[str, ...]]:
        """Return the reactions to a message by name, with as many member ids as Slack lists.

        Raises:
            MessageGoneError: the message does not exist.
            LookupForbiddenError: the bot has no permission to look.
            ServiceUnavailableError: Slack did not answer.
        """
        answer = self._call(
            token, "reactions_get", {"channel": channel_id, "timestamp": ts, "full": True}
        )
        found = answer.get("message", {}).get("reactions", [])
        return {reaction["name"]: tuple(reaction.get("users", ())) for reaction in found}

    def member_id(self, token: str, address: str) -> str | None:
        """Return Slack's id of the member with this e-mail address, if there is one.

        Raises:
            LookupForbiddenError: the bot has no permission to look.
            ServiceUnavailableError: Slack did not answer or asked us to wait.
        """
        try:
            answer = self._call(token, "users_lookupByEmail", {"email": address})
        except MemberUnknownError:
            return None
        return str(answer["user"]["id"])

    def answer(self, token: str, *, channel_id: str, user_id: str, text: str) -> None:
        """Show a text in a channel to one member alone.

        Raises:
            ServiceUnavailableError: Slack did not accept it.
            MessageRefusedError: Slack will never accept it.
        """
        shown = {"channel": channel_id, "user": user_id, "text": text}
        self._call(token, "chat_postEphemeral", shown)

    def connection_url(self, app_token: str) -> str:
        """Return the address of a new connection in Socket Mode, which is secret.

        Raises:
            ServiceUnavailableError: Slack rejected the token or did not answer.
        """
        answer = self._call(app_token, "apps_connections_open", {"app_token": app_token})
        return str(answer["url"])

    def check(self, token: str) -> str:
        """Check that the token works; return the bot's name in Slack.

        Raises:
            ServiceUnavailableError: Slack rejected the token or did not answer.
        """
        return str(self._call(token, "auth_test", {}).get("user", ""))

    def _pages(
        self, token: str, method: str, arguments: Mapping[str, Any]
    ) -> Iterator[Mapping[str, Any]]:
        cursor: dict[str, str] = {}
        for _ in range(_PAGES):
            answer = self._call(token, method, {**arguments, **cursor})
            yield answer
            following = answer.get("response_metadata", {}).get("next_cursor")
            if not following:
                return
            cursor = {"cursor": following}

    def _call(self, token: str, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        found: Any = self._response(token, method, arguments).data  # bytes only of a file
        return found

    def _response(self, token: str, method: str, arguments: Mapping[str, Any]) -> "SlackResponse":
        from http.client import HTTPException

        from slack_sdk.errors import SlackApiError

        client = self.client(token)
        try:
            return getattr(client, method)(**arguments)
        except SlackApiError as error:
            raise _understood(method.replace("_", "."), error.response) from error
        except (OSError, HTTPException, ValueError) as error:
            # Not even a refused connection is distinguished: looking costs one call.
            reason = f"Slack did not answer: {type(error).__name__}"
            raise ServiceUnavailableError(reason, is_unsure=True) from error

    def client(self, token: str) -> "WebClient":
        """Return Dagster's Slack client, with our address, time limit and retries."""
        from dagster_slack import SlackResource

        if self.api_url:
            address = checked_address(self.api_url, what="api_url")
        else:
            address = checked_address(address_from(API_VARIABLE, _SLACK), what=API_VARIABLE)
        client = SlackResource(token=token).get_client()
        # The resource only has a field for the token. The client appends the names of methods to an
        # address that ends with a slash.
        client.base_url = f"{address.rstrip('/')}/"
        # the library declares whole seconds, but accepts any number
        client.timeout = self.timeout_seconds  # pyright: ignore[reportAttributeAccessIssue]
        # Not the library's default, which sends again after a dropped connection.
        client.retry_handlers = retry_handlers()
        return client


def retry_handlers() -> "list[RetryHandler]":
    """Return the retries slack-sdk may do itself: one wait, if Slack asks for only a moment.

    For longer waits the outbox waits, which survives a killed process. No wait happens twice: what
    Slack answers after the handler's wait counts from then on.
    """
    from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler

    class ShortWaits(RateLimitErrorRetryHandler):
        def _can_retry(self, *, response: Any = None, **named: Any) -> bool:
            if not super()._can_retry(response=response, **named):
                return False
            [asked] = _lowered(response.headers).get("retry-after", [""])
            return asked.isdigit() and int(asked) <= _LONGEST_OWN_WAIT_SECONDS

    return [ShortWaits(max_retry_count=1)]


def _lowered(headers: Mapping[str, Any]) -> dict[str, Any]:
    return {name.lower(): value for name, value in headers.items()}


def _message(content: Content, key: str) -> dict[str, Any]:
    metadata = {"event_type": _METADATA_TYPE, "event_payload": {"key": key}}
    quiet = {"unfurl_links": False, "unfurl_media": False}
    # without an empty list, the blocks of an earlier version would remain
    return {"blocks": [], **content, **quiet, "metadata": metadata}


def _understood(method: str, response: Any) -> Exception:
    problem = str(response.get("error") or "unknown_error")
    if response.status_code == HTTPStatus.TOO_MANY_REQUESTS or problem in _BUSY_ERRORS:
        pause = retry_seconds(_lowered(response.headers).get("retry-after"))
        return ServiceUnavailableError("Slack asks to wait", retry_after=pause)
    if response.status_code != HTTPStatus.OK:
        reason = f"Slack answered {response.status_code} to {method}"
        return ServiceUnavailableError(reason, is_unsure=True)
    for problems, kind in _OF_WHAT_WAS_ASKED.items():
        if problem in problems:
            return kind(problem)
    if problem in _FORBIDDEN_ERRORS and method.startswith(_LOOKING):
        return LookupForbiddenError(f"Slack answered {problem} to {method}")
    token = "app" if method.startswith("apps.") else "bot"
    remedy = _REMEDIES.get(problem, "").format(token=token)
    text = f"Slack answered {problem} to {method}{f': {remedy}' if remedy else ''}"
    # An answer that is not one of Slack's codes is a page from something in between.
    is_unsure = problem in _SERVER_ERRORS or " " in problem
    return ServiceUnavailableError(text[:_LONGEST_REASON], is_unsure=is_unsure)
