"""What is published, judged by the vendors' own models and programs."""

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration_platform.metadata.datahub.proposals import datahub_proposals
from orchestration_platform.metadata.description import Description
from orchestration_platform.metadata.openmetadata.rest_requests import openmetadata_requests
from orchestration_platform.metadata.publish import (
    Published,
    publish_to_datahub,
    publish_to_openmetadata,
    write_datahub_file,
    write_openmetadata_file,
)
from orchestration_platform.metadata.sending import (
    CatalogError,
    CatalogUnavailableError,
    Server,
)
from sandboxes.catalogs.datahub import DataHub, datahub_server
from sandboxes.catalogs.environments import vendor_environment
from sandboxes.catalogs.judge import Judge
from sandboxes.catalogs.openmetadata import OpenMetadata, openmetadata_server

TOKEN = "s3cret-of-the-catalogue"
PEOPLE = {
    "/v1/users/name/people-analytics": "0f5b6d1c-6a56-4f3c-9c39-2f1d2f3f4a01",
    "/v1/users/name/data-platform": "0f5b6d1c-6a56-4f3c-9c39-2f1d2f3f4a02",
    "/v1/teams/name/hr": "0f5b6d1c-6a56-4f3c-9c39-2f1d2f3f4a03",
    "/v1/teams/name/Data / BI?": "0f5b6d1c-6a56-4f3c-9c39-2f1d2f3f4a04",
}

Publish = Callable[..., Published]


@pytest.fixture
def datahub(datahub_judge: Judge) -> Iterator[DataHub]:
    with datahub_server(datahub_judge, token=TOKEN) as catalog:
        yield catalog


@pytest.fixture
def openmetadata(openmetadata_judge: Judge) -> Iterator[OpenMetadata]:
    with openmetadata_server(openmetadata_judge, token=TOKEN, people=PEOPLE) as catalog:
        yield catalog


def server(url: str, pauses: list[float] | None = None, **options: Any) -> Server:
    """A client that notes how long it would wait."""
    waits = [] if pauses is None else pauses
    return Server(url, TOKEN, sleep=waits.append, **options)


def to_openmetadata(description: Description, catalog: Server) -> Published:
    return publish_to_openmetadata(description, catalog, service="dagster")


def test_datahub_itself_accepts_the_file_of_this_project(
    project: Description, datahub_judge: Judge, tmp_path: Path
) -> None:
    path = tmp_path / "datahub.json"
    published = write_datahub_file(project, path)
    proposals = json.loads(path.read_text())
    assert datahub_judge.problems(proposals) == []
    # the vendor's own program, which reads the file as `datahub ingest` does
    program = vendor_environment("datahub") / "datahub"
    checked = subprocess.run(
        [program, "check", "metadata-file", path],
        env={"HOME": str(tmp_path), "DATAHUB_TELEMETRY_ENABLED": "false"},
        capture_output=True, text=True,
    )  # fmt: skip
    assert f"{published.sent} MCEs found - all valid" in checked.stdout, checked.stderr[-2000:]


