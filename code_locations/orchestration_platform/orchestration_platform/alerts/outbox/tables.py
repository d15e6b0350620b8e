"""The tables of the outbox, in the database of the Dagster instance."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from orchestration_platform.alerts.services.protocol.destination import LONGEST_ADDRESS, Destination

METADATA = MetaData()

LONGEST_PARTITION = 400

_ID = BigInteger().with_variant(Integer, "sqlite")

# How far each source was read, or its last known state. All times here are seconds since 1970.
CURSORS = Table(
    "alert_cursors",
    METADATA,
    Column("name", String(100), primary_key=True),
    Column("value", Text, nullable=False),
)

# A failure that continues. `service` and `address` are the destination of the policy. `facts` is
# the first failure and `latest` the last, as JSON. `version` grows whenever the message changes.
# The incident is escalated at `escalates_at`, has been `escalations` times, and last was at
# `escalated_at`. `acknowledged_by` lists the people who have acknowledged it, with commas.
INCIDENTS = Table(
    "alert_incidents",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("policy", String(100), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("location", String(255), nullable=False),
    Column("subject", Text, nullable=False),
    Column("event_type", String(50), nullable=False),
    Column("service", String(50), nullable=False),
    Column("address", String(LONGEST_ADDRESS), nullable=False),
    Column("first_at", Float, nullable=False),
    Column("last_at", Float, nullable=False),
    Column("occurrences", Integer, nullable=False),
    Column("facts", Text, nullable=False),
    Column("latest", Text, nullable=False),
    Column("recovered_at", Float),
    Column("version", Integer, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("last_entry_at", Float, nullable=False),
    Column("escalates_at", Float),
    Column("escalated_at", Float),
    Column("escalations", Integer, nullable=False, default=0),
    Column("acknowledged_at", Float),
    Column("acknowledged_by", Text),
    Index("alert_incidents_by_escalation", "escalates_at"),
    Index("alert_incidents_by_kind", "policy", "fingerprint"),
    Index("alert_incidents_by_fingerprint", "fingerprint"),
    Index("alert_incidents_by_event_type", "event_type", "recovered_at"),
)

# Policies that report an incident too, at the same place; `policy` of the incident is the one whose
# escalation applies.
FURTHER_POLICIES = Table(
    "alert_further_policies",
    METADATA,
    Column("incident_id", ForeignKey("alert_incidents.id", ondelete="CASCADE"), primary_key=True),
    Column("policy", String(100), primary_key=True),
    Index("alert_further_policies_by_policy", "policy"),
)

# The partitions that must succeed before an incident is over; "" without partitions.
OUTSTANDING = Table(
    "alert_outstanding",
    METADATA,
    Column("incident_id", ForeignKey("alert_incidents.id", ondelete="CASCADE"), primary_key=True),
    Column("partition", String(LONGEST_PARTITION), primary_key=True),
    Column("failed_at", Float, nullable=False),
)

# Each event that a policy covers, once, with its `state`; the key of a failed run is the run's id.
# A row without a policy is a run whose log has been read. `cause_id` is the incident that explains
# it, so that it was not reported, and it was at `released_at` if that incident was over then.
OCCURRENCES = Table(
    "alert_occurrences",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("policy", String(100), nullable=False),
    Column("key", String(100), nullable=False),
    Column("chain", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("incident_id", _ID),
    Column("at", Float, nullable=False),
    Column("facts", Text),
    Column("cause_id", _ID),
    Column("released_at", Float),
    UniqueConstraint("policy", "key"),
    Index("alert_occurrences_by_chain", "policy", "chain"),
    Index("alert_occurrences_by_state", "state"),
    Index("alert_occurrences_by_cause", "cause_id"),
    Index("alert_occurrences_by_incident", "incident_id"),
)

# What a destination receives about an incident: its message (`kind` head), or an entry below the
# message `head_id`. `sent_version` is the version of a head that the service has, and `reference`
# the service's own id of the message. A row that is still claimed after `claimed_until` belongs to
# a process that has died: the service may or may not have the message. It is not sent before
# `held_until`, the end of quiet hours. A head that a person redirected has the head at the other
# destination as `head_id`. `mute_id` is the mute that suppresses it, and `cause_id` the incident
# that does, while its own incident is open.
MESSAGES = Table(
    "alert_messages",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("incident_id", ForeignKey("alert_incidents.id", ondelete="CASCADE"), nullable=False),
    Column("service", String(50), nullable=False),
    Column("address", String(LONGEST_ADDRESS), nullable=False),
    Column("kind", String(10), nullable=False),
    Column("head_id", _ID),
    Column("body", Text),
    Column("state", String(10), nullable=False),
    Column("sent_version", Integer, nullable=False),
    Column("plain", Boolean, nullable=False),
    Column("unsure", Boolean, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_attempt_at", Float),
    Column("claimed_until", Float),
    Column("created_at", Float, nullable=False),
    Column("held_until", Float),
    Column("delivered_at", Float),
    Column("reference", String(400)),
    Column("error", Text),
    Column("mute_id", _ID),
    Column("cause_id", _ID),
    Index("alert_messages_by_state", "state"),
    Index("alert_messages_by_incident", "incident_id"),
    Index("alert_messages_by_mute", "mute_id"),
    Index("alert_messages_by_cause", "cause_id"),
)

# A message to one recipient, for services that notify several. `note` is why it goes there, and
# `error` why the service refused the recipient last.
DELIVERIES = Table(
    "alert_deliveries",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("message_id", ForeignKey("alert_messages.id", ondelete="CASCADE"), nullable=False),
    Column("recipient", String(LONGEST_ADDRESS), nullable=False),
    Column("state", String(10), nullable=False),
    Column("note", Text),
    Column("error", Text),
    UniqueConstraint("message_id", "recipient"),
)

# The users of a service that owners of assets are; without `user_id` it has none for this owner.
USERS = Table(
    "alert_users",
    METADATA,
    Column("service", String(50), primary_key=True),
    Column("owner", String(400), primary_key=True),
    Column("user_id", String(50)),
    Column("asked_at", Float, nullable=False),
)

# When an address may be used next, and if later than usual, why. `place` is the service's own id of
# the address. An address that is a recipient among others has refused everything since
# `refused_since`, and last at `refused_at`.
ADDRESSES = Table(
    "alert_addresses",
    METADATA,
    Column("service", String(50), primary_key=True),
    Column("address", String(LONGEST_ADDRESS), primary_key=True),
    Column("place", String(100)),
    Column("next_call_at", Float, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("reason", Text),
    Column("refused_since", Float),
    Column("refused_at", Float),
)

# What people did by hand, each action once. `person` is the name that was entered, or the login
# name of the operating system. `target` is what was meant, by name; an action on an incident also
# has `incident_id`. `reason` is empty if none was entered.
ACTIONS = Table(
    "alert_actions",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("person", String(100), nullable=False),
    Column("action", String(20), nullable=False),
    Column("target", Text, nullable=False),
    Column("incident_id", ForeignKey("alert_incidents.id", ondelete="CASCADE")),
    Column("reason", Text, nullable=False),
    Index("alert_actions_by_incident", "incident_id"),
)

# The presses of buttons below messages that were applied lately, by the service's id of the press.
PRESSES = Table(
    "alert_presses",
    METADATA,
    Column("id", String(100), primary_key=True),
    Column("at", Float, nullable=False),
)

# For a while nobody is notified of what these name; an empty name is any. `ended_at` is set if a
# person has ended the mute before `muted_until`, and `ended_by` is who that was, and why.
MUTES = Table(
    "alert_mutes",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("policy", String(100), nullable=False),
    Column("location", String(255), nullable=False),
    Column("job", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("person", String(100), nullable=False),
    Column("reason", Text, nullable=False),
    Column("muted_at", Float, nullable=False),
    Column("muted_until", Float, nullable=False),
    Column("ended_at", Float),
    Column("ended_by", Text, nullable=False),
    Index("alert_mutes_by_end", "muted_until"),
)


def is_at(table: Table, destination: Destination) -> ColumnElement[bool]:
    """Whether a row of ``table`` has this service and address."""
    return (table.c.service == destination.service) & (table.c.address == destination.address)


def destination_of(row: Any) -> Destination:
    """The destination in the columns ``service`` and ``address`` of a row."""
    return Destination(row["service"], row["address"])
