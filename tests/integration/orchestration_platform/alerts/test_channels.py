"""Channels that policies name are checked against those of Slack."""

from collections.abc import Sequence

import dagster as dg
import pytest

from orchestration_platform.alerts.outbox_health import alert_channels_exist
from orchestration_platform.alerts.policies import policy
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.services.slack.channels import channel_problems
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from sandboxes.slack.server import TOKEN, SlackServer
from shared_lib.secrets import SecretsResource


def problems(slack: SlackServer, *names: str) -> Sequence[str]:
    return channel_problems(SlackWebApi(api_url=slack.url), TOKEN, names)


def test_each_channel_that_the_bot_cannot_post_to_is_named_with_what_to_do(
    slack: SlackServer,
) -> None:
    slack.channels = {"finance", "old", "empty", "secret"}
    slack.private, slack.archived, slack.not_joined = {"secret"}, {"old"}, {"empty"}
    assert problems(slack, "#finance", "finance", "secret") == []
    assert problems(slack, "#finnance", "old", "empty") == [
        "there is no channel #finnance, did you mean finance?",
        "#old is archived: unarchive it, or name another channel",
        "the bot is not in #empty: invite it",
    ]


def policies() -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"slack": {"slack_channel_name": "#data"}},
        "policy_options": {
            "escalate_after": "1h",
            "escalation_service": {"slack": {"slack_channel_name": "#oncal"}},
        },
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


def checked(slack: SlackServer) -> dg.AssetCheckResult:
    secrets = SecretsResource(location="orchestration_platform")
    api = SlackWebApi(api_url=slack.url, timeout_seconds=2.0)
    result = alert_channels_exist(secrets=secrets, slack=api)
    assert isinstance(result, dg.AssetCheckResult)
    return result


def test_the_check_reads_the_channels_of_all_policies_and_judges_only_what_it_can_see(
    slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    monkeypatch.setattr(policy, "load_policies", policies)
    monkeypatch.delenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", raising=False)
    found = checked(slack)
    assert (found.passed, found.metadata["is_checked"].value) == (True, False)

    monkeypatch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", TOKEN)
    slack.channels = {"data", "oncall"}
    found = checked(slack)
    assert not found.passed
    assert found.description == "there is no channel #oncal, did you mean oncall?"
    slack.channels |= {"oncal"}
    assert checked(slack).passed

    slack.may_read = False
    found = checked(slack)
    assert (found.passed, found.metadata["is_checked"].value) == (True, False)
    assert "missing_scope" in str(found.description)
