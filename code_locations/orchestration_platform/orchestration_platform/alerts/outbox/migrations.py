"""Changes to the outbox's tables, for databases that an earlier release created.

A change to ``tables.py`` needs a migration here, unless it only adds a table.
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from shared_lib.storage.migrations import Migration

# `{service}` and `{address}` are the two parts of the text `destination`, such as slack:#data.
_SMALL_TABLES = """
create table alert_cursors (
    name varchar(100) not null primary key,
    value text not null
);
insert into alert_cursors (name, value)
select case name when 'members' then 'users of slack' else name end, marks
from alert_positions;
drop table alert_positions;

create table alert_users (
    service varchar(50) not null,
    owner varchar(400) not null,
    user_id varchar(50),
    asked_at float not null,
    primary key (service, owner)
);
insert into alert_users (service, owner, user_id, asked_at)
select 'slack', owner, member_id, asked_at from alert_members;
drop table alert_members;

create table alert_addresses (
    service varchar(50) not null,
    address varchar(400) not null,
    place varchar(100),
    next_call_at float not null,
    failures integer not null,
    reason text,
    primary key (service, address)
);
insert into alert_addresses (service, address, place, next_call_at, failures, reason)
select {service}, {address}, channel_id, next_call_at, failures, reason
from (select alert_channels.*, name as destination from alert_channels) as channels;
drop table alert_channels;
"""

_ON_POSTGRES = """
alter table alert_incidents
    add column service varchar(50),
    add column address varchar(400);
update alert_incidents set service = {service}, address = {address};
alter table alert_incidents
    alter column service set not null,
    alter column address set not null,
    drop column destination;

alter table alert_messages rename column ts to reference;
alter table alert_messages
    add column service varchar(50),
    add column address varchar(400);
update alert_messages set service = {service}, address = {address};
alter table alert_messages
    alter column service set not null,
    alter column address set not null,
    drop column destination;
"""

# SQLite before 3.35 drops no columns, so copies replace the tables.
_ON_SQLITE = """
create table new_incidents (
    id integer not null primary key,
    policy varchar(100) not null,
    fingerprint varchar(64) not null,
    location varchar(255) not null,
    subject text not null,
    event_type varchar(50) not null,
    service varchar(50) not null,
    address varchar(400) not null,
    first_at float not null,
    last_at float not null,
    occurrences integer not null,
    facts text not null,
    latest text not null,
    recovered_at float,
    version integer not null,
    changed_at float not null,
    last_entry_at float not null,
    escalates_at float,
    escalated_at float,
    escalations integer not null,
    acknowledged_at float,
    acknowledged_by text
);
insert into new_incidents
select
    id, policy, fingerprint, location, subject, event_type, {service}, {address},
    first_at, last_at, occurrences, facts, latest, recovered_at, version, changed_at,
    last_entry_at, escalates_at, escalated_at, escalations, acknowledged_at, acknowledged_by
from alert_incidents;

create table new_messages (
    id integer not null primary key,
    "key" varchar(64) not null unique,
    incident_id integer not null references alert_incidents (id) on delete cascade,
    service varchar(50) not null,
    address varchar(400) not null,
    kind varchar(10) not null,
    head_id integer,
    body text,
    state varchar(10) not null,
    sent_version integer not null,
    plain boolean not null,
    unsure boolean not null,
    attempts integer not null,
    first_attempt_at float,
    claimed_until float,
    created_at float not null,
    held_until float,
    delivered_at float,
    reference varchar(400),
    error text
);
insert into new_messages
select
    id, "key", incident_id, {service}, {address}, kind, head_id, body, state, sent_version,
    plain, unsure, attempts, first_attempt_at, claimed_until, created_at, held_until,
    delivered_at, ts, error
from alert_messages;

