"""A dbt project in a ``defs.yaml`` is built and reported as one of ``orchestration.yaml``."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner
from dagster_dg_cli.cli import cli
from tests.integration.components.conftest import loaded, project  # noqa: F401 - fixtures
from tests.integration.observability.conftest import MakeInstance
from tests.integration.observability.shop import YEARS
from tests.integration.observability.test_dbt_models import NODES

from sandboxes.telemetry import receiving
from shared_lib.dbt.project import DBT_EXECUTABLE

Load = Callable[[Mapping[str, str]], dg.Definitions]

ELSEWHERE = """\
import dagster as dg
from tests.integration.observability.shop import raw_orders

from shared_lib.warehouse import Warehouse

defs = dg.Definitions(
    assets=[raw_orders],
    jobs=[dg.define_asset_job("everything", selection="*")],
    resources={"warehouse": Warehouse(location="shop", wait_seconds=0)},
    executor=dg.in_process_executor,
)
"""


@pytest.fixture(autouse=True)
def dbt_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dagster's component looks for it there."""
    monkeypatch.setenv("PATH", f"{DBT_EXECUTABLE.parent}{os.pathsep}{os.environ['PATH']}")


def models(shop: Path, **attributes: object) -> str:
    return json.dumps(
        {
            "type": "shared_lib.components.ObservedDbtProject",
            "attributes": {
                "project": str(shop / "dbt_project"),
                "cli_args": ["build", *YEARS],
                "op": {"name": "shop_models", "pool": "shop_warehouse"},
                # names that only this project has
                "translation": {"key": "sold/{{ node.name }}"},
                **attributes,
            },
        }
    )


def test_each_node_is_reported_to_dagster_and_to_the_endpoint(
    loaded: Load,  # noqa: F811
    shop: Path,
    instance: MakeInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    definitions = loaded({"elsewhere.py": ELSEWHERE, "models/defs.yaml": models(shop)})
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(shop / "data"))
    with receiving() as receiver, instance() as dagster:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        ran = definitions.resolve_job_def("everything").execute_in_process(
            instance=dagster, raise_on_error=False
        )
    made = {
        event.asset_key.to_user_string(): event.materialization.metadata
        for event in ran.get_asset_materialization_events()
        if event.asset_key
    }
    assert set(made) == {
        "raw_orders", *(f"sold/{n}" for n in ("prices", "sales", "sales_by_year", "price_history")),
    }  # fmt: skip
    assert made["sold/sales"]["dagster/row_count"].value == 3
    checks = {check.check_name: check.passed for check in ran.get_asset_check_evaluations()}
    assert checks["accepted_values_sales_by_year_amount__False__6"] is False
    observed = {event.asset_key.path[-1] for event in ran.get_asset_observation_events()}
    assert {"tariffs", "invoices"} <= observed
    spans = {span.name: span for span in receiver.spans if "dbt.unique_id" in span.attributes}
    reported = {name: span.attributes["dbt.status"] for name, span in spans.items()}
    assert {name: reported[name] for name in NODES} == NODES
    failure = ran.failure_data_for_node("shop_models")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "there is no tariff for pear" in str(failure.user_failure_data.metadata)


def test_another_command_than_build_is_refused(
    loaded: Load,  # noqa: F811
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    files = {"elsewhere.py": ELSEWHERE, "models/defs.yaml": models(shop, cli_args=["run"])}
    definitions = loaded(files)
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(shop / "data"))
    with pytest.raises(Exception, match="'run' is not allowed, allowed is build with its options"):
        definitions.resolve_job_def("everything").execute_in_process()


def test_dg_scaffolds_a_file_that_loads(
    project: Callable[[Mapping[str, str]], Path],  # noqa: F811
    shop: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = project({"elsewhere.py": ELSEWHERE})
    monkeypatch.chdir(root)
    # dbt parses before a run has a warehouse
    monkeypatch.delenv("DBT_DUCKDB_PATH", raising=False)
    arguments = ["shared_lib.components.ObservedDbtProject", "models"]
    ran = CliRunner().invoke(
        cli, ["scaffold", "defs", *arguments, "--project-path", str(shop / "dbt_project")]
    )
    assert ran.exit_code == 0, ran.output
    definitions = dg.load_from_defs_folder(path_within_project=root)
    keys = {key.to_user_string() for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert {"raw_orders", "prices", "invoices"} <= keys
