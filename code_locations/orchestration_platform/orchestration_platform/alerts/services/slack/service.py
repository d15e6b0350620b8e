"""Slack by a bot: messages that are updated, with threads."""

import re
from dataclasses import dataclass

from orchestration_platform.alerts.messages.formats.mrkdwn import escaped
from orchestration_platform.alerts.messages.formats.slack import (
    Content,
    entry_content,
    head_content,
    plain_text,
)
from orchestration_platform.alerts.messages.formats.slack_buttons import button_blocks
from orchestration_platform.alerts.messages.formats.text import one_line
from orchestration_platform.alerts.messages.thread import EntryKind
from orchestration_platform.alerts.services.protocol.errors import MessageGoneError
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi

ACKNOWLEDGEMENT = "eyes"

_SHORT_TEXT = 300
_TIMESTAMP = re.compile(r"\d+\.\d+")


@dataclass(frozen=True)
class SlackService(Service):
    """One channel.

    Attributes:
        api: Slack's API.
        token: the bot's token.
        channel: the name of the channel.
        has_buttons: whether messages have buttons, because somebody listens to them.
    """

    api: SlackWebApi
    token: str
    channel: str
    has_buttons: bool = False

    def post(self, notification: Notification) -> Receipt:
        """Post a message, or an entry of a thread."""
        thread_ts = _timestamp(notification.thread) if notification.thread else None
        return self.api.post(
            self.token,
            channel=self.channel,
            content=content_of(notification, has_buttons=self.has_buttons),
            key=notification.key,
            thread_ts=thread_ts,
            # in the thread alone, only people who follow the thread would see it
            is_for_all=notification.entry is not None and notification.entry.kind is EntryKind.CALL,
        )

    def update(self, notification: Notification, *, at: Receipt) -> Receipt:
        """Update the message of an incident."""
        return self.api.update(
            self.token,
            channel_id=at.place,
            ts=_timestamp(at),
            content=content_of(notification, has_buttons=self.has_buttons),
            key=notification.key,
        )

    def find(self, notification: Notification, *, since: float, place: str) -> Receipt | None:
        """Look for a message by the key in its metadata."""
        channel_id = place or self.api.channel_id(self.token, self.channel)
        if channel_id is None:
            return None
        return self.api.find(
            self.token,
            channel_id=channel_id,
            key=notification.key,
            since=since,
            thread_ts=_timestamp(notification.thread) if notification.thread else None,
        )

    def acknowledged_by(self, at: Receipt) -> tuple[str, ...] | None:
        """Return the members who have reacted to the message with a pair of eyes."""
        found = self.api.reactions(self.token, channel_id=at.place, ts=_timestamp(at))
        return found.get(ACKNOWLEDGEMENT)

    def user_id(self, address: str) -> str | None:
        """Return the id of the member with this e-mail address."""
        return self.api.member_id(self.token, address)


def content_of(notification: Notification, *, has_buttons: bool = False) -> Content:
    """Return the notification as Slack expects it, or as a line of text."""
    if notification.entry is None:
        if notification.is_plain:
            return {"text": plain_text(notification.message)}
        content = head_content(notification.message, mentions=notification.mentions)
        if has_buttons:
            content["blocks"] += button_blocks(notification.message, key=notification.incident_key)
        return content
    if notification.is_plain:
        return {"text": escaped(one_line(notification.entry.line), _SHORT_TEXT)}
    return entry_content(notification.entry, mentions=notification.mentions)


def _timestamp(receipt: Receipt) -> str:
    if not _TIMESTAMP.fullmatch(receipt.id):
        # It was sent elsewhere before there was a token.
        raise MessageGoneError("the message is not in Slack")
    return receipt.id
