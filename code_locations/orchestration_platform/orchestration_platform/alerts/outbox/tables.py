"""The tables of the outbox, in the database of the Dagster instance."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
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

METADATA = MetaData()

LONGEST_PARTITION = 400

_ID = BigInteger().with_variant(Integer, "sqlite")

# How far each source was read, or what is known of its state. Times are seconds since 1970, here
# and everywhere below.
POSITIONS = Table(
    "alert_positions",
    METADATA,
    Column("name", String(100), primary_key=True),
    Column("marks", Text, nullable=False),
)

# One failure that goes on: one message with its thread. `facts` is the first failure, `latest` the
# last one, as JSON. `version` grows whenever the message has to say something else. It is escalated
# at `escalates_at`, was so `escalations` times, last at `escalated_at`, and who has taken it on is
# `acknowledged_by`, with commas.
INCIDENTS = Table(
    "alert_incidents",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("policy", String(100), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("location", String(255), nullable=False),
    Column("subject", Text, nullable=False),
    Column("event_type", String(50), nullable=False),
    Column("destination", String(400), nullable=False),
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
    Index("alert_incidents_by_event_type", "event_type", "recovered_at"),
)

# What has to succeed before an incident is over: its partitions, or "" without partitions.
OUTSTANDING = Table(
    "alert_outstanding",
    METADATA,
    Column("incident_id", ForeignKey("alert_incidents.id", ondelete="CASCADE"), primary_key=True),
    Column("partition", String(LONGEST_PARTITION), primary_key=True),
    Column("failed_at", Float, nullable=False),
)

# Each thing that a policy covers, once: of a failed run the key is its id. `state` says what became
# of it. Without a policy, a run whose log was read.
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
    UniqueConstraint("policy", "key"),
    Index("alert_occurrences_by_chain", "policy", "chain"),
    Index("alert_occurrences_by_state", "state"),
)

# What is to be told. `head_id` of an entry is the message that it belongs to, `sent_version` of a
# head the version that the service has, and `ts` the service's name of the message. A claim that
# was not given back belongs to a process that died: the service may or may not have the message.
# Before `held_until`, the end of quiet hours, it is not sent.
MESSAGES = Table(
    "alert_messages",
    METADATA,
    Column("id", _ID, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, unique=True),
    Column("incident_id", ForeignKey("alert_incidents.id", ondelete="CASCADE"), nullable=False),
    Column("destination", String(400), nullable=False),
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
    Column("ts", String(400)),
    Column("error", Text),
    Index("alert_messages_by_state", "state"),
    Index("alert_messages_by_incident", "incident_id"),
)

# Who an owner is in Slack; without `member_id` Slack knows nobody of that address.
MEMBERS = Table(
    "alert_members",
    METADATA,
    Column("owner", String(400), primary_key=True),
    Column("member_id", String(50)),
    Column("asked_at", Float, nullable=False),
)

# When a destination may be used next, and why not before.
CHANNELS = Table(
    "alert_channels",
    METADATA,
    Column("name", String(400), primary_key=True),
    Column("channel_id", String(100)),
    Column("next_call_at", Float, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("reason", Text),
)
