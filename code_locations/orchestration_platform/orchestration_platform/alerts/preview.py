"""The message of a failed run, shown without sending it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.message import Incident, Message
from orchestration_platform.alerts.messages.thread import trace_entry
from shared_lib.configuration.environment import EnvironmentSettings

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Preview:
    """A message before it is sent.

    Attributes:
        message: its content.
        alert: what has happened.
        channel: where it would go.
        problems: what could not be determined and would otherwise be part of the message.
    """

    message: Message
    alert: Alert
    channel: str
    problems: Sequence[str] = ()

    def write_page(self, path: Path) -> Path:
        """Write the message, with its thread, the way Slack would show it; return ``path``."""
        from orchestration_platform.alerts.messages.formats.slack import entry_content, head_content
        from orchestration_platform.alerts.messages.formats.slack_page import page

        trace = trace_entry(self.alert)
        thread = [entry_content(trace, mentions={})] if trace else []
        document = page(
            head_content(self.message, mentions={}),
            channel=self.channel,
            at=self.alert.at,
            thread=thread,
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(document, encoding="utf-8")
        return path

    def for_terminal(self) -> "RenderableType":
        """Return the message in rich's form."""
        from rich.panel import Panel
        from rich.text import Text

        from orchestration_platform.alerts.messages import blocks
        from orchestration_platform.alerts.messages.formats.text import laid_out
        from orchestration_platform.alerts.messages.text import clean

        styles = {blocks.Failure: "red", blocks.Note: "dim"}
        title, *shown = blocks.of_message(self.message, blocks.Room())
        parts = [Text(clean(laid_out(part)), styles.get(type(part), "")) for part in shown]
        return Panel(
            Text("\n\n").join(parts),
            title=Text(clean(laid_out(title)), "bold red"),
            subtitle=self.channel,
            title_align="left",
        )


def preview_of(
    instance: dg.DagsterInstance, run_id: str, *, settings: EnvironmentSettings
) -> Preview:
    """Return the message for the failure of a run.

    Args:
        instance: the Dagster instance.
        run_id: the run's id, or a unique beginning of it.
        settings: the settings of the environment.

    Raises:
        LookupError: the instance has no such run or several, or the run has not failed.
        ConfigurationError: the file of policies is wrong.
    """
    from orchestration_platform.alerts.policies.policy import load_policies
    from orchestration_platform.alerts.services.protocol.destination import Destination
    from orchestration_platform.alerts.services.slack.configuration import Slack
    from orchestration_platform.alerts.sources.runs.facts import LastSuccesses
    from orchestration_platform.alerts.sources.runs.failures import read_failure
    from orchestration_platform.alerts.sources.runs.log import RunLog
    from orchestration_platform.alerts.sources.runs.plan import PlanCache
    from orchestration_platform.alerts.workspace.described import described
    from orchestration_platform.alerts.workspace.webserver import Workspace

    run = _run_record(instance, run_id)
    failure = dg.DagsterEventType.RUN_FAILURE
    records = instance.get_records_for_run(run.dagster_run.run_id, of_type=failure).records
    if not records:
        known = f"{run.dagster_run.run_id} (status {run.dagster_run.status.value})"
        raise LookupError(f"the log of run {known} contains no failure")
    log = RunLog(instance, run.dagster_run.run_id, PlanCache())
    alert = read_failure(records[-1].event_log_entry, run, log, LastSuccesses(instance))
    workspace = Workspace()
    channel = Destination(Slack.name, settings.alert_channel)
    policies = [
        policy
        for policy in load_policies()
        if policy.notification_service.destination(settings.alert_channel) == channel
    ]
    alert = described(alert, run.dagster_run.tags, workspace)
    incident = Incident(
        first=alert,
        latest=alert,
        occurrences=1,
        partitions=(alert.partition,) if alert.partition else (),
        partition_count=1 if alert.partition else 0,
        policies=tuple(
            policy.name
            for policy in policies
            if policy.covers(alert, run.dagster_run.tags, workspace)
        ),
    )
    message = head_message(incident, environment=settings.environment.value, ui_url=settings.ui_url)
    return Preview(message, alert, settings.alert_channel, workspace.problems)


def _run_record(instance: dg.DagsterInstance, run_id: str) -> dg.RunRecord:
    """Return the run with that id, or whose id begins with it, as messages shorten it."""
    if not run_id:
        raise LookupError("no run was named: enter its id, or the beginning that the alert shows")
    found = [run_id]
    if instance.get_run_by_id(run_id) is None:
        found = [known for known in instance.get_run_ids() if known.startswith(run_id)]
    if not found:
        raise LookupError(f"there is no run {run_id} in the instance at {instance.root_directory}")
    if len(found) > 1:
        raise LookupError(f"{len(found)} runs begin with {run_id}: enter more of the id")
    return instance.get_run_records(dg.RunsFilter(run_ids=found))[0]
