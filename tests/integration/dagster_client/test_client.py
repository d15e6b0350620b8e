"""Jobs are launched, found and followed through a running webserver."""

import logging
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.dagster_client.conftest import RunningDagster
from tests.integration.dagster_client.front import Front, front_of

from sandboxes.certificates import write_certificate
from sandboxes.ports import reserved_port
from shared_lib.dagster_client import (
    AccessRefusedError,
    AmbiguousJobError,
    DagsterClient,
    DagsterUnavailableError,
    JobRuns,
    LaunchRefusedError,
    NotDagsterError,
    Progress,
    Status,
    UnknownJobError,
    UnknownLocationError,
    UnknownRunError,
    WaitTimeoutError,
    Webserver,
    WebserverConfigurationError,
    current_webserver,
)

pytestmark = pytest.mark.xdist_group("dagster client")


def test_a_job_is_launched_in_the_location_that_has_it_and_waited_for(
    client: DagsterClient, job_runs: JobRuns
) -> None:
    row = client.trigger(
        "ok_job",
        {"ops": {"succeed": {"config": {"connection_id": "c-1"}}}},
        requested_by="anna",
    )
    assert (row.location_name, row.status) == ("first", "QUEUED")
    heard: list[Progress] = []

    end = client.wait_for_run(str(row.run_id), on_progress=heard.append)

    assert (end.run_id, end.status, end.steps) == (row.run_id, "SUCCESS", {"SUCCESS": 1})
    assert heard[-1].state == end
    assert client.get_run_status(end.run_id) is dg.DagsterRunStatus.SUCCESS
    assert client.refresh() == 1
    kept = job_runs.find(row.id)
    assert kept is not None
    assert (kept.status, kept.requested_by, kept.ended_at) == ("SUCCESS", "anna", end.ended_at)
    assert client.refresh() == 0


def test_a_failed_run_is_reported_as_failed(client: DagsterClient) -> None:
    run_id = client.trigger_job("failing_job")
    assert run_id is not None
    assert client.wait_for_run(run_id).status == "FAILURE"


def test_a_wait_ends_in_time_and_the_run_continues(client: DagsterClient) -> None:
    run_id = client.trigger_job("slow_job")
    assert run_id is not None
    with pytest.raises(WaitTimeoutError, match=f"{run_id}.*it continues"):
        client.wait_for_run(run_id, timeout_seconds=1)
    assert client.get_run_status(run_id) in (
        dg.DagsterRunStatus.STARTING,
        dg.DagsterRunStatus.STARTED,
    )


def test_a_job_name_in_two_locations_needs_the_location(client: DagsterClient) -> None:
    with pytest.raises(AmbiguousJobError, match="choose one of: first, second"):
        client.trigger_job("shared_job")
    run_id = client.trigger_job("shared_job", location_name="second")
    assert run_id is not None
    assert client.job_runs.latest(1)[0].location_name == "second"
    assert client.wait_for_run(run_id).status == "SUCCESS"


def test_unknown_jobs_and_locations_are_refused_with_a_list_of_the_known_ones(
    client: DagsterClient, job_runs: JobRuns
) -> None:
    with pytest.raises(UnknownJobError) as unknown:
        client.trigger_job("ok_jbo")
    assert str(unknown.value).startswith(
        "no job 'ok_jbo' in any location; available: "
        "failing_job, ok_job, second_job, shared_job, slow_job, years_job. Not loaded: broken ("
    )
    with pytest.raises(UnknownJobError, match="the location second; available: second_job, sha"):
        client.trigger_job("ok_job", location_name="second")
    with pytest.raises(UnknownLocationError, match="no location 'third'; available: first, second"):
        client.trigger_job("ok_job", location_name="third")
    with pytest.raises(UnknownLocationError, match=r"the location broken is not loaded: .*on purp"):
        client.trigger_job("ok_job", location_name="broken")
    assert {row.status for row in job_runs.latest()} == {Status.REFUSED}
    assert job_runs.open() == []


