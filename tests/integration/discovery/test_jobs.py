"""What the section ``jobs`` does: jobs run."""

import os
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest
from dagster_k8s.job import get_user_defined_k8s_config
from tests.integration.discovery import written_job

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.discovery import Location
from shared_lib.discovery.configuration.pod import TAG

Load = Callable[..., Location]
HERE = Path(__file__).parent


@pytest.mark.sees("jobs.AssetJob.selection")
def test_a_job_runs_what_is_selected(demonstration: Load, instance: dg.DagsterInstance) -> None:
    job = demonstration().definitions.resolve_job_def("left_and_right")

    result = job.execute_in_process(instance=instance)

    made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
    assert made == {"left", "right"}


@pytest.mark.sees("jobs.OpJob.function", "jobs.OpJob.arguments")
def test_an_op_job_calls_its_function_with_the_arguments_of_the_file(
    demonstration: Load, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    location = demonstration(NOTE_PATH=str(tmp_path / "noted"))

    result = location.definitions.resolve_job_def("note").execute_in_process(instance=instance)

    assert (tmp_path / "noted").read_text() == f"one\ntwo\n{result.run_id}"


@pytest.mark.parametrize(
    "function", ["note_later", "note_by_and_by", "note_later_by_and_by", "wrapped"]
)
def test_an_op_job_runs_coroutines_and_generators_to_their_end(
    written: Load, instance: dg.DagsterInstance, tmp_path: Path, function: str
) -> None:
    noted = tmp_path / "noted"
    text = f"function: 'demonstration.trials:{function}', arguments: {{path: {noted}}}"
    location = written(f"jobs: {{j: {{{text}}}}}")

    location.definitions.resolve_job_def("j").execute_in_process(instance=instance)

    assert noted.read_text() == "noted"


@pytest.mark.parametrize(("text", "retried"), [("", "false"), (", retry_on_failure: 2", "true")])
def test_a_run_with_a_failed_step_is_retried_where_the_file_wants_it(
    written: Load, text: str, retried: str
) -> None:
    job = written(f"jobs: {{j: {{selection: 'key:failing'{text}}}}}")
    # as the instances of this repository are configured
    retries = {"enabled": True, "max_retries": 1, "retry_on_asset_or_op_failure": False}
    with dg.instance_for_test(overrides={"run_retries": retries}) as instance:
        result = job.definitions.resolve_job_def("j").execute_in_process(
            instance=instance, raise_on_error=False
        )
        run = instance.get_run_by_id(result.run_id)

    assert run is not None
    assert run.tags["dagster/will_retry"] == retried


@pytest.mark.sees("jobs.{kind}.tags", "jobs.{kind}.description", "jobs.AssetJob.retry_on_failure")
@pytest.mark.parametrize(
    ("kind", "entry"),
    [
        ("AssetJob", "selection: 'key:plain', retry_on_failure: 2"),
        (
            "OpJob",
            "function: 'demonstration.trials:note', arguments: {path: /dev/null, lines: []}",
        ),
    ],
)
def test_a_run_has_the_tags_of_its_job_and_the_ui_its_description(
    written: Load, instance: dg.DagsterInstance, kind: str, entry: str
) -> None:
    more = "tags: {team: sales, level: 2}, description: Sells."
    definitions = written(f"jobs:\n  sells: {{{entry}, {more}}}\n").definitions

    run = definitions.resolve_job_def("sells").execute_in_process(instance=instance).dagster_run

    assert (run.tags["team"], run.tags["level"]) == ("sales", "2")
    # so often the daemon starts a failed run again
    assert run.tags.get("dagster/max_retries") == ("2" if kind == "AssetJob" else None)
    assert definitions.get_repository_def().get_job("sells").description == "Sells."


@pytest.mark.sees("jobs.AssetJob.hooks", "jobs.OpJob.hooks")
@pytest.mark.parametrize(("job", "step"), [("left_and_right", "both"), ("note", "note_op")])
def test_a_hook_is_called_after_each_step_of_its_job(
    demonstration: Load,
    instance: dg.DagsterInstance,
    tmp_path: Path,
    job: str,
    step: str,
) -> None:
    definitions = demonstration(NOTE_PATH=str(tmp_path / "noted")).definitions

    result = definitions.resolve_job_def(job).execute_in_process(instance=instance)

    logged = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert [line for line in logged if "ended well" in line] == [f"{step} ended well"]


@pytest.mark.sees("jobs.AssetJob.max_concurrent")
def test_a_job_runs_no_more_steps_at_a_time_than_the_file_allows(demonstration: Load) -> None:
    job = demonstration().definitions.resolve_job_def("at_most_two_steps")

    assert job.executor_def.name == "multiprocess"
    # what Dagster gives the executor when a run has no configuration of its own
    options = job.executor_def.apply_config_mapping({"config": {}}).value
    assert options["config"]["max_concurrent"] == 2


@pytest.mark.sees(
    "jobs.AssetJob.pod_resources.requests.cpu", "jobs.AssetJob.pod_resources.requests.memory",
    "jobs.AssetJob.pod_resources.limits", "jobs.OpJob.pod_resources",
)  # fmt: skip
def test_the_pod_of_a_run_has_the_resources_of_the_file(written: Load) -> None:
    pod = "pod_resources: {requests: {cpu: 0.5, memory: 1.5Gi}, limits: {cpu: 2, memory: 4Gi}}"
    found = written(
        f"jobs:\n  of_assets: {{selection: 'key:after', {pod}}}\n"
        f"  of_a_function: {{function: 'examples.assets:note', {pod}, "
        "arguments: {path: a, lines: []}}\n"
    )

    for name in ("of_assets", "of_a_function"):
        job = found.definitions.resolve_job_def(name)
        asked = get_user_defined_k8s_config(job.tags).container_config["resources"]
        assert asked == {
            "requests": {"cpu": "0.5", "memory": "1.5Gi"},
            "limits": {"cpu": "2", "memory": "4Gi"},
        }
        assert job.run_tags[TAG] == job.tags[TAG]


@pytest.mark.sees("jobs.AssetJob.config")
def test_a_job_runs_with_the_configuration_of_the_file(
    written: Load, instance: dg.DagsterInstance
) -> None:
    config = "{ops: {after: {config: {words: good morning}}}}"
    job = written(f"jobs:\n  greet: {{selection: 'key:after', config: {config}}}\n")

    result = job.definitions.resolve_job_def("greet").execute_in_process(instance=instance)

    [made] = result.asset_materializations_for_node("after")
    assert made.metadata["words"].value == "good morning"


@pytest.mark.sees("jobs.AssetJob.partitions")
def test_a_job_is_run_by_the_partitions_that_its_assets_are_to_have(
    written: Load, instance: dg.DagsterInstance
) -> None:
    text = (
        "partitions:\n  few: {type: static, keys: [a]}\n  many: {type: static, keys: [a, b]}\n"
        "assets:\n  - {match: plain, partitions: few}\n"
        "jobs:\n  chosen: {selection: 'key:plain or key:after', partitions: few}\n"
    )
    job = written(text).definitions.resolve_job_def("chosen")

    result = job.execute_in_process(instance=instance, partition_key="a")

    [made] = [event for event in result.get_asset_materialization_events() if event.partition]
    assert (made.asset_key, made.partition) == (dg.AssetKey("plain"), "a")
    with pytest.raises(ConfigurationError, match=r"jobs\.chosen\.partitions: 'many' is not"):
        written(
            text.replace(
                "'key:plain or key:after', partitions: few", "'key:plain', partitions: many"
            )
        )


@pytest.mark.sees("executor", "jobs.AssetJob.executor", "jobs.OpJob.executor")
@pytest.mark.parametrize(
    ("job", "own_process"), [("as_the_location", 1), ("alone", 0), ("called", 0)]
)
def test_steps_run_in_the_process_of_the_run_or_in_their_own(
    written: Load,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    job: str,
    own_process: int,
) -> None:
    arguments = f"{{path: {tmp_path / 'noted'}, lines: []}}"
    location = written(
        "executor: multiprocess\njobs:\n"
        "  as_the_location: {selection: 'key:after'}\n"
        "  alone: {selection: 'key:after', executor: in_process}\n"
        "  called:\n    function: demonstration.trials:note\n"
        f"    arguments: {arguments}\n    executor: in_process\n"
    )
    monkeypatch.setenv(written_job.FILE, str(location.path))
    monkeypatch.setenv(written_job.NAME, job)
    monkeypatch.setenv("PYTHONPATH", str(HERE))
    with (
        dg.instance_for_test() as instance,
        dg.execute_job(dg.reconstructable(written_job.written_job), instance=instance) as result,
    ):
        assert result.success
        made = [event.materialization for event in result.get_asset_materialization_events()]
    process = (
        made[0].metadata["process"].value
        if made
        else int((tmp_path / "noted").read_text().splitlines()[-1])
    )
    assert (process != os.getpid()) is bool(own_process)


@pytest.mark.sees("resources")
def test_a_step_uses_the_resource_that_the_file_names(
    demonstration: Load, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    job = demonstration().definitions.resolve_job_def("trade")

    selected = job.execute_in_process(instance=instance, asset_selection=[dg.AssetKey("orders")])

    assert selected.success
    assert (tmp_path / "examples.duckdb").is_file()


@pytest.mark.sees("asset_modules.module")
def test_definitions_of_the_modules_are_loaded_too(demonstration: Load) -> None:
    repository = demonstration().definitions.get_repository_def()

    assert repository.has_job("job_in_code")
    assert "orders_are_there" in {key.name for key in repository.asset_graph.asset_check_keys}
