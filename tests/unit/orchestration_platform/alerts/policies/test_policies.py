"""Which runs a policy covers, and the errors of an invalid file."""

from pathlib import Path
from typing import Any

import pytest
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.policies.policy import (
    SCHEMA_FILE,
    AlertPolicies,
    Policy,
    load_policies,
    schema_text,
)
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.workspace.asset_graph import AssetFacts, AssetGraph
from orchestration_platform.alerts.workspace.webserver import Workspace
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import ConfigurationError

DOCUMENTATION = (REPOSITORY_ROOT / "docs/alerts/policies.md").read_text(encoding="utf-8")
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


def test_the_example_of_the_documentation_is_valid(tmp_path: Path) -> None:
    example = DOCUMENTATION.split("```yaml\n")[1].split("```")[0]
    assert [policy.name for policy in load(tmp_path, example)] == [
        "finance_failures", "finance_ticks",
    ]  # fmt: skip


class Known:
    """The assets of a workspace, as the webserver reports them."""

    def __init__(self, *assets: AssetFacts) -> None:
        self.graph = AssetGraph(assets)

    def in_group(self, asset: str, *, group: str, location: str) -> bool:
        found = self.graph.by_key[asset]
        return (found.group, found.location) == (group, location)

    def selected(self, asset: str, selection: str) -> bool:
        return asset in self.graph.select(selection)


def asset(key: str, **changes: Any) -> AssetFacts:
    values: dict[str, Any] = {
        "location": "simulation",
        "group": "marts",
        "owners": (),
        "tags": (),
        "kinds": (),
        "upstream": (),
        "is_made_here": True,
    }
    return AssetFacts(key=key, **{**values, **changes})


KNOWN = Known(
    asset("census", group="raw", owners=("ops@example.com",), is_made_here=False),
    asset("hr/years", upstream=("census",), tags=(("tier", "gold"),), kinds=("dbt",)),
    asset("hr/summary", upstream=("hr/years",), owners=("team:hr",)),
    asset("balances", location="bank"),
)


def policy_of(*event_types: str, **fields: Any) -> Policy:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": event_types,
        "notification_service": {"log": {}},
        **fields,
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).alert_policies[0]


def test_the_shipped_policy_covers_every_run_and_goes_to_the_channel_of_the_environment() -> None:
    policy, *_ = load_policies()
    assert policy.name == "slack_on_run_failure"
    assert policy.notification_service.destination("#here") == Destination("slack", "#here")
    assert policy.covers(failure(), {}, KNOWN)
    assert not policy.covers(failure(event_type="JOB_SUCCESS"), {}, KNOWN)


def test_a_policy_in_the_form_of_dagster_plus_covers_what_matches_all_its_targets(
    tmp_path: Path,
) -> None:
    [policy] = load(tmp_path, VALID)
    meant = failure(location="simulation", job_name="five_years")
    tags = {"team": "ml", "x": "y"}
    assert policy.covers(meant, tags, KNOWN)
    assert not policy.covers(failure(location="gocardless", job_name="five_years"), tags, KNOWN)
    assert not policy.covers(failure(location="simulation", job_name="other"), tags, KNOWN)
    assert not policy.covers(meant, {"team": "finance"}, KNOWN)


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"asset_key_target": {"asset_key": ["hr", "years"]}}, {"hr/years"}),
        (
            {"asset_group_target": {"asset_group": "marts", "location_name": "simulation"}},
            {"hr/years", "hr/summary"},
        ),
        ('owner:"team:hr"', {"hr/summary"}),
        ('owner:"ops@example.com"', {"census"}),
        ("tag:tier=gold", {"hr/years"}),
        ("kind:dbt", {"hr/years"}),
        ("code_location:bank", {"balances"}),
        ('not code_location:"simulation"', {"balances"}),
        ("key:census+ and group:marts", {"hr/years", "hr/summary"}),
        ('+key:"hr/summary"', {"hr/years", "hr/summary"}),
    ],
    # a set has another order in each process, by which tests would have other names there
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),
)
def test_assets_are_meant_by_key_group_and_selection(target: Any, expected: set[str]) -> None:
    if isinstance(target, str):
        target = {"asset_selection_target": {"asset_selection": target}}
    policy = policy_of("ASSET_MATERIALIZATION_FAILURE", alert_targets=[target])
    covered = {
        key
        for key in KNOWN.graph.by_key
        if policy.covers(
            failure(event_type="ASSET_MATERIALIZATION_FAILURE", subject=key, assets=(key,)),
            {},
            KNOWN,
        )
    }
    assert covered == expected


def test_while_the_assets_of_the_workspace_are_unknown_a_selection_excludes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DAGSTER_WEBSERVER_URL", raising=False)
    target = {"asset_selection_target": {"asset_selection": "group:nowhere"}}
    policy = policy_of("ASSET_FRESHNESS_FAIL", alert_targets=[target])
    workspace = Workspace()
    stale = failure(event_type="ASSET_FRESHNESS_FAIL", assets=("census",))
    assert policy.covers(stale, {}, workspace)
    assert "set DAGSTER_WEBSERVER_URL" in workspace.problems[0]


