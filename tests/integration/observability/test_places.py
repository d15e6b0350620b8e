"""Reports say where they come from: location, environment, partition, asset, kind of error."""

from pathlib import Path

import dagster as dg
import pytest
from tests.integration.observability.conftest import MakeInstance
from tests.integration.observability.shop import definitions

from sandboxes.telemetry import receiving
from shared_lib.configuration.environment import current_settings
from shared_lib.observability import place, settings
from shared_lib.observability.sending import transports

DAYS = dg.StaticPartitionsDefinition(["monday", "tuesday"])


@dg.asset(partitions_def=DAYS)
def parcels() -> None: ...


@dg.asset(partitions_def=DAYS, deps=[parcels])
def letters() -> None:
    raise FileNotFoundError("no stamps")


def test_spans_and_events_name_location_environment_partition_and_asset(
    shop: Path, instance: MakeInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.runs_in("post")
    job = definitions(parcels, letters).resolve_job_def("shop")
    with receiving() as receiver, instance() as dagster:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        job.execute_in_process(instance=dagster, partition_key="monday", raise_on_error=False)

    run, made, failed = (receiver.span(name) for name in ("shop", "parcels", "letters"))
    for span in (run, made, failed):
        where = {"dagster.location": "post", "deployment.environment.name": "ci"}
        assert span.attributes.items() >= {**where, "dagster.partition": "monday"}.items()
    assert made.attributes["dagster.asset"] == "parcels"
    assert "error.type" not in made.attributes
    assert failed.attributes["error.type"] == "FileNotFoundError"
    assert run.attributes["error.type"] == "FileNotFoundError"

    event = receiver.events_of("shop.parcels")[-1]
    tags = {tag["key"]: tag["value"] for tag in event["job"]["facets"]["tags"]["tags"]}
    assert tags == {"environment": "ci", "location": "post"}
    tags = {tag["key"]: tag["value"] for tag in event["run"]["facets"]["tags"]["tags"]}
    assert tags == {"asset": "parcels", "partition": "monday"}


def test_the_service_is_the_location_unless_a_variable_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(place, "_loaded", [])
    place.runs_in("post")
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "qa")
    for name in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(name, raising=False)

    def attributes() -> dict[str, object]:
        names = ("service.name", "service.namespace", "deployment.environment.name")
        found = transports._resource().attributes
        return {name: found.get(name) for name in names}

    assert list(attributes().values()) == ["post", "dagster", "qa"]
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=stage")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mail")
    assert list(attributes().values()) == ["mail", "dagster", "stage"]


def test_deployments_name_jobs_and_tables_differently_and_machines_as_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENLINEAGE_NAMESPACE", raising=False)
    monkeypatch.delenv("PLATFORM_DATA_DIRECTORY", raising=False)

    def names(environment: str) -> tuple[str, str]:
        monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
        path = current_settings().warehouse_path("shop")
        return settings.current_settings().namespace, place.warehouse_namespace(path)

    file = "/var/lib/dagster/warehouse/shop.duckdb"
    assert names("qa") == ("dagster-qa", f"duckdb://qa{file}")
    assert names("production") == ("dagster-production", f"duckdb://production{file}")
    assert names("ci")[0] == "dagster"
    assert names("ci")[1].startswith("duckdb:///")
