"""The board as HTML pages that need nothing else."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

import jinja2

from orchestration_platform.alerts.outbox.messages import (
    DELIVERED,
    FAILED,
    SUPPRESSED,
    WAITING,
)
from orchestration_platform.board.asset_health import AssetHealth
from orchestration_platform.board.attention import Attention
from orchestration_platform.board.board import Board
from orchestration_platform.board.health import Health
from orchestration_platform.board.history.check_window import Checks
from orchestration_platform.board.history.job_history import ASSET_JOB, Day
from orchestration_platform.board.history.materializations import AssetHistory, Materializations
from orchestration_platform.board.pages import wording
from orchestration_platform.board.pages.asset_detail import AssetDetail
from orchestration_platform.board.pages.hand import Hands
from orchestration_platform.board.pages.job_detail import JobDetail

# of a table that may name every asset
_MOST_ROWS = 20
# in the address of the page of a job whose runs name no location
NO_LOCATION = "-"
_REFRESH_SECONDS = 60
# what is linked; a text, or another scheme, is shown
_ADDRESS = re.compile(r"https?://[^\s<>|]+")
# of messages: those of each destination that are not there count as 0
_STATES = (WAITING, DELIVERED, SUPPRESSED, FAILED)

_TEMPLATES = jinja2.Environment(
    loader=jinja2.PackageLoader("orchestration_platform.board.pages", ""),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def page(board: Board, *, ui_url: str = "", is_file: bool = False) -> str:
    """Return the board, which loads itself again every minute unless it is a file.

    Args:
        board: what it shows.
        ui_url: where Dagster's UI is; empty if the page is served beside it.
        is_file: it is to be saved.
    """
    return _TEMPLATES.get_template("board.html.j2").render(
        board=board,
        headline=wording.headline(board),
        groups=_groups(board.assets),
        slowest=_slowest(board.history),
        counted=_counted(board.history),
        watched=_watched(board.assets),
        checks=_checks(board.checks),
        published=[row for asset in board.assets for row in _published(asset)],
        costs=sorted(board.costs.items(), key=lambda one: -one[1]["seconds"])[:_MOST_ROWS],
        costly=_costly(board.history),
        storage=_storage(board.history),
        states=[*_STATES, *sorted(board.alerts.messages.keys() - {*_STATES})],
        taken_by=wording.taken_by,
        link=lambda item: _link(item, ui_url),
        **_common(board.at, ui_url, None if is_file else _REFRESH_SECONDS),
    )


def incident_page(
    incident: Mapping[str, Any],
    *,
    now: datetime,
    problem: str = "",
    reason: str = "",
) -> str:
    """Return the page of one incident, on which people acknowledge and resolve it.

    Args:
        incident: as the control of the alerts shows it.
        now: the moment.
        problem: why the last action was refused.
        reason: what was entered then.
    """
    is_severe = incident["severity"] in ("error", "critical")
    state = Health.DEGRADED if is_severe else Health.WARNING
    if incident["recovered_at"]:
        state = Health.HEALTHY
    return _TEMPLATES.get_template("incident.html.j2").render(
        incident=incident,
        state=state.word.lower(),
        problem=problem,
        reason=reason,
        mute=_mute(incident),
        **_common(now, "", None),
    )


def _mute(incident: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what fills in the form to mute what an incident is about."""
    is_of_job = incident["event_type"].startswith("JOB_")
    named = {"job": incident["subject"]} if is_of_job else {"policy": incident["policy"]}
    return {**named, "location": incident["location"]}


def alerts_page(
    hands: Hands,
    names: Mapping[str, Sequence[str]],
    fields: Mapping[str, str],
    *,
    now: datetime,
    problem: str = "",
    done: str = "",
) -> str:
    """Return the page on which people mute, drop, redirect and test.

    Args:
        hands: what there is to act on.
        names: the jobs, policies and locations that there are, by kind.
        fields: what is entered in the forms.
        now: the moment.
        problem: why the last action was refused.
        done: what the last action did.
    """
    return _TEMPLATES.get_template("alerts.html.j2").render(
        hands=hands,
        names=names,
        fields=defaultdict(str, fields),
        problem=problem,
        done=done,
        **_common(now, "", None),
    )


def asset_page(detail: AssetDetail, *, now: datetime) -> str:
    """Return the page of one asset."""
    template = _TEMPLATES.get_template("asset.html.j2")
    return template.render(detail=detail, **_common(now, "", _REFRESH_SECONDS))


def job_page(detail: JobDetail, *, now: datetime) -> str:
    """Return the page of one job."""
    job = detail.history
    in_dagster = _in_dagster(job.location, f"jobs/{quote(job.job, safe='')}", "")
    template = _TEMPLATES.get_template("job.html.j2")
    return template.render(
        detail=detail, job_in_dagster=in_dagster, **_common(now, "", _REFRESH_SECONDS)
    )


def _in_dagster(location: str, path: str, ui_url: str) -> str:
    return f"{ui_url}/locations/__repository__@{quote(location, safe='')}/{path}"


