"""Which runs a policy covers, and what is said of a file that is wrong."""

from pathlib import Path

import pytest

from orchestration_platform.alerts.policies import Policy, load_policies, schema_text
from shared_lib.validated_yaml import ConfigurationError

VALID = """\
alert_policies:
  - name: ml failures
    description: For the team.
    enabled: true
    event_types: [JOB_FAILURE]
    alert_targets:
      - run_result_target:
          jobs:
            - {location_name: simulation, repo_name: __repository__, job_name: five_years}
          tags:
            - {key: team, value: ml}
    notification_service:
      slack: {slack_workspace_name: example, slack_channel_name: ml-alerts}
    policy_options: {include_description_in_notification: true}
"""


def load(tmp_path: Path, text: str) -> list[Policy]:
    path = tmp_path / "alert_policies.yaml"
    path.write_text(text, encoding="utf-8")
    return load_policies(path)


def test_the_shipped_policy_covers_every_run_and_goes_to_the_channel_of_the_environment() -> None:
    [policy] = load_policies()
    assert policy.name == "slack_on_run_failure"
    assert policy.notification_service.slack.slack_channel_name is None
    assert policy.covers(location="any", job_name="any", tags={})


def test_a_policy_as_dagster_plus_writes_it_covers_what_fits_all_that_it_says(
    tmp_path: Path,
) -> None:
    [policy] = load(tmp_path, VALID)
    meant = {"location": "simulation", "job_name": "five_years", "tags": {"team": "ml", "x": "y"}}
    assert policy.covers(**meant)
    assert not policy.covers(**{**meant, "location": "gocardless"})
    assert not policy.covers(**{**meant, "job_name": "other"})
    assert not policy.covers(**{**meant, "tags": {"team": "finance"}})


def test_a_policy_that_is_not_enabled_is_left_out(tmp_path: Path) -> None:
    assert load(tmp_path, VALID.replace("enabled: true", "enabled: false")) == []


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (
            "[JOB_FAILURE]",
            "[JOB_FAILED]",
            "alert_policies.yaml:5: alert_policies.0.event_types.0: 'JOB_FAILED' is not allowed, "
            "allowed is one of: JOB_FAILURE",
        ),
        ("    enabled: true\n", "", "alert_policies.0.enabled: missing, required is true or false"),
        ("run_result_target", "run_target", "run_target: unknown key, allowed is one of: run_res"),
        (
            "slack_channel_name: ml-alerts",
            "slack_channel_name: '@all'",
            "slack_channel_name: '@all'",
        ),
        (
            "policy_options: {",
            "policy_options: {announce: late, ",
            "first_failure, retries_exhausted",
        ),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_is_allowed(
    right: str, wrong: str, expected: str, tmp_path: Path
) -> None:
    assert right in VALID
    with pytest.raises(ConfigurationError) as refused:
        load(tmp_path, VALID.replace(right, wrong, 1))
    assert expected in str(refused.value)


def test_two_policies_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = VALID + VALID.removeprefix("alert_policies:\n")
    with pytest.raises(ConfigurationError, match="more than one policy is named ml failures"):
        load(tmp_path, twice)


def test_the_schema_describes_every_field() -> None:
    schema = schema_text()
    assert '"run_result_target"' in schema
    assert '"retries_exhausted"' in schema