def test_a_configuration_that_the_job_does_not_take_is_refused_in_dagsters_words(
    client: DagsterClient, job_runs: JobRuns
) -> None:
    mistakes = {"no_such_op": {}, "succeed": {"config": {"connection_id": 5}}}
    with pytest.raises(LaunchRefusedError) as refused:
        client.trigger_job("ok_job", {"ops": mistakes})
    first, *lines = str(refused.value).splitlines()
    assert first == "Dagster did not launch ok_job: "
    assert [line[:11] for line in lines] == ["  Received ", "  Invalid s"], lines
    assert 'unexpected config entry "no_such_op"' in lines[0]
    row = job_runs.latest(1)[0]
    assert (row.status, row.run_id) == (Status.REFUSED, None)
    assert "no_such_op" in row.message


def test_a_missing_run_is_distinguished_from_an_existing_one(client: DagsterClient) -> None:
    missing = "00000000-0000-0000-0000-000000000000"
    for ask in (client.get_run_status, client.wait_for_run):
        with pytest.raises(UnknownRunError) as unknown:
            ask(missing)
        assert (
            str(unknown.value) == f"Dagster has no run {missing}: it never existed or was deleted"
        )


def test_without_a_server_there_is_no_run_but_a_reason(
    job_runs: JobRuns, caplog: pytest.LogCaptureFixture
) -> None:
    client = DagsterClient(Webserver(url=f"http://127.0.0.1:{reserved_port()}"), job_runs=job_runs)
    with caplog.at_level(logging.WARNING):
        assert client.trigger_job("ok_job") is None
    row = job_runs.latest(1)[0]
    assert (row.status, row.has_ended) == (Status.UNAVAILABLE, True)
    assert "cannot be reached: is it running" in row.message
    assert row.message in caplog.text


@pytest.mark.parametrize("status", [429, 502, 503])
def test_trouble_in_front_is_dagster_being_unavailable(
    status: int, front: Front, client_behind: DagsterClient
) -> None:
    front.answer = status
    row = client_behind.trigger("ok_job")
    assert (row.status, row.run_id) == (Status.UNAVAILABLE, None)
    assert f"HTTP {status}" in row.message


@pytest.mark.parametrize("hold", ["after", "drop"])
def test_a_launch_whose_answer_is_lost_finds_its_run_again(
    hold: str, front: Front, client_behind: DagsterClient, job_runs: JobRuns
) -> None:
    front.hold = hold
    # long enough for a busy machine to find the job
    impatient = DagsterClient(Webserver(url=front.url, answer_seconds=10), job_runs=job_runs)
    row = impatient.trigger("ok_job")
    assert (row.status, row.run_id) == (Status.LAUNCHING, None)
    assert "it is not yet known" in row.message

    assert client_behind.refresh() == 1

    found = job_runs.find(row.id)
    assert found is not None
    assert found.run_id is not None
    assert client_behind.wait_for_run(found.run_id).status == "SUCCESS"
    client_behind.refresh()
    assert job_runs.open() == []


def test_a_wait_outlasts_a_restart_of_the_webserver_and_not_its_end(
    front: Front, client_behind: DagsterClient
) -> None:
    run_id = client_behind.trigger_job("ok_job")
    assert run_id is not None
    front.answer = 503
    heard: list[Progress] = []

    def hear(progress: Progress) -> None:
        heard.append(progress)
        front.answer = None

    end = client_behind.wait_for_run(run_id, patience_seconds=20, on_progress=hear)

    assert end.status == "SUCCESS"
    assert "HTTP 503" in heard[0].trouble
    front.answer = 503
    with pytest.raises(DagsterUnavailableError, match="HTTP 503"):
        client_behind.wait_for_run(run_id, patience_seconds=0)


def test_a_run_that_dagster_starts_again_is_followed(
    client: DagsterClient, job_runs: JobRuns, dagster: RunningDagster
) -> None:
    died = client.trigger("failing_job")
    again = client.trigger("ok_job")
    assert died.run_id is not None
    assert again.run_id is not None
    for row in (died, again):
        client.wait_for_run(str(row.run_id))
    with dg.DagsterInstance.from_config(str(dagster.home)) as instance:
        # what Dagster's daemon notes when the process of a run died
        instance.add_run_tags(died.run_id, {"dagster/will_retry": "true"})
        client.refresh()
        assert [row.status for row in job_runs.open()] == [Status.RETRYING]
        instance.add_run_tags(died.run_id, {"dagster/auto_retry_run_id": again.run_id})

    end = client.wait_for_run(died.run_id)

    assert (end.run_id, end.status) == (again.run_id, "SUCCESS")
    client.refresh()
    client.refresh()
    kept = job_runs.find(died.id)
    assert kept is not None
    assert (kept.run_id, kept.status) == (again.run_id, "SUCCESS")


