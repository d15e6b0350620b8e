"""A location is added to a copy of the repository, works, and is removed without a trace."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from new_location.__main__ import add, main, remove
from new_location.names import LocationError, NewLocation, check_name, check_owner

from shared_lib.configuration.validated_yaml import load_yaml
from shared_lib.definitions_check import workspace_modules

REPOSITORY = Path(__file__).parents[3]
GIT = ("git", "-c", "user.name=test", "-c", "user.email=test@example.com")
MARKETING = NewLocation("marketing_data", "team:marketing", has_models=True)
# What the rest of the repository demands of every location.
LISTS = (
    "tests/smoke/test_definitions.py::test_the_workspace_names_exactly_the_locations_on_disk",
    "tests/integration/deploy/test_chart.py",
    "tests/integration/deploy/test_files.py",
    "tests/integration/deploy/test_image.py",
    "tests/smoke/test_dbt_project.py",
)
PARSE = (
    "from shared_lib.dbt.project import TARGET_DIRECTORY\n"
    "from shared_lib.discovery.dbt.preparation import parse\n"
    "parse('marketing_data', TARGET_DIRECTORY / 'marketing_data')\n"
)


def git(repository: Path, *arguments: str) -> str:
    return subprocess.run(
        [*GIT, *arguments], cwd=repository, capture_output=True, text=True, check=True
    ).stdout


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files of the repository as they are, committed to a repository of their own."""
    repository = tmp_path / "repository"
    repository.mkdir()
    names = git(REPOSITORY, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in names:
        if (REPOSITORY / name).is_file():
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, repository / name)
    git(repository, "init", "--quiet")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "As it is")
    return repository


def in_copy(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    packages = [repository / "shared_lib", *repository.glob("code_locations/*"), repository]
    path = os.pathsep.join(map(str, packages))
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )


def parse_dbt_project(repository: Path) -> None:
    """Parse once: for every location, as it differs between them in the warehouse's name alone."""
    parsed = in_copy(repository, "timeit", "-n", "1", "-r", "1", PARSE)
    assert parsed.returncode == 0, parsed.stderr
    target = repository / "dbt_project/target"
    (target / "marketing_data/column_lineage.json").write_text("{}")
    for other in ("simulation", "gocardless"):
        shutil.copytree(target / "marketing_data", target / other)


def test_a_location_is_added_works_and_is_removed(copy: Path, tmp_path: Path) -> None:
    add(MARKETING, copy)
    parse_dbt_project(copy)
    assert list(workspace_modules(copy / "workspace.yaml"))[-1] == "marketing_data"

    alone = copy / "alone.yaml"
    module = {"module_name": "marketing_data.definitions", "location_name": "marketing_data"}
    alone.write_text(json.dumps({"load_from": [{"python_module": module}]}))
    loaded = in_copy(copy, "shared_lib.definitions_check", "--workspace", str(alone))
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.startswith("marketing_data: 2 assets, 2 checks, 1 jobs")
    alone.unlink()
    models = load_yaml(copy / "dbt_project/models/marketing_data/_marketing_data.yml")
    assert models["groups"][0]["owner"] == {"name": "marketing"}
    project = ("--target-path", str(copy / "code_locations/marketing_data"))
    listed = in_copy(copy, "dagster_dg_cli.cli", "list", "defs", "--json", *project)
    assert listed.returncode == 0, listed.stderr
    assert "marketing_data" in listed.stdout

    # the image's packages follow from uv.lock, which `make location` writes
    by_lock = "not bill_of_materials and not hashed_packages and not in_the_file_that_it_writes"
    tests = ("pytest", "-q", "-p", "no:cacheprovider", "-k", by_lock)
    passed = in_copy(copy, *tests, "tests/unit/marketing_data", *LISTS)
    assert passed.returncode == 0, passed.stdout
    linted = in_copy(copy, "ruff", "check", "--no-cache", ".")
    assert linted.returncode == 0, linted.stdout
    assert in_copy(copy, "ruff", "format", "--no-cache", "--check", ".").returncode == 0

    remove("marketing_data", copy)
    assert git(copy, "status", "--porcelain") == ""


