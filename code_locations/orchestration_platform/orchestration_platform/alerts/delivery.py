"""From the outbox to Slack."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from orchestration_platform.alerts import outbox
from orchestration_platform.alerts.database import Database
from orchestration_platform.alerts.message import Content, head, plain_text
from orchestration_platform.alerts.outbox import Claim
from orchestration_platform.alerts.slack_api import (
    MessageGoneError,
    MessageRefusedError,
    Posted,
    ReadingForbiddenError,
    SlackUnavailableError,
    SlackWebApi,
)

_SHORT_TEXT = 300
# The clocks of Slack and of this machine may differ.
_CLOCK_SECONDS = 120.0
_SHORTEST_WAIT_SECONDS = 0.05


@dataclass(frozen=True)
class Sender:
    """Sends what is due.

    Attributes:
        database: where the outbox is.
        slack: the API.
        token: the bot's.
        environment: named in the header.
        ui_url: where people open Dagster.
        descriptions: what the messages of a policy have to say beside, by its name.
    """

    database: Database
    slack: SlackWebApi
    token: str
    environment: str
    ui_url: str
    descriptions: Mapping[str, str]

    def send_due(self, *, until: float) -> int:
        """Send what is due and becomes due until ``until`` (monotonic); gives the number sent."""
        sent = 0
        while time.monotonic() < until:
            with self.database.transaction() as connection:
                claim = outbox.claim_next(
                    connection, now=time.time(), descriptions=self.descriptions
                )
                following = None if claim else outbox.next_call_at(connection, now=time.time())
            if claim is not None:
                sent += self.send(claim)
                continue
            wait = (
                None if following is None else max(following - time.time(), _SHORTEST_WAIT_SECONDS)
            )
            if wait is None or time.monotonic() + wait >= until:
                break
            time.sleep(wait)
        return sent

    def send(self, claim: Claim) -> bool:
        """Send one message and record what became of it; gives whether Slack has it."""
        try:
            posted, version, note = self._sent(claim)
        except SlackUnavailableError as error:
            with self.database.transaction() as connection:
                outbox.record_pause(
                    connection,
                    claim,
                    reason=str(error),
                    retry_after=error.retry_after,
                    is_unsure=error.is_unsure,
                    now=time.time(),
                )
            return False
        except MessageGoneError:
            with self.database.transaction() as connection:
                outbox.record_disappearance(connection, claim)
            return False
        except MessageRefusedError as error:
            with self.database.transaction() as connection:
                outbox.record_refusal(connection, claim, reason=str(error))
            return False
        with self.database.transaction() as connection:
            outbox.record_delivery(
                connection,
                claim,
                ts=posted.ts,
                channel_id=posted.channel_id,
                version=version,
                now=time.time(),
                note=note,
            )
        return True

    def _sent(self, claim: Claim) -> tuple[Posted, int, str | None]:
        content = self._content(claim)
        if claim.ts is not None and claim.channel_id is not None:
            posted = self.slack.update(
                self.token, channel_id=claim.channel_id, ts=claim.ts, content=content, key=claim.key
            )
            return posted, claim.version, None
        note = None
        if claim.is_unsure:
            try:
                found = self._found(claim)
            except ReadingForbiddenError as error:
                # Twice is better than not at all.
                found, note = None, f"may be there twice: {error}"
            if found is not None:
                # What it says may be of an earlier version: it is brought up to date later.
                return found, 0, "was there already"
        posted = self.slack.post(
            self.token,
            channel=claim.channel,
            content=content,
            key=claim.key,
            thread_ts=claim.thread_ts,
        )
        return posted, claim.version, note

    def _found(self, claim: Claim) -> Posted | None:
        channel_id = claim.channel_id or self.slack.channel_id(self.token, claim.channel)
        if channel_id is None:
            return None
        return self.slack.find(
            self.token,
            channel_id=channel_id,
            key=claim.key,
            since=claim.first_attempt_at - _CLOCK_SECONDS,
            thread_ts=claim.thread_ts,
        )

    def _content(self, claim: Claim) -> Content:
        if claim.incident is not None:
            if claim.is_plain:
                return {"text": plain_text(claim.incident, environment=self.environment)}
            return head(claim.incident, environment=self.environment, ui_url=self.ui_url)
        body = claim.body or {}
        return {"text": body["text"][:_SHORT_TEXT]} if claim.is_plain else body
