"""The daemon, killed repeatedly in the middle of a delivery; on Postgres, as in production."""

import time
from dataclasses import dataclass

from bench.orchestration_platform.alerts import lost_and_doubled, postgres_instance

KILLS = 200


@dataclass(frozen=True)
class DaemonKills:
    """The daemon and its code server, killed at each stage of a delivery in turn.

    Attributes:
        kills: how often they were killed.
        lost: failures that were never delivered, in the channel or in their thread.
        doubled: surplus messages.
        seconds: the total, including the deliveries that the last daemon caught up on.
    """

    kills: int
    lost: int
    doubled: int
    seconds: float


def measure_daemon_kills(*, kills: int = KILLS) -> DaemonKills:
    """Kill it ``kills`` times, each with a failure to deliver; a start takes ten seconds."""
    from tests.integration.orchestration_platform.alerts.kills.test_kills_of_the_daemon import (
        kill_the_daemon,
    )

    from orchestration_platform.alerts.facts.timing import TIMING
    from sandboxes.slack.server import slack_server

    started = time.perf_counter()
    with postgres_instance() as instance, slack_server() as slack:
        kill_the_daemon(instance, slack, kills=kills, timing=TIMING)
        lost, doubled = lost_and_doubled(slack, kills=kills)
    taken = time.perf_counter() - started
    return DaemonKills(kills=kills, lost=lost, doubled=doubled, seconds=taken)