@pytest.mark.parametrize(
    ("url", "token_file"),
    [("shop:3000", ""), ("http://127.0.0.1:9", "/nowhere/token")],
    ids=["address", "token"],
)
def test_wrong_settings_of_the_webserver_are_reported_and_stop_no_alert(
    url: str, token_file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", url)
    monkeypatch.setenv("DAGSTER_WEBSERVER_TOKEN_FILE", token_file)
    workspace = Workspace()
    assert workspace.owners_of(("census",)) is None
    assert workspace.selected("census", "key:census")
    [problem] = workspace.problems
    assert "DAGSTER_WEBSERVER_" in problem


def test_where_messages_cannot_name_owners_a_pass_reports_it_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DAGSTER_WEBSERVER_URL", raising=False)
    workspace = Workspace()
    # of what has no assets nobody is the owner, and what is looked up in advance is in no message
    assert (workspace.owners_of(()), workspace.all_owners(), workspace.problems) == ((), (), [])
    assert workspace.owners_of(("census",)) is workspace.owners_of(("revenue",)) is None
    [problem] = workspace.problems
    assert problem.startswith("messages name no owners: set DAGSTER_WEBSERVER_URL")


def test_a_tick_is_reported_when_enough_of_them_have_failed() -> None:
    target = {"schedule_or_sensor_target": {"types": ["SENSOR"], "location_names": ["shop"]}}
    policy = policy_of(
        "TICK_FAILURE",
        alert_targets=[target],
        policy_options={"consecutive_failure_threshold": 3},
    )

    def covered(number: int, **changes: Any) -> bool:
        tick = {"event_type": "TICK_FAILURE", "kind": "Sensor", "location": "shop", **changes}
        return policy.covers(failure(consecutive=number, **tick), {}, KNOWN)

    assert [covered(number) for number in (1, 2, 3, 4)] == [False, False, True, True]
    assert not covered(3, kind="Schedule")
    assert not covered(3, location="bank")


def test_a_policy_that_is_not_enabled_is_left_out(tmp_path: Path) -> None:
    assert load(tmp_path, VALID.replace("enabled: true", "enabled: false")) == []


@pytest.mark.parametrize(
    ("right", "wrong", "expected"),
    [
        (
            "[JOB_FAILURE]",
            "[JOB_FAILED]",
            "alert_policies.yaml:5: alert_policies.0.event_types.0: 'JOB_FAILED' is not allowed, "
            "allowed is one of: JOB_FAILURE, JOB_SUCCESS, JOB_LONG_RUNNING, ASSET_MATERI",
        ),
        ("    enabled: true\n", "", "alert_policies.0.enabled: missing, required is true or false"),
        ("run_result_target", "run_target", "run_target: unknown key, allowed is one of: asset_gr"),
        (
            "[JOB_FAILURE]",
            "[JOB_FAILURE, TICK_FAILURE]",
            "alert_policies.yaml:2: alert_policies.0: event_types of job and schedule or sensor in "
            "one policy: write one for each kind",
        ),
        ("[JOB_FAILURE]", "[TICK_FAILURE]", "one of them is not for events of a schedule or sen"),
        ("[JOB_FAILURE]", "[JOB_LONG_RUNNING]", "needs a long_running_job_threshold_target"),
        (
            "policy_options: {",
            "policy_options: {consecutive_failure_threshold: 3, ",
            "consecutive_failure_threshold is only for TICK_FAILURE",
        ),
        (
            "slack: {slack_workspace_name: example, slack_channel_name: ml-alerts}",
            "email_owners: {}",
            "email_owners is only for events of an asset: write email",
        ),
        (
            "policy_options: {",
            "policy_options: {renotify_interval_minutes: 60, ",
            "renotify_interval_minutes is only for TICK_FAILURE, CODE_LOCATION_ERROR and DAEMON_",
        ),
        (
            "policy_options: {",
            "policy_options: {renotify_interval_minutes: 0.5, ",
            "renotify_interval_minutes: 0.5",
        ),
        (
            "policy_options: {",
            "policy_options: {renotify_interval_minutes: 60, escalate_after: 1h, "
            "escalation_service: {log: {}}, ",
            "renotify_interval_minutes and escalate_after: write one of them",
        ),
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
def test_a_mistake_is_reported_with_its_line_and_what_is_allowed(
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


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("grp:(x", r"'grp:\(x' is not an asset selection"),
        ("code_location:grpc:4266", "is not an asset selection"),
        ("status:FAILED", "asks for status, which is not known for an asset here; possible: key"),
        ("key:a or not (column:x)", "asks for column,"),
        ("table_name:x", "asks for table_name,"),
        ("changed_in_branch:ANY", "asks for changed_in_branch,"),
        ("partitions : daily", "asks for partitions,"),
    ],
)
def test_a_selection_that_cannot_be_resolved_here_is_refused_with_its_line(
    selection: str, expected: str, tmp_path: Path
) -> None:
    start = VALID.index("      - run_result_target")
    end = VALID.index("    notification_service")
    target = f"      - asset_selection_target: {{asset_selection: '{selection}'}}\n"
    text = (VALID[:start] + target + VALID[end:]).replace("JOB_FAILURE", "ASSET_CHECK_PASSED")
    with pytest.raises(ConfigurationError, match=rf"yaml:7: .*{expected}"):
        load(tmp_path, text)


@pytest.mark.parametrize(
    "odd",
    [
        asset("odd", upstream=("odd",)),
        asset("odd", location="grpc:localhost:4266"),
        asset("odd", location="my shop"),
        asset("odd", location="code/shop.py"),
        asset("odd", location="s" * 70),
        asset("def"),
        asset("a__b"),
    ],
    ids=["self dependency", "address", "space", "file", "long", "reserved key", "same name"],
)
def test_an_odd_asset_does_not_change_selections(odd: AssetFacts) -> None:
    graph = AssetGraph([odd, asset("a/b", upstream=(odd.key,)), asset("c", location="other")])
    assert graph.select("key:c") == {"c"}
    assert graph.select(f'key:"{odd.key}"+') == {odd.key, "a/b"}
    assert odd.key in graph.select(f'code_location:"{odd.location}"')
    assert graph.select("not code_location : other") == {odd.key, "a/b"}


def test_the_schema_in_the_repository_is_that_of_the_models() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), "run `make docs`"
