"""Any receiver of JSON that is signed as standardwebhooks.com says."""

import base64
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from orchestration_platform.alerts.messages.formats.text import one_line
from orchestration_platform.alerts.messages.message import Message, ShownProblem
from orchestration_platform.alerts.messages.text import clean
from orchestration_platform.alerts.messages.thread_entry import Entry
from orchestration_platform.alerts.services.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.http import TIMEOUT_SECONDS, checked_address, judge
from orchestration_platform.alerts.services.service import Letter, Receipt, Service

_REMEDY = "let the receiver accept what is signed with the signing_secret of the policy's secret"
_LONGEST_TEXT = 20_000
_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 64 + 1)


@dataclass(frozen=True)
class WebhookService(Service):
    """One receiver.

    Attributes:
        url: of the receiver.
        signing_secret: ``whsec_`` and 24 to 64 bytes in base64, known to the receiver too.
        timeout_seconds: for a connection, and for the answer.
    """

    url: str
    signing_secret: str
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, letter: Letter) -> Receipt:
        """Post the message of an incident, or what is added to it."""
        import requests

        now = datetime.now(UTC)
        body = json.dumps(_content(letter, now))
        address = checked_address(self.url, what="the webhook's url")
        try:
            answer = requests.post(
                address,
                data=body.encode(),
                headers={
                    "Content-Type": "application/json",
                    # The receiver knows by it what it has had already.
                    "webhook-id": letter.key,
                    "webhook-timestamp": str(int(now.timestamp())),
                    "webhook-signature": self._signature(letter.key, now, body),
                },
                timeout=self.timeout_seconds,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            # The error's own text has the URL.
            reason = f"the webhook's receiver did not answer: {type(error).__name__}"
            raise ServiceUnavailableError(reason, is_unsure=True) from None
        retry_after = answer.headers.get("Retry-After")
        name = "the webhook's receiver"
        judge(name, answer.status_code, retry_after=retry_after, remedy=_REMEDY)
        return Receipt(letter.key)

    def _signature(self, key: str, now: datetime, body: str) -> str:
        from standardwebhooks import Webhook

        # The library takes a secret of any length, an empty one too, and does not ask for a prefix.
        if not _is_signing_secret(self.signing_secret):
            said = "signing_secret is not whsec_ and 24 to 64 bytes in base64: write one that is"
            raise ServiceUnavailableError(said)
        return Webhook(self.signing_secret).sign(key, now, body)

    def __repr__(self) -> str:
        return "WebhookService()"


def _is_signing_secret(secret: str) -> bool:
    try:
        held = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        return False
    return secret.startswith(_PREFIX) and len(held) in _SECRET_BYTES


def _content(letter: Letter, now: datetime) -> dict[str, Any]:
    entry = letter.entry
    kind = "opened" if entry is None else entry.kind.value
    data = {"incident": letter.incident_key, **_described(letter.message)}
    if letter.is_plain:
        data = {"incident": letter.incident_key, "summary": data["summary"]}
    if entry is not None:
        data["entry"] = _entry(entry)
    return {"type": f"dagster.alert.{kind}", "timestamp": now.isoformat(), "data": data}


def _described(message: Message) -> dict[str, Any]:
    return {
        "event_type": message.event_type,
        "severity": message.severity.value,
        "title": message.title,
        "summary": _text(message.summary),
        "kind": message.kind,
        "subject": _text(message.subject),
        "code_location": message.location,
        "run_id": message.run_id,
        "occurrences": message.occurrences,
        "first_at": _moment(message.first_at),
        "last_at": _moment(message.last_at),
        "recovered_at": _moment(message.recovered_at),
        "instead": _text(message.instead),
        "description": _text(message.description),
        "facts": [
            {"label": fact.label, "value": _text(one_line(fact.value))} for fact in message.facts
        ],
        "problems": [
            {key: _text(value) if isinstance(value, str) else value for key, value in row.items()}
            for row in map(_problem, message.problems, message.traces)
        ],
        "more_problems": message.more_problems,
        "links": [asdict(link) for link in message.links],
    }


def _problem(problem: ShownProblem, trace: str) -> dict[str, Any]:
    return asdict(problem) | {"trace": trace}


def _entry(entry: Entry) -> dict[str, Any]:
    return {"kind": entry.kind.value, "text": _text(one_line(entry.line))}


def _text(text: str) -> str:
    return clean(text)[:_LONGEST_TEXT]


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
