"""What a message shows of the tags of a run."""

import pytest
from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.workspace.described import described
from orchestration_platform.alerts.workspace.webserver import Workspace


def test_tags_by_which_a_run_is_kept_track_of_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DAGSTER_WEBSERVER_URL", raising=False)
    internal = (
        "dagster/partition", ".dagster/repository", "dagster-k8s/config", "platform/job_run",
        "platform/requested_by", "platform/file", "ecs/cpu", "user",
    )  # fmt: skip
    own = ("team", "platform", "platform_team", "users", "shop/platform/x", "dagster")
    found = described(failure(), dict.fromkeys((*internal, *own), "x"), Workspace())
    assert [name for name, _ in found.tags] == sorted(own)