drop table alert_messages;
drop table alert_incidents;
alter table new_incidents rename to alert_incidents;
alter table new_messages rename to alert_messages;
create index alert_incidents_by_escalation on alert_incidents (escalates_at);
create index alert_incidents_by_kind on alert_incidents (policy, fingerprint);
create index alert_incidents_by_event_type on alert_incidents (event_type, recovered_at);
create index alert_messages_by_state on alert_messages (state);
create index alert_messages_by_incident on alert_messages (incident_id);
"""


def _separate_service_and_address(connection: sa.Connection) -> None:
    """Give the service and the address columns of their own, and tables and columns new names."""
    is_sqlite = connection.dialect.name == "sqlite"
    colon = f"{'instr' if is_sqlite else 'strpos'}(destination, ':')"
    before = f"case {colon} when 0 then destination else substr(destination, 1, {colon} - 1) end"
    parts = {
        # someone may have written a text that names no service and is longer than any name
        "service": f"substr({before}, 1, 50)",
        "address": f"case {colon} when 0 then '' else substr(destination, {colon} + 1) end",
    }
    script = (_ON_SQLITE if is_sqlite else _ON_POSTGRES) + _SMALL_TABLES
    for statement in script.format(**parts).split(";"):
        if statement.strip():
            connection.exec_driver_sql(statement)


def _remember_refusals(connection: sa.Connection) -> None:
    """Since when, and when last, an address has refused everything."""
    for column in ("refused_since", "refused_at"):
        connection.exec_driver_sql(f"alter table alert_addresses add column {column} float")


def _remember_mutes(connection: sa.Connection) -> None:
    """Which mute suppresses a message."""
    kind = "integer" if connection.dialect.name == "sqlite" else "bigint"
    connection.exec_driver_sql(f"alter table alert_messages add column mute_id {kind}")
    connection.exec_driver_sql("create index alert_messages_by_mute on alert_messages (mute_id)")


def _remember_causes(connection: sa.Connection) -> None:
    """Which incident explains an occurrence, and suppresses a message."""
    kind = "integer" if connection.dialect.name == "sqlite" else "bigint"
    for statement in (
        f"alter table alert_occurrences add column cause_id {kind}",
        "alter table alert_occurrences add column released_at float",
        "create index alert_occurrences_by_cause on alert_occurrences (cause_id)",
        "create index alert_occurrences_by_incident on alert_occurrences (incident_id)",
        f"alter table alert_messages add column cause_id {kind}",
        "create index alert_messages_by_cause on alert_messages (cause_id)",
    ):
        connection.exec_driver_sql(statement)


def _find_by_fingerprint(connection: sa.Connection) -> None:
    """An incident is found by its failure, whichever policies report it."""
    connection.exec_driver_sql(
        "create index alert_incidents_by_fingerprint on alert_incidents (fingerprint)"
    )


_FURTHER_POLICIES = """
create table if not exists alert_further_policies (
    incident_id {integer} not null references alert_incidents (id) on delete cascade,
    policy varchar(100) not null,
    primary key (incident_id, policy)
);
create index if not exists alert_further_policies_by_policy on alert_further_policies (policy)
"""

# The open incidents of one failure at one place, the newest last.
_OPEN_TWICE = """
select incidents.id, incidents.policy, incidents.fingerprint, incidents.service,
    incidents.address, incidents.escalates_at, incidents.escalated_at, incidents.escalations,
    incidents.acknowledged_at
from alert_incidents as incidents
inner join alert_incidents as others
    on others.fingerprint = incidents.fingerprint
    and others.service = incidents.service
    and others.address = incidents.address
    and others.id <> incidents.id
where incidents.recovered_at is null and others.recovered_at is null
group by incidents.id
order by incidents.id
"""


def _escalate_once(connection: sa.Connection) -> None:
    """Let the newest incident of a failure escalate for all policies that report it at its place.

    Earlier releases opened one for each policy, and each of them escalated.
    """
    kind = "integer" if connection.dialect.name == "sqlite" else "bigint"
    for statement in _FURTHER_POLICIES.format(integer=kind).split(";"):
        connection.exec_driver_sql(statement)
    groups: dict[tuple[str, ...], list[Any]] = {}
    for row in connection.execute(sa.text(_OPEN_TWICE)):
        groups.setdefault((row.fingerprint, row.service, row.address), []).append(row)
    for rows in groups.values():
        newest = rows[-1]
        is_acknowledged = any(row.acknowledged_at is not None for row in rows)
        # whom the first escalation called, no other one calls again
        begun = [row for row in rows if row.escalations] or rows
        due = [row for row in begun if row.escalates_at is not None and not is_acknowledged]
        first = min(due, key=lambda row: row.escalates_at, default=None)
        escalated = [row.escalated_at for row in rows if row.escalated_at is not None]
        escalation = {
            "id": newest.id,
            "policy": first.policy if first else newest.policy,
            "escalates_at": first.escalates_at if first else None,
            "escalated_at": max(escalated, default=None),
            "escalations": max(row.escalations for row in rows),
        }
        connection.execute(
            sa.text(
                "update alert_incidents set policy = :policy, escalates_at = :escalates_at,"
                " escalated_at = :escalated_at, escalations = :escalations where id = :id"
            ),
            escalation,
        )
        for row in rows[:-1]:
            connection.execute(
                sa.text("update alert_incidents set escalates_at = null where id = :id"),
                {"id": row.id},
            )
        for policy in dict.fromkeys(row.policy for row in rows):
            connection.execute(
                sa.text(
                    "insert into alert_further_policies (incident_id, policy)"
                    " values (:id, :policy) on conflict do nothing"
                ),
                {"id": newest.id, "policy": policy},
            )


MIGRATIONS: Sequence[Migration[sa.Connection]] = (
    Migration("separate_service_and_address", _separate_service_and_address, is_additive=False),
    Migration("remember_refusals", _remember_refusals, is_additive=True),
    Migration("remember_mutes", _remember_mutes, is_additive=True),
    Migration("remember_causes", _remember_causes, is_additive=True),
    Migration("find_by_fingerprint", _find_by_fingerprint, is_additive=True),
    Migration("escalate_once", _escalate_once, is_additive=True),
)
