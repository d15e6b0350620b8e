"""The command line, Dagster's ``dg``, the component and the schema for editors."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib import definitions_check
from shared_lib.configuration import workspace_file
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.configuration.validated_yaml import load_yaml
from shared_lib.dbt import project
from shared_lib.definitions_check import workspace_modules
from shared_lib.discovery import __main__ as command
from shared_lib.discovery import documents, workspace
from simulation.config import documents as simulation_documents

EXAMPLES = REPOSITORY_ROOT / "examples/orchestration.yaml"
SIMULATION = REPOSITORY_ROOT / "code_locations/simulation/simulation/orchestration.yaml"


def test_every_location_is_ok_and_the_examples_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["validate"]) == 0
    assert capsys.readouterr().out.count(": OK") == len(workspace_modules())

    assert command.main(["validate", str(EXAMPLES)]) == 0


def test_a_wrong_file_fails_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "orchestration.yaml"
    file.write_text("executor: threads\n")

    assert command.main(["validate", str(file)]) == 1

    assert f"{file}:1: executor: 'threads' is not allowed" in capsys.readouterr().err


def test_what_a_sensor_watches_in_another_location_has_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    file = tmp_path / "orchestration.yaml"
    file.write_text(
        "asset_modules: [demonstration.trials]\n"
        "jobs: {next: {selection: 'key:plain'}}\nsensors:\n"
        "  jobs: {type: run_status, job: next, status: SUCCESS, monitored_jobs: ["
        "'simulation:single_year_simulation',\n"
        "    'simulation:single_year', 'simulatoin:single_year_simulation']}\n"
        "  assets: {type: asset, job: next, assets: ['simulation:censsus']}\n"
    )

    assert command.main(["validate", str(file)]) == 1

    shown = capsys.readouterr().err.replace(f"{file}:", "").splitlines()
    # a location of another name may be meant as well
    assert re.fullmatch(
        r"5: sensors.jobs.monitored_jobs.2: there is no location simulatoin, did you mean "
        r"simulation( or \w+)?\?",
        shown.pop(1),
    )
    assert shown == [
        "5: sensors.jobs.monitored_jobs.1: the location simulation has no job single_year, did you "
        "mean single_year_simulation?",
        "6: sensors.assets.assets.0: the location simulation has no asset censsus, did you mean "
        "census or census_file?",
    ]


@pytest.mark.parametrize(
    ("watched", "shown"),
    [
        ("{type: run_status, status: SUCCESS, monitored_jobs: ['post:send'], job: sell}", True),
        ("{type: asset, assets: ['post:plain'], job: sell}", True),
        ("{type: run_status, status: SUCCESS, monitored_jobs: ['post:other'], job: sell}", False),
    ],
)
def test_sensors_of_two_locations_that_start_one_another_are_reported_with_their_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    watched: str,
    shown: bool,  # noqa: FBT001 - of a case
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    files = {name: tmp_path / name / "orchestration.yaml" for name in ("shop", "post")}
    texts = {
        "shop": f"jobs: {{sell: {{selection: 'key:after'}}}}\nsensors:\n  after_post: {watched}\n",
        "post": "jobs: {send: {selection: 'key:plain'}, other: {selection: 'key:failing'}}\n"
        "sensors:\n  after_shop: "
        "{type: run_status, status: SUCCESS, monitored_jobs: ['shop:sell'], job: send}\n",
    }
    for name, file in files.items():
        file.parent.mkdir()
        file.write_text("asset_modules: [demonstration.trials]\n" + texts[name])
    monkeypatch.setattr(workspace, "location_files", lambda: files)
    monkeypatch.setattr(workspace_file, "workspace_locations", lambda: files)
    monkeypatch.setattr(command, "made_in_two", lambda _: [])

    status = command.main(["validate", *map(str, files.values())])

    said = capsys.readouterr().err
    ring = "starts jobs in a ring, post:send -> shop:sell -> post:send: leave out one of them"
    assert (status, said) == (
        (1, f"{files['post']}:4: sensors.after_shop: {ring}\n") if shown else (0, "")
    )


def test_a_project_that_is_not_parsed_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(project, "TARGET_DIRECTORY", tmp_path)
    project.load_manifest.cache_clear()

    assert command.main(["validate", str(SIMULATION)]) == 1

    missing = tmp_path / "simulation" / "manifest.json"
    assert capsys.readouterr().err == f"{missing} is missing: run `make manifest`\n"


def test_a_missing_workspace_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        definitions_check.main(["--workspace", str(tmp_path / "workspace.yaml")])

    assert f"argument --workspace: {tmp_path}/workspace.yaml: no" in capsys.readouterr().err


@pytest.mark.parametrize("module", ["shared_lib.discovery", "simulation.config.documents"])
def test_help_writes_no_page(module: str) -> None:
    written = [
        reference.path for reference in (*documents.REFERENCES, *simulation_documents.REFERENCES)
    ]
    before = [page.stat().st_mtime_ns for page in written]

    asked = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True)

    assert f"usage: python -m {module}" in asked.stdout
    assert [page.stat().st_mtime_ns for page in written] == before


def test_the_list_names_what_the_location_has(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["list", str(SIMULATION)]) == 0

    lines = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert {"int_employee_years", "multi_year_simulation", "jobs (11)"} <= set(lines)


def test_an_explanation_shows_where_each_attribute_is_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["explain", "census", str(SIMULATION)]) == 0

    output = capsys.readouterr().out
    lines = SIMULATION.read_text().splitlines()
    kinds = lines.index("    kinds: [csv, duckdb]") + 1
    assert f"kinds: csv, duckdb  ({SIMULATION}:{kinds})" in output
    assert "partitions: none  (nowhere)" in output


def test_an_asset_that_is_not_there_is_answered_with_the_nearest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["explain", "cenzus", str(SIMULATION)]) == 1

    answer = capsys.readouterr().err
    assert "there is no asset cenzus, did you mean census or census_file?" in answer


@pytest.fixture
def own_location(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes a location with a resource of its own that no module ``resources`` has."""

    def write(package: str) -> Path:
        folder = tmp_path / package
        folder.mkdir()
        (folder / "__init__.py").touch()
        (folder / "assets.py").write_text(
            "import dagster as dg\n\n"
            "@dg.asset\ndef letters(mailer: dg.ResourceParam[str]) -> None:\n    print(mailer)\n"
        )
        (folder / "definitions.py").write_text(
            "from shared_lib.discovery import build_definitions\n\n"
            "defs = build_definitions(__file__, resources={'mailer': 'by post'})\n"
        )
        file = folder / "orchestration.yaml"
        file.write_text(
            "asset_modules: [.assets]\nassets: [{match: letters, group: post}]\n"
            "jobs: {send: {selection: 'key:letters'}}\n"
        )
        return file

    monkeypatch.syspath_prepend(str(tmp_path))
    return write


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [(["validate"], ": OK"), (["list"], "send"), (["explain", "letters"], "group: post")],
)
def test_resources_of_the_definitions_module_are_known(
    own_location: Callable[[str], Path],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    printed: str,
) -> None:
    file = own_location(f"post_{arguments[0]}")

    assert command.main([*arguments, str(file)]) == 0
    first = capsys.readouterr().out
    file.write_text("jobs: 7\n" + file.read_text().replace("jobs", "schedules"))
    assert command.main([*arguments, str(file)]) == 1

    assert printed in first
    assert f"{file}:1: jobs: 7 is not allowed" in capsys.readouterr().err