def _common(now: datetime, ui_url: str, refresh_seconds: int | None) -> dict[str, Any]:
    """Return what every page uses."""
    return {
        "Health": Health,
        "ASSET_JOB": ASSET_JOB,
        "ui_url": ui_url,
        "board_url": f"{ui_url}/board",
        "refresh_seconds": refresh_seconds,
        "ago": lambda at: wording.ago(at, now),
        "moment": lambda at: wording.moment(at, now),
        "duration": wording.duration,
        "precise": wording.precise,
        "amount": wording.amount,
        "size": wording.size,
        "number_of": wording.number_of,
        "is_address": lambda text: _ADDRESS.fullmatch(text) is not None,
        "job_name": lambda job: "assets chosen by hand or automation" if job == ASSET_JOB else job,
        "asset_link": lambda name: _asset_link(name, ui_url),
        "mute_link": lambda **subject: f"{ui_url}/board/alerts?{urlencode(subject)}#mute",
        "job_link": lambda location, job: _job_link(location, job, ui_url),
        "run_link": lambda run_id: f"{ui_url}/runs/{quote(run_id, safe='')}",
        "day_state": _day_state,
    }


def _groups(assets: Sequence[AssetHealth]) -> Mapping[tuple[str, str], Sequence[AssetHealth]]:
    found: dict[tuple[str, str], list[AssetHealth]] = {}
    for asset in assets:
        found.setdefault((asset.location, asset.group), []).append(asset)
    return {
        key: sorted(found[key], key=lambda asset: (asset.health, asset.name))
        for key in sorted(found)
    }


def _published(
    asset: AssetHealth,
) -> Iterable[tuple[AssetHealth, str, Sequence[str], Sequence[Sequence[Any]]]]:
    """Yield each table that the asset publishes: with its title, columns and rows."""
    for title, table in asset.tables.items():
        columns = [column.name for column in table.schema.columns]
        rows = [[record.data.get(name) for name in columns] for record in table.records]
        yield asset, title, columns, rows


def _watched(assets: Sequence[AssetHealth]) -> Sequence[AssetHealth]:
    """Return the assets with a freshness policy, the worst and then the oldest first."""
    order = ["fail", "warn", "unknown", "pass"]
    watched = [asset for asset in assets if asset.freshness_limit]
    return sorted(
        watched, key=lambda asset: (order.index(asset.freshness), asset.last_success_at or 0.0)
    )[:_MOST_ROWS]


def _checks(checks: Checks) -> dict[str, Any]:
    """Return how many executions passed, and the checks with the lowest share."""
    worst = sorted(checks.rates.items(), key=lambda one: (one[1].passed / one[1].ended, one[0]))
    return {
        "passed": sum(rate.passed for rate in checks.rates.values()),
        "ended": sum(rate.ended for rate in checks.rates.values()),
        "since": min((rate.since for rate in checks.rates.values()), default=None),
        "worst": [
            ("/".join(json.loads(asset)), check, checks.last[asset, check].status.lower(), rate)
            for (asset, check), rate in worst[:_MOST_ROWS]
            if rate.passed < rate.ended
        ],
    }


def _slowest(history: Materializations) -> Sequence[AssetHistory]:
    timed = [asset for asset in history.assets.values() if asset.seconds]
    return sorted(timed, key=lambda asset: -(asset.p95_seconds or 0.0))[:_MOST_ROWS]


def _costly(history: Materializations) -> Sequence[AssetHistory]:
    """Return the assets that recorded a cost, the longest time and then the most calls first."""
    costly = [asset for asset in history.assets.values() if asset.seconds or asset.amounts]
    return sorted(
        costly, key=lambda asset: (-sum(asset.seconds), -asset.amounts.get("calls", 0.0))
    )[:_MOST_ROWS]


def _storage(history: Materializations) -> Mapping[str, Any]:
    """Return the sizes by day, the newest first, and by how much each has grown a day."""
    days = sorted(history.sizes.items(), reverse=True)
    names = sorted({name for _, sizes in days for name in sizes})
    growth = {}
    for name in names:
        known = [(day, sizes[name]) for day, sizes in days if name in sizes]
        (last, now), (first, then) = known[0], known[-1]
        growth[name] = (now - then) / (last - first).days if last > first else None
    return {"days": days, "names": names, "growth": growth}


def _counted(history: Materializations) -> Sequence[AssetHistory]:
    """Return the assets with a row count, those with an unusual one first."""
    counted = [asset for asset in history.assets.values() if asset.rows is not None]
    return sorted(counted, key=_is_usual)[:_MOST_ROWS]


def _is_usual(asset: AssetHistory) -> bool:
    return asset.band is None or asset.rows is None or asset.band.has(asset.rows)


def _link(item: Attention, ui_url: str) -> str:
    name = quote(item.name, safe="")
    return {
        "Asset": _asset_link(item.name, ui_url),
        "Job": _job_link(item.location, item.name, ui_url),
        "Schedule": _in_dagster(item.location, f"schedules/{name}", ui_url),
        "Run": f"{ui_url}/runs/{quote(item.run_id, safe='')}",
        "Sensor": _in_dagster(item.location, f"sensors/{name}", ui_url),
        "Code location": f"{ui_url}/deployment/locations",
        "Daemon": f"{ui_url}/deployment/daemons",
    }.get(item.kind, "")


def _asset_link(name: str, ui_url: str) -> str:
    return f"{ui_url}/board/assets/{quote(name)}"


def _job_link(location: str, job: str, ui_url: str) -> str:
    return f"{ui_url}/board/jobs/{quote(location or NO_LOCATION, safe='')}/{quote(job, safe='')}"


def _day_state(day: Day) -> tuple[str, str]:
    """Return the class of a day's cell and its description."""
    counts = {
        "failed": day.failed,
        "succeeded": day.succeeded,
        "unfinished": day.unfinished,
        "canceled": day.canceled,
    }
    named = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    state = next((word for word, count in counts.items() if count), "none")
    return state, f"{day.date:%a %d %b}: {named or 'no runs'}"
