"""Every shipped check and freshness policy reaches somebody."""

import importlib
from collections.abc import Iterator

import dagster as dg
import pytest

from orchestration_platform.alerts.facts.alert import Alert, Severity
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.policies.policy import Policy, load_file, load_policies
from shared_lib.definitions_check import workspace_modules

OF_CHECKS = (
    EventType.ASSET_CHECK_SEVERITY_WARN,
    EventType.ASSET_CHECK_SEVERITY_ERROR,
    EventType.ASSET_CHECK_EXECUTION_FAILURE,
)
OF_FRESHNESS = (EventType.ASSET_FRESHNESS_WARN, EventType.ASSET_FRESHNESS_FAIL)


class UnknownWorkspace:
    """A workspace whose groups and owners cannot be asked for."""

    def in_group(self, asset: str, *, group: str, location: str) -> bool:
        raise AssertionError(f"{asset} of {group} of {location}: a policy needs a webserver")

    def selected(self, asset: str, selection: str) -> bool:
        raise AssertionError(f"{asset} of {selection}: a policy needs a webserver")


def events() -> Iterator[tuple[str, str, str, EventType]]:
    """Each event of a check or freshness policy of the shipped locations."""
    for location, module in workspace_modules().items():
        definitions: dg.Definitions = importlib.import_module(module).defs
        graph = definitions.resolve_asset_graph()
        for check in graph.asset_check_keys:
            for event_type in OF_CHECKS:
                yield location, check.asset_key.to_user_string(), check.name, event_type
        for key in graph.get_all_asset_keys():
            for event_type in OF_FRESHNESS if graph.get(key).freshness_policy else ():
                yield location, key.to_user_string(), key.to_user_string(), event_type


def unheard(policies: list[Policy]) -> list[str]:
    """The events that no policy covers."""
    return [
        f"{event_type} of {subject} of {asset}"
        for location, asset, subject, event_type in events()
        if not any(
            policy.covers(
                Alert(
                    event_type=event_type, severity=Severity.ERROR, kind="Asset check",
                    subject=subject, at=0.0, location=location, assets=(asset,),
                ),
                {},
                UnknownWorkspace(),
            )
            for policy in policies
        )
    ]  # fmt: skip


def test_every_check_and_every_breach_of_freshness_reaches_a_policy() -> None:
    assert unheard(load_policies()) == []


@pytest.mark.parametrize("left_out", ["slack_on_failing_check", "slack_on_stale_asset"])
def test_each_of_the_two_policies_is_needed(left_out: str) -> None:
    assert unheard([policy for policy in load_policies() if policy.name != left_out])


def test_a_shipped_policy_shows_how_to_escalate() -> None:
    assert any(policy.can_escalate for policy in load_file().alert_policies)
