"""``message_blocks`` of a policy: what a team adds to its messages, as notes, facts and buttons.

A text may contain placeholders in braces, such as ``{job}``; a brace of its own is written twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from string import Formatter
from typing import Annotated, Self
from urllib.parse import quote

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from orchestration_platform.alerts.messages.message import Fact, Incident, Message
from orchestration_platform.alerts.messages.text import clean
from orchestration_platform.alerts.messages.wording import Link, words
from shared_lib.configuration.section import Section
from shared_lib.discovery.modules import did_you_mean
from shared_lib.secrets import redact

PLACEHOLDERS = (
    "asset", "environment", "error", "event_type", "job", "kind", "location", "partition", "policy",
    "run_id", "severity", "subject",
)  # fmt: skip


def _checked(text: str) -> str:
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}; write a brace of its own twice") from None
    for _, name, form, conversion in parts:
        if name is None:
            continue
        if name not in PLACEHOLDERS:
            near = did_you_mean(name, list(PLACEHOLDERS))
            allowed = ", ".join(PLACEHOLDERS)
            raise ValueError(f"there is no {{{name}}}{near} (allowed: {allowed})")
        if form or conversion:
            raise ValueError(f"{{{name}}} takes no format: write it without ! and :")
    return text


Name = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_checked)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500), AfterValidator(_checked)]
Address = Annotated[
    str,
    StringConstraints(max_length=1000, pattern=r"^https?://[^\s<>|]+$"),
    AfterValidator(_checked),
]


class OwnFact(Section):
    """A line with a label."""

    label: Name = Field(description="Its name.")
    text: Words = Field(description="Its value.")


class OwnButton(Section):
    """A link."""

    label: Name = Field(description="Its name.")
    url: Address = Field(
        description="Its target; values are encoded as parts of an address have to be."
    )


class OwnBlock(Section):
    """One block: exactly one of these."""

    note: Words | None = Field(default=None, description="A text below the problems.")
    fact: OwnFact | None = Field(default=None, description="A line below the facts.")
    button: OwnButton | None = Field(default=None, description="A link below the message.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [name for name in ("note", "fact", "button") if getattr(self, name) is not None]
        if len(given) != 1:
            said = " and ".join(given) or "none"
            raise ValueError(f"{said} set, required is exactly one of: note, fact, button")
        return self


def with_own_blocks(
    message: Message,
    incident: Incident,
    blocks: Mapping[str, Iterable[OwnBlock]],
    *,
    environment: str,
) -> Message:
    """Return ``message`` with what its policies add, each block once.

    Args:
        message: what it says without them.
        incident: what it is about.
        blocks: by policy, those of the policies that report it.
        environment: the name of the environment.
    """
    notes, facts, links = list(message.notes), list(message.facts), list(message.links)
    for policy, own in blocks.items():
        values = _values(message, incident, policy=policy, environment=environment)
        encoded = {name: quote(value, safe="") for name, value in values.items()}
        for block in own:
            if block.note:
                notes.append(block.note.format_map(values))
            if block.fact:
                label = block.fact.label.format_map(values)
                facts.append(Fact(label, (words(block.fact.text.format_map(values)),)))
            if block.button:
                label = block.button.label.format_map(values)
                links.append(Link(label, block.button.url.format_map(encoded)))
    return replace(
        message,
        notes=tuple(dict.fromkeys(notes)),
        facts=tuple(dict.fromkeys(facts)),
        links=tuple(dict.fromkeys(links)),
    )


def _values(
    message: Message, incident: Incident, *, policy: str, environment: str
) -> dict[str, str]:
    """Return the values of the placeholders, without secrets."""
    latest = incident.latest
    values = {
        "asset": latest.failed_asset or "",
        "environment": environment,
        "error": message.reason,
        "event_type": message.event_type,
        "job": latest.job_name,
        "kind": message.kind,
        "location": message.location,
        "partition": latest.partition,
        "policy": policy,
        "run_id": message.run_id,
        "severity": message.severity.value,
        "subject": message.subject,
    }
    return {name: clean(redact(value)) for name, value in values.items()}
