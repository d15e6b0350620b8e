"""The state of the Dagster instance: its daemons and its recent runs."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import requests

from orchestration_platform.health.storage import sizes_by_entry
from shared_lib.configuration.environment import (
    UI_URL_VARIABLE,
    EnvironmentSettings,
    current_settings,
)
from shared_lib.dagster_client.errors import WebserverConfigurationError
from shared_lib.dagster_client.webserver import Webserver, current_webserver

WINDOW = timedelta(hours=24)

# the page itself takes less than 2 s
_ANSWER_SECONDS = 10.0
_MOST_ROWS = 50
_ATTENTION = dg.TableSchema(
    columns=[
        dg.TableColumn(name)
        for name in (
            "state", "kind", "name", "location", "why", "since", "last_good", "owners", "incident",
            "taken_by", "run",
        )
    ]
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class PlatformHealth:
    """The result of an examination.

    Attributes:
        runs: the number of runs in each status, over the last 24 hours.
        unhealthy_daemons: required daemons without a recent heartbeat.
    """

    runs: Mapping[str, int]
    unhealthy_daemons: tuple[str, ...]


def examine(instance: dg.DagsterInstance, *, now: datetime) -> PlatformHealth:
    """Examine the instance's daemons and its runs since 24 hours before ``now``."""
    since = now - WINDOW
    counts = {
        status.value: instance.get_runs_count(dg.RunsFilter(statuses=[status], created_after=since))
        for status in dg.DagsterRunStatus
    }
    daemons = instance.get_daemon_statuses()
    return PlatformHealth(
        runs={status: count for status, count in counts.items() if count},
        unhealthy_daemons=tuple(
            sorted(
                name for name, status in daemons.items() if status.required and not status.healthy
            )
        ),
    )


def save_board(settings: EnvironmentSettings) -> dict[str, dg.MetadataValue]:
    """Save the board as a page that needs no server; return where both are, and the worst of it.

    The webserver writes the page, because it alone knows the assets of all code locations.
    """
    board = f"{settings.ui_url}/board"
    metadata: dict[str, dg.MetadataValue] = {"board": dg.MetadataValue.url(board)}
    server = os.environ.get(UI_URL_VARIABLE, settings.ui_url).rstrip("/")
    try:
        webserver = current_webserver()
        page = _fetched(webserver, f"{server}/board?saved").content
        found = _fetched(webserver, f"{server}/board.json").json()
    except WebserverConfigurationError as error:
        return metadata | {"saved_board": dg.MetadataValue.text(f"not saved: {error}")}
    except requests.RequestException as error:
        reason = f"not saved: the webserver at {server} does not answer ({type(error).__name__})"
        return metadata | {"saved_board": dg.MetadataValue.text(reason)}
    path = settings.report_directory / "board.html"
    _write_atomically(path, page)
    columns = [column.name for column in _ATTENTION.columns]
    # what another row has caused is on the page
    causes = [row for row in found["attention"] if not row["cause"]]
    rows = [dg.TableRecord({name: row[name] for name in columns}) for row in causes[:_MOST_ROWS]]
    return metadata | {
        "saved_board": dg.MetadataValue.path(path),
        "state": dg.MetadataValue.text(found["headline"]),
        "needs_attention": dg.MetadataValue.table(rows, schema=_ATTENTION),
    }


def _fetched(webserver: Webserver, url: str) -> requests.Response:
    answer = requests.get(
        url,
        headers=dict([webserver.token_value] if webserver.token_value else ()),
        verify=str(webserver.authority_file) if webserver.authority_file else True,
        # a redirect would send the token to its target
        allow_redirects=False,
        timeout=_ANSWER_SECONDS,
    )
    answer.raise_for_status()
    if answer.is_redirect:
        raise requests.HTTPError("a redirect, as to a login")
    return answer


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    scratch.write_bytes(content)
    scratch.replace(path)


@dg.asset(
    check_specs=[
        dg.AssetCheckSpec(
            "daemons_alive",
            asset="platform_health",
            description="Every daemon that the instance needs has sent a recent heartbeat.",
        )
    ],
)
def platform_health(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Daemon heartbeats and the runs of the last 24 hours, of all code locations."""
    settings = current_settings()
    health = examine(context.instance, now=datetime.now(UTC))
    missing = ", ".join(health.unhealthy_daemons)
    return dg.MaterializeResult(
        metadata={
            "runs_in_24_hours": dg.MetadataValue.json(dict(health.runs)),
            "unhealthy_daemons": missing or "none",
            **sizes_by_entry(context.instance, settings.data_directory),
            **save_board(settings),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="daemons_alive",
                passed=not health.unhealthy_daemons,
                description=(
                    f"no recent heartbeat of {missing}: is dagster-daemon running?"
                    if missing
                    else "every required daemon has sent a recent heartbeat"
                ),
            )
        ],
    )
