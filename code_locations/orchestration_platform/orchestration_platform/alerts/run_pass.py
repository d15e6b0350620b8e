"""One pass: read what has happened and send what is due."""

from collections.abc import Sequence

import dagster as dg

from orchestration_platform.alerts import stages
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.workspace.webserver import Workspace
from shared_lib.configuration.environment import current_settings

# In this order. An error in a stage ends the pass, and the tick fails with it.
STAGES = (
    stages.follow_clock,
    stages.report_unmuted,  # outbox -> outbox
    stages.collect,  # sources -> policies -> outbox
    stages.inhibit,  # outbox -> outbox
    stages.escalate,  # outbox -> outbox
    stages.deliver,  # outbox -> messages -> services
    stages.check_secrets,
    stages.look_up_owners,
    stages.prune,
    stages.raise_errors,  # of sources; the rest needs a pass that has read everything
    stages.look_at_outbox,
    stages.send_heartbeat,
)


def run_pass(
    instance: dg.DagsterInstance,
    *,
    policies: Sequence[Policy],
    services: Services,
    memory: Memory,
    keep_days: float = 90.0,
    timing: Timing = TIMING,
) -> stages.Pass:
    """Put new failures into the outbox, send what is due and delete what is old.

    Args:
        instance: the Dagster instance.
        policies: the policies in force.
        services: the services that notify people.
        memory: the memory of the process, the same for all its passes.
        keep_days: days after which what is over is deleted.
        timing: how long to wait for what.

    Raises:
        UnknownEnvironmentError: ``DAGSTER_ENVIRONMENT`` is not an environment.
        ExceptionGroup: a source could not be read. Everything else that was due has been sent.
    """
    problems: list[str] = []
    current = stages.Pass(
        instance=instance,
        policies=policies,
        services=services,
        settings=current_settings(),
        memory=memory,
        database=memory.database_of(instance),
        workspace=Workspace(memory.assets, problems),
        keep_days=keep_days,
        timing=timing,
        problems=problems,
    )
    try:
        for stage in STAGES:
            stage(current)
    finally:
        current.database.close()
    return current
