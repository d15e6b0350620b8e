"""What ``dg`` shows, scaffolds and checks of our components."""

import inspect
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from dagster_dg_cli.cli import cli
from ruamel.yaml import YAML

from orchestration_platform.components import AlertPolicies
from shared_lib import components
from shared_lib.components import strict
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import ConfigurationError

Project = Callable[[Mapping[str, str]], Path]
Load = Callable[[Mapping[str, str]], dg.Definitions]

NAMES = sorted(components.__all__)
OURS = [name for name in NAMES if issubclass(getattr(components, name), strict.StrictComponent)]

# What a project may have elsewhere, in Python.
ELSEWHERE = """\
import dagster as dg

from shared_lib.warehouse import Warehouse


@dg.asset
def orders() -> int:
    return 1


@dg.job
def import_job() -> None: ...


@dg.job
def nightly_job() -> None: ...


defs = dg.Definitions(
    assets=[orders], jobs=[JOBS], resources={"warehouse": Warehouse(location="shop")}
)
"""


def run_dg(*arguments: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.chdir(root)
    ran = CliRunner().invoke(cli, arguments)
    return ran.exit_code, ran.output


def test_dg_lists_each_component_with_what_it_is(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, printed = run_dg(
        "list", "components", "--json", root=project({}), monkeypatch=monkeypatch
    )
    assert status == 0, printed
    listed = {entry["key"]: entry["summary"] for entry in json.loads(printed)["items"]}
    ours = {key: text for key, text in listed.items() if key.startswith("shared_lib.")}
    described = {name: inspect.getdoc(getattr(components, name)) or "" for name in NAMES}
    assert ours == {
        f"shared_lib.components.{name}": text.partition("\n\n")[0]
        for name, text in described.items()
    }


def test_dg_scaffolds_files_that_load_and_show_an_example(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project({})
    for name in OURS:
        status, printed = run_dg(
            "scaffold", "defs", f"shared_lib.components.{name}", name.lower(),
            root=root, monkeypatch=monkeypatch,
        )  # fmt: skip
        assert status == 0, printed
        written = (root / "src/shop/defs" / name.lower() / "defs.yaml").read_text()
        assert f"# type: shared_lib.components.{name}" in written
    status, printed = run_dg("check", "yaml", root=root, monkeypatch=monkeypatch)
    assert status == 0, printed
    dg.Definitions.validate_loadable(dg.load_from_defs_folder(path_within_project=root))


@pytest.mark.parametrize("name", OURS)
def test_the_example_in_a_description_is_all_that_a_project_needs(
    name: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = "import_job" if name == "Jobs" else "import_job, nightly_job"
    root = project(
        {
            "elsewhere.py": ELSEWHERE.replace("JOBS", jobs),
            "alone/defs.yaml": strict.example_of(getattr(components, name)),
        }
    )
    status, printed = run_dg("check", "yaml", root=root, monkeypatch=monkeypatch)
    assert status == 0, printed
    dg.Definitions.validate_loadable(dg.load_from_defs_folder(path_within_project=root))


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("Jobs", "retry_on_failure", "retry_on_failures"),
        ("Schedules", "skip_while_running", "skip_running"),
        ("Sensors", "glob", "globs"),
        ("WarehouseChecks", "max_age_minutes", "max_age"),
        ("DeclaredSecrets", "keys", "key"),
    ],
)
def test_a_misspelt_field_is_reported_with_file_and_line(
    name: str, right: str, wrong: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = strict.example_of(getattr(components, name))
    root = project({"alone/defs.yaml": text.replace(f"{right}:", f"{wrong}:")})
    line = next(n for n, found in enumerate(text.splitlines(), 1) if f"{right}:" in found)
    place = f"{root}/src/shop/defs/alone/defs.yaml:{line}"

    status, printed = run_dg("check", "yaml", root=root, monkeypatch=monkeypatch)
    assert (status, f"{place} - shared_lib.components.{name} " in printed) == (1, True), printed
    assert f"'{wrong}' was unexpected" in printed

    with pytest.raises(Exception, match="Error while loading component alone") as raised:
        dg.load_from_defs_folder(path_within_project=root)
    cause = raised.value.__cause__
    assert isinstance(cause, ConfigurationError)
    [found] = [text for text in str(cause).splitlines() if "unknown key" in text]
    assert found.startswith(f"{place}: attributes.")
    assert f"{wrong}: unknown key, allowed is one of:" in found
    assert right in found


def jobs(text: str) -> dict[str, str]:
    return {
        "elsewhere.py": ELSEWHERE.replace("JOBS", ""),
        "nightly/defs.yaml": f"type: shared_lib.components.Jobs\nattributes:\n  jobs:\n{text}",
    }


def test_a_selection_of_nothing_is_reported_when_all_assets_are_known(
    loaded: Load, tmp_path: Path
) -> None:
    definitions = loaded(jobs("    nightly:\n      selection: key:order\n"))
    with pytest.raises(Exception, match="nightly") as raised:
        dg.Definitions.validate_loadable(definitions)
    place = f"{tmp_path}/shop/src/shop/defs/nightly/defs.yaml:5: attributes.jobs.nightly.selection"
    assert str(raised.value.__cause__) == (
        f"{place}: 'key:order' selects nothing, did you mean orders?"
    )


def test_a_keyword_as_a_name_is_reported_with_its_line(loaded: Load, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="Error while building definitions for nightly") as raised:
        loaded(jobs("    class:\n      selection: key:orders\n"))
    place = f"{tmp_path}/shop/src/shop/defs/nightly/defs.yaml:4: attributes.jobs.class"
    assert str(raised.value.__cause__) == (
        f"{place}: 'class' is reserved by Dagster or Python, allowed is another name"
    )


def test_a_template_replaces_any_value(loaded: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETRIES", "3")
    definitions = loaded(
        jobs(
            "    nightly:\n      selection: key:orders\n"
            "      retry_on_failure: '{{ env.RETRIES }}'\n      description: '2024'\n"
        )
    )
    job = definitions.resolve_job_def("nightly")
    assert (job.tags["dagster/max_retries"], job.description) == ("3", "2024")


def test_a_function_beside_the_file_is_named_relative_to_it(loaded: Load, tmp_path: Path) -> None:
    files = jobs("    nightly:\n      function: .greeting:greet\n      arguments: {path: PATH}\n")
    note = tmp_path / "note.txt"
    definitions = loaded(
        {name: text.replace("PATH", str(note)) for name, text in files.items()}
        | {"nightly/greeting.py": "def greet(path):\n    open(path, 'w').write('hello')\n"}
    )
    assert definitions.resolve_job_def("nightly").execute_in_process().success
    assert note.read_text() == "hello"


def test_a_run_status_sensor_apart_from_its_job_says_where_it_belongs(loaded: Load) -> None:
    text = (
        "type: shared_lib.components.Sensors\nattributes:\n  sensors:\n    after:\n"
        "      {type: run_status, job: import_job, status: SUCCESS}\n"
    )
    with pytest.raises(Exception, match="Error while") as raised:
        loaded({"elsewhere.py": ELSEWHERE.replace("JOBS", "import_job"), "a/defs.yaml": text})
    assert "defs.yaml:5: attributes.sensors.after.job: import_job must be a job of the same" in str(
        raised.value.__cause__
    )


def test_the_examples_of_the_page_are_valid() -> None:
    page = (REPOSITORY_ROOT / "docs" / "components.md").read_text(encoding="utf-8")
    types = []
    for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL):
        for document in YAML(typ="safe").load_all(block):
            types.append(document["type"].rpartition(".")[2])
            component = getattr(components, types[-1], AlertPolicies)
            component.from_attributes_dict(attributes=document["attributes"])
    listed = set(re.findall(r"^\| `[a-z_]+\.components\.(\w+)`", page, re.MULTILINE))
    assert listed == {*NAMES, "AlertPolicies"}
    assert set(types) == listed - {"Schedules", "Sensors", "CodeLocation"}