def test_a_definitions_module_that_cannot_be_imported_is_reported(
    own_location: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    file = own_location("post_broken")
    module = file.with_name("definitions.py")
    module.write_text("import no_such_library\n")

    assert command.main(["validate", str(file)]) == 1

    assert f"{module}: cannot be imported: ModuleNotFoundError" in capsys.readouterr().err


def test_two_locations_that_make_the_same_asset_are_refused(
    own_location: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(own_location(name)) for name in ("post_one", "post_two")]

    assert command.main(["validate", files[0]]) == 0
    assert command.main(["validate", *files]) == 1

    text = f"asset letters is made by {files[0]} and by {files[1]}: only one location may make it"
    assert text in capsys.readouterr().err


def test_the_schema_is_current_and_accepts_the_files() -> None:
    assert command.main(["documents", "--check"]) == 0

    schema = json.loads((REPOSITORY_ROOT / "schemas/orchestration.schema.json").read_text())
    files = [*REPOSITORY_ROOT.glob("code_locations/*/*/orchestration.yaml")]
    assert len(files) == len(workspace_modules())
    for file in [*files, REPOSITORY_ROOT / "examples/orchestration.yaml"]:
        jsonschema.validate(load_yaml(file), schema)
        assert "$schema=" in file.read_text()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"jobs": {"j": {"selektion": "*"}}}, schema)