def test_the_tutorial_leads_from_a_new_location_to_the_alert_of_its_failed_run(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands that a reader types, without `make`, with the page's own code and output."""
    page = (copy / "docs/tutorial.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    shown = re.search(r"```text\n(marketing_job: .*?)\n```", page, re.DOTALL)
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(copy / "dagster.local.yaml", home / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    add(NewLocation("marketing", "team:marketing"), copy)
    (copy / "code_locations/marketing/marketing/assets.py").write_text(code)
    job = ("dagster", "job", "execute", "-m", "marketing.definitions", "-j", "marketing_job")
    failed = in_copy(copy, *job)
    assert failed.returncode == 1
    (run,) = set(re.findall(r"Run ([0-9a-f-]{36}) resulted in failure", failed.stderr))
    preview = in_copy(copy, "orchestration_platform.alerts", "preview", run[:8])
    assert preview.returncode == 0, preview.stderr
    assert shown
    for line in shown[1].splitlines():
        assert " ".join(line.split()) in " ".join(preview.stdout.split())

    (copy / "code_locations/marketing/marketing/assets.py").write_text(
        code.replace('"social": 800', '"social": 800, "print": 500')
    )
    assert in_copy(copy, *job).returncode == 0
    (copy / "code_locations/marketing/marketing/assets.py").unlink()
    remove("marketing", copy)
    assert git(copy, "status", "--porcelain") == ""


def test_import_contracts_cover_the_location(copy: Path) -> None:
    add(MARKETING, copy)
    linter = tomllib.loads((copy / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert "marketing_data" in linter["root_packages"]
    assert [
        contract["name"]
        for contract in linter["contracts"]
        for modules in contract.values()
        if isinstance(modules, list) and "marketing_data" in modules
    ] == [
        "A code location never imports another",
        "The shared library imports no code location",
        "Nothing of the platform imports a sandbox",
        "A sandbox imports no code location",
    ]


def test_locations_are_removed_in_any_order(copy: Path) -> None:
    for name in ("first_one", "second", "third"):
        add(NewLocation(name, "data@example.com"), copy)
    for name in ("second", "third", "first_one"):
        remove(name, copy)
    assert git(copy, "status", "--porcelain") == ""


def test_nothing_is_overwritten_and_no_work_is_lost(copy: Path) -> None:
    add(MARKETING, copy)
    before = git(copy, "status", "--porcelain", "--untracked-files=all")
    with pytest.raises(LocationError, match="is there already"):
        add(MARKETING, copy)
    work = copy / "code_locations/marketing_data/marketing_data/campaigns.py"
    work.write_text("COSTS = 1\n")
    with pytest.raises(LocationError, match=r"would be lost: .*campaigns\.py"):
        remove("marketing_data", copy)
    work.unlink()
    values = copy / "deploy/helm/values.yaml"
    text = values.read_text()
    values.write_text(text.replace("limits: {memory: 2Gi}", "limits: {memory: 8Gi}"))
    with pytest.raises(LocationError, match=r"values\.yaml has been changed by hand"):
        remove("marketing_data", copy)
    values.write_text(text)
    assert git(copy, "status", "--porcelain", "--untracked-files=all") == before


@pytest.mark.parametrize(
    ("lock", "status", "message"),
    [
        ("echo broken >uv.lock; exit 3", 1, "failed with 3; nothing was changed"),
        ("echo broken >uv.lock; kill -INT $PPID; exec sleep 60", 130, "interrupted, nothing was"),
    ],
)
def test_an_interrupted_command_changes_nothing(
    lock: str, status: int, message: str, copy: Path
) -> None:
    """Neither what adds a location nor what removes it, also one that is committed."""
    arguments = ("new_location", "--lock", shlex.join(["sh", "-c", lock]), "marketing_data")
    added = in_copy(copy, *arguments, "--dbt")
    assert added.returncode == status
    assert message in added.stderr
    assert git(copy, "status", "--porcelain", "--ignored") == ""
    assert not (copy / "tests/unit/marketing_data").exists()

    add(MARKETING, copy)
    git(copy, "add", "--all")
    git(copy, "commit", "--quiet", "--message", "With it")
    removed = in_copy(copy, *arguments, "--remove")
    assert removed.returncode == status
    assert message in removed.stderr
    assert git(copy, "status", "--porcelain", "--ignored") == ""


def test_what_git_ignores_of_another_branch_is_in_no_way(copy: Path) -> None:
    """After the switch to a branch without the location, its folder has files that git ignores."""
    left = copy / "code_locations/marketing_data/.env"
    left.parent.mkdir()
    left.write_text("DG_PROJECT_PYTHON_EXECUTABLE=../../.venv/bin/python\n")
    add(MARKETING, copy)
    remove("marketing_data", copy)
    assert git(copy, "status", "--porcelain") == ""


def test_without_git_nothing_is_removed(copy: Path) -> None:
    add(MARKETING, copy)
    (copy / ".git").rename(copy / "not_git")
    with pytest.raises(LocationError, match="git does not say which files are committed"):
        remove("marketing_data", copy)
    assert (copy / "code_locations/marketing_data/pyproject.toml").is_file()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sales-data", "did you mean sales_data"),
        ("Sales", "did you mean sales"),
        ("2sales", "not the name of a Python package"),
        ("sales_", "did you mean sales"),
        ("class", "a word of Python"),
        ("match", "a word of Python"),
        ("order", "a word of SQL"),
        ("left", "a word of SQL"),
        ("null", "not text in a YAML file"),
        ("yes", "not text in a YAML file"),
        ("märkte", "did you mean markte"),
        ("Ünïcode", "did you mean unicode"),
        ("Class", "a letter first$"),
        ("销售", "a letter first$"),
        ("claims", "a schema of the warehouses"),
        ("root", "a policy of Vault"),
        ("pg_sales", "begins as Postgres's own schemas do"),
        ("marts", "a schema of the warehouses"),
        ("webserver", "a service, network or volume"),
        ("s" * 46, "has 46 characters, allowed are 45"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, message: str) -> None:
    with pytest.raises(LocationError, match=message):
        check_name(name)


@pytest.mark.parametrize(
    "name", ["simulation", "json", "requests", "bench", "pyyaml", "scikit_learn"]
)
def test_a_name_that_is_taken_is_refused(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name]) == 1
    assert f"NAME={name}" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["bank", "people_analytics"])
def test_models_need_a_folder_and_a_group_of_their_own(name: str, copy: Path) -> None:
    add(NewLocation(name, "team:a"), copy)
    remove(name, copy)
    with pytest.raises(LocationError, match=r"dbt_project/models/bank is|models/groups\.yml"):
        add(NewLocation(name, "team:a", has_models=True), copy)


@pytest.mark.parametrize(
    "owner",
    [
        "marketing",
        "team: a",
        "a@b",
        'team:"x"',
        "jürgen@example.com",
        "a#b@example.com",
        "a@b.c",
        "<a@example.com>",
    ],
)
def test_an_owner_that_dagster_refuses_is_refused(owner: str) -> None:
    with pytest.raises(LocationError, match="allowed are an e-mail address and team:name"):
        check_owner(owner)


def test_a_location_that_is_not_there_is_not_removed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["no_such_location", "--remove"]) == 1
    assert "there is no code_locations/no_such_location" in capsys.readouterr().err