def test_datahub_has_tables_columns_owners_tags_lineage_checks_and_freshness(
    project: Description, datahub: DataHub
) -> None:
    publish_to_datahub(project, server(datahub.url))
    assert datahub.refused == []
    urn = "urn:li:dataset:(urn:li:dataPlatform:duckdb,gocardless.marts.cash_flow_monthly,PROD)"
    of_table = {key[1]: aspect for key, aspect in datahub.aspects.items() if key[0] == urn}
    fields = {field["fieldPath"]: field for field in of_table["schemaMetadata"]["fields"]}
    assert fields["net"]["nativeDataType"] == "decimal(38, 8)"
    assert [owner["owner"] for owner in of_table["ownership"]["owners"]] == [
        "urn:li:corpuser:data-platform@example.com",
        "urn:li:corpGroup:hr",
        "urn:li:corpuser:nobody@example.com",
    ]
    assert {"tag": "urn:li:tag:tier=gold"} in of_table["globalTags"]["tags"]
    (upstream,) = of_table["upstreamLineage"]["upstreams"]
    assert "gocardless.marts.bank_transactions" in upstream["dataset"]
    columns = {
        lineage["downstreams"][0].rpartition(",")[2]: lineage["upstreams"]
        for lineage in of_table["upstreamLineage"]["fineGrainedLineages"]
    }
    assert any("bank_transactions,PROD),amount" in origin for origin in columns["net)"])
    assert of_table["operation"]["lastUpdatedTimestamp"] == 1_796_026_904_500
    results = [
        aspect["result"]["type"]
        for key, aspect in datahub.aspects.items()
        if key[1] == "assertionRunEvent" and aspect["asserteeUrn"] == urn
    ]
    # two checks and the limit of its age
    assert sorted(results) == ["FAILURE", "FAILURE", "SUCCESS"]


def test_openmetadata_accepts_every_request_of_this_project(
    project: Description, openmetadata: OpenMetadata
) -> None:
    published = to_openmetadata(project, server(openmetadata.url))
    assert openmetadata.refused == []
    # with the team of a location that was added, if there is one
    owners = {owner for table in project.tables for owner in table.owners}
    known = {"team:hr", "data-platform@example.com", "people-analytics@example.com"}
    assert set(published.unknown_owners) == owners - known
    assert "nobody@example.com" in published.unknown_owners
    kinds = {path for path, _ in openmetadata.entities}
    assert {"/v1/tables", "/v1/tags", "/v1/lineage", "/v1/dataQuality/testCases"} <= kinds
    table = openmetadata.entities["/v1/tables", "dagster.gocardless.marts.cash_flow_monthly"]
    assert {owner["id"] for owner in table["owners"]} == {
        PEOPLE["/v1/users/name/data-platform"],
        PEOPLE["/v1/teams/name/hr"],
    }
    tables = [name for path, name in openmetadata.entities if path == "/v1/tables"]
    assert len(tables) == len(project.tables)


def test_the_file_for_openmetadata_has_what_its_models_accept(
    project: Description, openmetadata_judge: Judge, tmp_path: Path
) -> None:
    path = tmp_path / "openmetadata.jsonl"
    published = write_openmetadata_file(project, path, service="dagster")
    requests = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(requests) == published.sent
    assert [found for request in requests for found in openmetadata_judge.problems(request)] == []


def test_every_type_and_unusual_name_is_accepted(
    small: Description, datahub: DataHub, openmetadata: OpenMetadata
) -> None:
    publish_to_datahub(small, server(datahub.url))
    to_openmetadata(small, server(openmetadata.url))
    assert (datahub.refused, openmetadata.refused) == ([], [])
    assert ("/v1/tables", 'dagster.bank.raw."answers.json"') in openmetadata.entities


def test_odd_names_long_texts_and_references_to_nothing_end_no_publication(
    odd: Description, datahub: DataHub, openmetadata: OpenMetadata
) -> None:
    publish_to_datahub(odd, server(datahub.url))
    published = to_openmetadata(odd, server(openmetadata.url))
    assert (datahub.refused, openmetadata.refused) == ([], [])
    assert list(published.unknown_owners) == ["nobody@example.com"]
    tables = [body for (path, _), body in openmetadata.entities.items() if path == "/v1/tables"]
    assert len({body["name"] for body in tables}) == len(odd.tables)
    lineage = [body for (path, _), body in openmetadata.entities.items() if path == "/v1/lineage"]
    assert len(lineage) == len(odd.tables) - 1
    assert len(lineage[-1]["edge"]["lineageDetails"]["columnsLineage"]) == 12