@pytest.fixture
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh home as `make setup` writes it, which several processes may open at once."""
    shutil.copy(REPOSITORY_ROOT / "dagster.local.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("dagster_home")
@pytest.mark.parametrize("location", sorted(workspace_modules()))
def test_dg_lists_and_checks_the_location(location: str) -> None:
    dg = Path(sys.executable).with_name("dg")
    directory = REPOSITORY_ROOT / "code_locations" / location

    # at the same time: each imports Dagster, which takes seconds
    running = [
        subprocess.Popen(
            [dg, *arguments],
            cwd=directory,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in (["list", "defs", "--json"], ["check", "defs"])
    ]

    for process in running:
        _, output = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, output


@pytest.mark.usefixtures("dagster_home")
def test_dg_checks_all_locations_from_the_root_and_lists_one() -> None:
    running = [
        subprocess.Popen(
            [Path(sys.executable).with_name("dg"), *arguments],
            cwd=REPOSITORY_ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for arguments in (
            ["check", "defs"],
            ["list", "defs", "--target-path", "code_locations/simulation"],
            ["list", "projects"],
        )
    ]
    printed = []
    for process in running:
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, output
        printed.append(output)
    listed = {Path(line).name for line in printed[-1].splitlines()}
    assert listed == set(workspace_modules())
    assert not re.search("[A-Za-z]Warning", "".join(printed))


def test_the_component_returns_the_definitions_of_its_file(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / "src" / "shop" / "defs" / "demo"
    folder.mkdir(parents=True)
    for package in (folder.parents[1], folder.parent):
        (package / "__init__.py").touch()
    (tmp_path / "shop" / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "0"\n'
        '[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "shop"\n'
    )
    (folder.parents[1] / "definitions.py").write_text(
        "from pathlib import Path\nimport dagster as dg\n\n"
        "@dg.definitions\ndef defs():\n"
        "    return dg.load_from_defs_folder(path_within_project=Path(__file__).parent)\n"
    )
    (folder / "defs.yaml").write_text(
        "type: shared_lib.discovery.CodeLocation\nattributes:\n  path: orchestration.yaml\n"
    )
    # another file of the project has the resource that some of the assets need
    (folder.parent / "resources.py").write_text(
        "import dagster as dg\n"
        "defs = dg.Definitions(resources={'warehouse': dg.ResourceDefinition.none_resource()})\n"
    )
    (folder / "orchestration.yaml").write_text(
        "asset_modules: [examples.assets]\nassets:\n  - {match: orders, group: trade}\n"
    )
    program = (
        "from shop import definitions\n"
        "specs = definitions.defs().resolve_all_asset_specs()\n"
        "print({spec.key.to_user_string(): spec.group_name for spec in specs}['orders'])"
    )

    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env={"PYTHONPATH": f"{tmp_path / 'shop' / 'src'}:{REPOSITORY_ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.stdout.strip() == "trade", ran.stderr
