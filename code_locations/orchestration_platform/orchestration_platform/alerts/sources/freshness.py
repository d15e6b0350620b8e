"""Assets that have become stale or fresh, as reported by Dagster's freshness daemon."""

from collections.abc import Sequence
from functools import partial

import dagster as dg

from orchestration_platform.alerts.facts.alert import UNKNOWN_LOCATION, Alert, Problem
from orchestration_platform.alerts.facts.event_types import FRESHNESS_STATES, EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources.feeds import events
from orchestration_platform.alerts.sources.source import (
    Finding,
    Found,
    Reading,
    Source,
    occurrence_key,
)

# Dagster has two more states, which mean that freshness is unknown.
_STATES = {
    "PASS": EventType.ASSET_FRESHNESS_PASS,
    "WARN": EventType.ASSET_FRESHNESS_WARN,
    "FAIL": EventType.ASSET_FRESHNESS_FAIL,
}
_WORDS = {
    EventType.ASSET_FRESHNESS_WARN: "it is about to be older than its freshness policy allows",
    EventType.ASSET_FRESHNESS_FAIL: "it is older than its freshness policy allows",
}
_NOW: dict[EventType | None, str] = {
    EventType.ASSET_FRESHNESS_PASS: "",
    EventType.ASSET_FRESHNESS_WARN: "it is about to be too old",
    EventType.ASSET_FRESHNESS_FAIL: "it is too old",
    None: "it is not known whether it is fresh",
}


_CHANGE = dg.DagsterEventType.FRESHNESS_STATE_CHANGE


def _changes(reading: Reading, records: Sequence[dg.EventLogRecord]) -> Found:
    found = Found()
    for record in records:
        event = record.event_log_entry.get_dagster_event()
        change = event.asset_freshness_state_change_data
        asset = change.key.to_user_string()
        state = _STATES.get(change.new_state.value)
        if state:
            found.findings.append(_finding(reading, asset, state, record))
        found.recoveries.append(_recovery(asset, state, record))
    return found


FRESHNESS = Source(
    name=_CHANGE.value,
    event_types=tuple(FRESHNESS_STATES),
    read=events.batches_of(partial(events.runless_events, _CHANGE), _changes),
)


def _finding(reading: Reading, asset: str, state: EventType, record: dg.EventLogRecord) -> Finding:
    made = reading.instance.get_latest_materialization_event(dg.AssetKey(asset.split("/")))
    problem = Problem("", "freshness", _WORDS.get(state, ""), "", "")
    return Finding(
        alert=Alert(
            event_type=state.value,
            severity=state.severity,
            kind="Asset",
            subject=asset,
            assets=(asset,),
            at=record.timestamp,
            location=reading.workspace.location_of(asset) or UNKNOWN_LOCATION,
            last_success_at=made.timestamp if made else None,
            problems=(problem,) if state in _WORDS else (),
        ),
        key=occurrence_key(state, str(record.storage_id)),
    )


def _recovery(asset: str, state: EventType | None, record: dg.EventLogRecord) -> Recovery:
    """An asset is in one state at a time: its previous state is over."""
    over = FRESHNESS_STATES - {EventType.ASSET_FRESHNESS_PASS}
    others = over - {state} if state else over
    return Recovery.of_subject(asset, others, at=record.timestamp, instead=_NOW[state])
