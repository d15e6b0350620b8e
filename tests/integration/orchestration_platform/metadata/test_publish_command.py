"""The commands and the job, to a stand-in, with settings from a file and a token from secrets."""

import json
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration_platform.metadata import job, reading
from orchestration_platform.metadata.__main__ import main
from orchestration_platform.metadata.description import Description
from sandboxes.catalogs.datahub import DataHub, datahub_server
from sandboxes.catalogs.judge import Judge
from shared_lib.secrets import SecretsResource

SETTINGS = """
retention: {keep_days: {success: 90, failure: 90, canceled: 90}}
catalog: %s
"""


@pytest.fixture
def datahub(
    datahub_judge: Judge, small: Description, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DataHub]:
    """A DataHub that the settings name."""
    asked = []

    def read_description(*, ask_dagster: bool = True) -> Description:
        asked.append(ask_dagster)
        return small

    monkeypatch.setattr(reading, "read_description", read_description)
    monkeypatch.setattr(job, "read_description", read_description)
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    monkeypatch.setenv("ORCHESTRATION_PLATFORM_DATAHUB__TOKEN", "sesame-of-datahub")
    with datahub_server(datahub_judge, token="sesame-of-datahub") as catalog:
        configure(tmp_path, monkeypatch, f"{{datahub: {{url: {catalog.url}}}}}")
        yield catalog


def configure(folder: Path, monkeypatch: pytest.MonkeyPatch, catalog: str) -> None:
    path = folder / "platform.yaml"
    path.write_text(SETTINGS % catalog)
    monkeypatch.setenv("PLATFORM_SETTINGS", str(path))


def test_the_command_publishes_to_what_is_configured(
    datahub: DataHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish"]) == 0
    assert datahub.refused == []
    assert datahub.aspects
    assert capsys.readouterr().out.startswith("datahub: 2 tables in ")


def test_a_catalogue_that_is_not_configured_is_named(
    datahub: DataHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["publish", "openmetadata"]) == 1
    assert "openmetadata: not configured: set catalog" in capsys.readouterr().err
    assert datahub.requests == 0


def test_a_missing_token_is_named(
    datahub: DataHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ORCHESTRATION_PLATFORM_DATAHUB__TOKEN")
    assert main(["publish"]) == 1
    assert "orchestration_platform/datahub" in capsys.readouterr().err


def test_a_wrong_address_is_refused(
    datahub: DataHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    configure(tmp_path, monkeypatch, "{datahub: {url: datahub.example.com}}")
    assert main(["publish"]) == 1
    assert "catalog.datahub.url" in capsys.readouterr().err


def test_the_command_writes_a_file(datahub: DataHub, tmp_path: Path) -> None:
    for catalog in ("datahub", "openmetadata"):
        assert main(["file", catalog, str(tmp_path / catalog)]) == 0
    assert len(json.loads((tmp_path / "datahub").read_text())) > 20
    assert not list(tmp_path.glob(".*.new"))


def test_the_job_publishes_and_the_schedule_is_off(datahub: DataHub) -> None:
    done = job.catalog_publish_job.execute_in_process(
        resources={"secrets": SecretsResource(location="orchestration_platform")}
    )
    assert done.success
    assert datahub.aspects
    assert job.catalog_publish_schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    (asked,) = job.catalog_publish_schedule(dg.build_schedule_context())
    assert isinstance(asked, dg.RunRequest)


def test_the_schedule_skips_where_nothing_is_configured(
    datahub: DataHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, monkeypatch, "{}")
    (skipped,) = job.catalog_publish_schedule(dg.build_schedule_context())
    assert "no catalogue is configured" in skipped.skip_message
