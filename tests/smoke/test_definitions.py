"""Every location loads, and one that does not is reported."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared_lib import definitions_check
from shared_lib.configuration.workspace_file import PythonModule, workspace_locations
from shared_lib.definitions_check import LocationReport, check_in_own_process, workspace_modules
from shared_lib.discovery.workspace import location_files

REPOSITORY = Path(__file__).parents[2]
SNAPSHOT = Path(__file__).with_name("asset_graph.txt")


@pytest.fixture(scope="module")
def reports() -> dict[str, LocationReport]:
    return {name: check_in_own_process(found) for name, found in workspace_locations().items()}


def test_the_workspace_names_exactly_the_locations_on_disk() -> None:
    on_disk = {path.parent.name for path in REPOSITORY.glob("code_locations/*/pyproject.toml")}
    assert set(workspace_modules()) == on_disk
    for name, module in workspace_modules().items():
        assert module == f"{name}.definitions"


@pytest.mark.parametrize("location", sorted(workspace_modules()))
def test_a_location_loads_without_network_warning_or_gap(
    location: str, reports: dict[str, LocationReport]
) -> None:
    report = reports[location]
    assert report.problems == []
    assert report.assets > 0


@pytest.fixture(scope="module")
def loaded() -> subprocess.CompletedProcess[str]:
    """A process that loads all locations; prints the asset graph, and what it imported."""
    program = (
        "import importlib, sys\n"
        "from shared_lib.definitions_check import workspace_modules\n"
        "for module in workspace_modules().values():\n"
        "    graph = importlib.import_module(module).defs.get_repository_def().asset_graph\n"
        "    for key in sorted(graph.get_all_asset_keys()):\n"
        "        parents = sorted(p.to_user_string() for p in graph.get(key).parent_keys)\n"
        "        print(key.to_user_string(), '<-', ', '.join(parents))\n"
        "print(*sys.modules, sep='\\n', file=sys.stderr)\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    return found


def test_the_asset_graph_is_the_one_that_was_reviewed(
    loaded: subprocess.CompletedProcess[str],
) -> None:
    """A changed graph shows as a diff; when it is meant, write the new text to the file."""
    assert loaded.stdout == SNAPSHOT.read_text(encoding="utf-8")


@pytest.mark.parametrize("library", ["alembic", "altair", "pandas", "rich", "scipy", "starlette"])
def test_loading_imports_no_library_that_only_a_run_needs(
    library: str, loaded: subprocess.CompletedProcess[str]
) -> None:
    assert library not in loaded.stderr.splitlines()


BROKEN = {
    "missing_module": (
        "import dagster as dg\nimport no_such_module\ndefs = dg.Definitions()\n",
        "No module named 'no_such_module'",
    ),
    "empty_selection": (
        "import dagster as dg\n"
        "@dg.asset(owners=['a@example.com'], group_name='g', kinds={'python'})\n"
        "def kept():\n    'Kept.'\n"
        "nothing = dg.AssetSelection.groups('nobody')\n"
        "defs = dg.Definitions([kept], jobs=[dg.define_asset_job('empty', nothing)])\n",
        "job empty selects nothing",
    ),
    "unknown_resource": (
        "import dagster as dg\n"
        "@dg.asset(required_resource_keys={'absent'}, owners=['a@example.com'],"
        " group_name='g', kinds={'python'})\n"
        "def needs_it():\n    'Needs what nobody provides.'\n"
        "defs = dg.Definitions([needs_it])\n",
        "absent",
    ),
    "bare_asset": (
        "import dagster as dg\n@dg.asset\ndef bare(): ...\ndefs = dg.Definitions([bare])\n",
        "asset bare has no owner and no group and no kind and no description",
    ),
    "no_freshness": (
        "import dagster as dg\n"
        "@dg.asset(owners=['a@example.com'], group_name='g', kinds={'python'})\n"
        "def kept():\n    'Kept.'\n"
        "defs = dg.Definitions([kept])\n",
        "asset kept has no freshness policy and no reason why not",
    ),
    "network": (
        "import socket, dagster as dg\n"
        "socket.create_connection(('127.0.0.1', 9), timeout=1)\ndefs = dg.Definitions()\n",
        "must not use the network",
    ),
    "warning": (
        "import warnings, dagster as dg\nwarnings.warn('look here')\ndefs = dg.Definitions()\n",
        "look here",
    ),
    "syntax": ("import dagster as dg\ndefs = (\n", "was never closed"),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_broken_definitions_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, expected = BROKEN[name]
    (tmp_path / f"broken_{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    report = check_in_own_process(PythonModule(module_name=f"broken_{name}"))
    assert any(expected in problem for problem in report.problems), report.problems


def test_a_slow_load_is_refused() -> None:
    location = PythonModule(module_name="gocardless.definitions")
    report = check_in_own_process(location, time_limit_seconds=0)
    assert any("of CPU to load, allowed: 0 s" in problem for problem in report.problems)


def test_each_form_of_a_location_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "stall").mkdir()
    asset = (
        "import dagster as dg\n"
        "@dg.asset(owners=['a@example.com'], group_name='g', kinds={'python'},"
        " metadata={'no_freshness_policy': 'Made on request.'})\n"
        "def kept():\n    'Kept.'\n"
    )
    (tmp_path / "shop.py").write_text(f"{asset}defs = dg.Definitions([kept])\n")
    (tmp_path / "tills.py").write_text(
        f"{asset}one = dg.Definitions([kept])\nother = dg.Definitions()\n"
    )
    (tmp_path / "inside" / "office.py").write_text("raise RuntimeError('closed')\n")
    (tmp_path / "stall" / "__init__.py").write_text(f"{asset}defs = dg.Definitions([kept])\n")
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(
        "load_from:\n"
        "  - python_file: shop.py\n"
        "  - python_file: {relative_path: tills.py, attribute: one}\n"
        "  - python_module: {module_name: office, working_directory: inside}\n"
        "  - python_package: {package_name: stall, working_directory: .}\n"
        "  - grpc_server: {host: 127.0.0.1, port: 9}\n"
    )

    assert definitions_check.main(["--workspace", str(workspace)]) == 1

    found = capfd.readouterr()
    assert [line.split(",")[0] for line in found.out.splitlines()] == [
        "shop.py: 1 assets",
        "tills.py:one: 1 assets",
        "office: 0 assets",
        "stall: 1 assets",
        "grpc:127.0.0.1:9: 0 assets",
    ]
    assert found.err.splitlines() == [
        "office: RuntimeError: closed",
        "grpc:127.0.0.1:9: no code server answers at 127.0.0.1:9: start it",
    ]
    workspace.write_text(workspace.read_text().replace("  - python_package", "  # python_package"))
    assert location_files(workspace) == {}


def test_two_locations_that_make_the_same_asset_are_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    asset = (
        "import dagster as dg\n"
        "@dg.asset(key=['sales', 'daily'], owners=['a@example.com'], group_name='g',"
        " kinds={'python'}, metadata={'no_freshness_policy': 'Made on request.'})\n"
        "def kept():\n    'Kept.'\n"
    )
    (tmp_path / "shop.py").write_text(f"{asset}defs = dg.Definitions([kept])\n")
    (tmp_path / "till.py").write_text(f"{asset}defs = dg.Definitions([kept])\n")
    # what only declares the asset may depend on it
    declared = f"{asset}defs = dg.Definitions([next(iter(kept.specs))])\n"
    (tmp_path / "stall.py").write_text(declared)
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text("load_from:\n  - python_file: shop.py\n  - python_file: stall.py\n")

    assert definitions_check.main(["--workspace", str(workspace)]) == 0, capfd.readouterr().err
    with workspace.open("a") as file:
        file.write("  - python_file: till.py\n")
    assert definitions_check.main(["--workspace", str(workspace)]) == 1

    [line] = capfd.readouterr().err.splitlines()
    assert line.startswith("asset sales/daily is made by shop.py and by till.py: only one")


def test_a_mistake_in_a_workspace_is_reported_with_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text("load_from:\n  - python_modul: {module_name: shop}\n")
    with pytest.raises(SystemExit):
        definitions_check.main(["--workspace", str(workspace)])
    assert f"{workspace}:2: load_from.0.python_modul: unknown key" in capsys.readouterr().err


def test_the_command_fails_for_a_workspace_with_a_broken_location(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_location.py").write_text("raise RuntimeError('no')", encoding="utf-8")
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text(
        "load_from:\n  - python_module:\n      module_name: broken_location\n"
        "      location_name: broken\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = subprocess.run(
        [sys.executable, "-m", "shared_lib.definitions_check", "--workspace", str(workspace)],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1
    assert "broken: RuntimeError: no" in run.stderr