def test_the_judges_refuse_what_the_vendors_do_not_have(
    small: Description, datahub_judge: Judge, openmetadata_judge: Judge
) -> None:
    proposal = next(
        found for found in datahub_proposals(small) if found["aspectName"] == "datasetProperties"
    )
    proposal["aspect"]["json"]["colour"] = "red"
    assert "colour is not in the model" in datahub_judge.problems([proposal])[0]
    del proposal["aspect"]["json"]["customProperties"]
    proposal["aspect"]["json"]["name"] = 7
    assert datahub_judge.problems([proposal])
    request = openmetadata_requests(small, service="dagster")[0]
    body = {**request.body, "colour": "red"}
    assert openmetadata_judge.problems({"path": request.path, "body": body})


@pytest.mark.parametrize("name", ["datahub", "openmetadata"])
def test_a_busy_server_is_asked_again_after_the_time_it_names(
    name: str, small: Description, request: pytest.FixtureRequest
) -> None:
    catalog, publish = _catalog(name, request)
    pauses: list[float] = []
    catalog.faults.extend([429, 503, 0])
    publish(small, server(catalog.url, pauses))
    assert catalog.refused == []
    assert pauses[0] == 7
    assert len(pauses) == 3


@pytest.mark.parametrize("name", ["datahub", "openmetadata"])
def test_a_publication_that_was_cut_off_ends_like_one_that_was_not(
    name: str, small: Description, request: pytest.FixtureRequest
) -> None:
    catalog, publish = _catalog(name, request)
    publish(small, server(catalog.url))
    whole = _contents(catalog)
    (catalog.aspects if isinstance(catalog, DataHub) else catalog.entities).clear()

    calls = iter(range(1000))
    dying = server(catalog.url)
    send = dying.send

    def dies(*arguments: Any) -> Any:
        if next(calls) == (0 if name == "datahub" else 8):
            # the server has it, and the client never hears of that
            send(*arguments)
            raise KeyboardInterrupt
        return send(*arguments)

    dying.send = dies
    with pytest.raises(KeyboardInterrupt):
        publish(small, dying)
    publish(small, server(catalog.url))
    publish(small, server(catalog.url))
    assert _contents(catalog) == whole


def test_what_the_server_refuses_is_not_repeated_and_says_why(
    small: Description, datahub: DataHub
) -> None:
    stranger = Server(datahub.url, "wrong", sleep=lambda _: pytest.fail("it waits"))
    with pytest.raises(CatalogError, match="HTTP 401: no access") as refused:
        publish_to_datahub(small, stranger)
    assert "wrong" not in str(refused.value)
    assert datahub.requests == 1


def test_an_answer_that_breaks_off_is_asked_for_again(small: Description, datahub: DataHub) -> None:
    datahub.faults.append(1)
    pauses: list[float] = []
    publish_to_datahub(small, server(datahub.url, pauses))
    assert len(pauses) == 1


@pytest.mark.parametrize("name", ["datahub", "openmetadata"])
def test_an_answer_of_something_else_is_shown(
    name: str, small: Description, request: pytest.FixtureRequest
) -> None:
    catalog, publish = _catalog(name, request)
    catalog.faults.append(200)
    with pytest.raises(CatalogError, match="the answer is not JSON: busy"):
        publish(small, server(catalog.url))


def test_patience_ends(small: Description, datahub: DataHub) -> None:
    datahub.faults.extend([503] * 100)
    impatient = server(datahub.url, patience_seconds=0)
    with pytest.raises(CatalogUnavailableError, match="HTTP 503"):
        publish_to_datahub(small, impatient)


def _catalog(name: str, request: pytest.FixtureRequest) -> tuple[DataHub | OpenMetadata, Publish]:
    publish = publish_to_datahub if name == "datahub" else to_openmetadata
    return request.getfixturevalue(name), publish


def _contents(catalog: DataHub | OpenMetadata) -> dict[Any, Any]:
    return dict(catalog.aspects if isinstance(catalog, DataHub) else catalog.entities)