@pytest.mark.parametrize(
    ("header", "sent"),
    [("Authorization", "Bearer t-0k3n"), ("Dagster-Cloud-Api-Token", "t-0k3n")],
)
def test_the_way_is_encrypted_and_the_token_is_shown(
    header: str, sent: str, dagster: RunningDagster, job_runs: JobRuns, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    certificate = write_certificate(tmp_path)
    (tmp_path / "token").write_text("t-0k3n\n")
    # requests would rather send this than a header of its caller
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login anna password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with front_of(dagster.url, certificate) as front:
        front.required = (header, sent)
        monkeypatch.setenv("DAGSTER_WEBSERVER_URL", front.url)
        untrusting = DagsterClient(job_runs=job_runs)
        with pytest.raises(WebserverConfigurationError, match=r"is not trusted.*CACERT"):
            untrusting.trigger_job("ok_job")
        monkeypatch.setenv("DAGSTER_WEBSERVER_CACERT", str(certificate))
        with pytest.raises(AccessRefusedError, match="asks for a token"):
            DagsterClient(job_runs=job_runs).trigger_job("ok_job")
        monkeypatch.setenv("DAGSTER_WEBSERVER_TOKEN_FILE", str(tmp_path / "token"))
        monkeypatch.setenv("DAGSTER_WEBSERVER_TOKEN_HEADER", header)
        client = DagsterClient(job_runs=job_runs)
        run_id = client.trigger_job("ok_job")
        assert run_id is not None
        assert client.wait_for_run(run_id).status == "SUCCESS"
    assert "t-0k3n" not in repr(client.webserver)


def test_a_token_follows_no_redirect(front: Front, job_runs: JobRuns) -> None:
    front.answer = 302
    webserver = Webserver.model_validate({"url": front.url, "token": "t-0k3n"})
    with pytest.raises(NotDagsterError, match=r"a redirect to http://127.0.0.1:9/login"):
        DagsterClient(webserver, job_runs=job_runs).trigger_job("ok_job")


def test_a_page_is_not_taken_for_dagster(front: Front, client_behind: DagsterClient) -> None:
    front.answer = 200
    with pytest.raises(NotDagsterError, match="not Dagster's GraphQL"):
        client_behind.get_run_status("some-run")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://dagster.example.com", "is not sent unencrypted to dagster.example.com"),
        ("http://127.0.0.1.example.com", "is not sent unencrypted"),
        ("https://anna:secret@dagster.example.com", "without user or password"),
        ("dagster.example.com:3000", "is not the address of a server"),
        ("http://127.0.0.1:abc", "is not the address of a server"),
    ],
)
def test_a_token_goes_nowhere_that_others_could_read_it(
    url: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", url)
    monkeypatch.setenv("DAGSTER_WEBSERVER_TOKEN", "t-0k3n")
    with pytest.raises(WebserverConfigurationError, match=message) as refused:
        current_webserver()
    assert "t-0k3n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_an_unknown_run_is_not_reported_to_continue(job_runs: JobRuns) -> None:
    client = DagsterClient(Webserver(url=f"http://127.0.0.1:{reserved_port()}"), job_runs=job_runs)
    with pytest.raises(WaitTimeoutError) as unknown:
        client.wait_for_run("some-run", timeout_seconds=0)
    assert "has ended: Dagster at http" in str(unknown.value)
    assert "continues" not in str(unknown.value)


def test_threads_share_a_client(client: DagsterClient) -> None:
    def ask(number: int) -> str:
        with pytest.raises(UnknownRunError) as unknown:
            client.get_run_status(f"run-{number}")
        return str(unknown.value)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(24)))

    assert all(f"run-{number}" in answer for number, answer in enumerate(answers))
