"""The features of dbt that a location can use, in a project of its own that dbt really builds."""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.dbt import project
from shared_lib.dbt.invocation import invoke_dbt
from shared_lib.dbt.lineage import compute_column_lineage, write_column_lineage
from shared_lib.dbt.variables import variable_arguments
from shared_lib.discovery import Location, load_location
from shared_lib.warehouse import Warehouse

NAME = "dbt_shop"
# also the order of one piece
VARIABLES = {"least_pieces": 1}
Load = Callable[[str], Location]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home with the parsed project, another build's manifest, and a warehouse with orders."""
    home = tmp_path_factory.mktemp(NAME)
    directory, target = home / "project", home / "project/target" / NAME
    shutil.copytree(Path(__file__).parent / "project", directory)
    file = home / f"{NAME}.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute(
            "create schema raw; create schema published; "
            "create table raw.orders as from (values (date '2024-05-01', 'pear', 2), "
            "(date '2025-06-01', 'plum', 4), (date '2025-07-01', 'plum', 1)) "
            "as orders (day, article, pieces); "
            "create table published.tariffs as from (values ('pear', 1), ('plum', 2)) "
            "as tariffs (article, tariff)"
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLATFORM_DATA_DIRECTORY", str(home))
        patch.setenv("DBT_TARGET_PATH", str(directory / "target"))
        patch.setattr(project, "PROJECT_DIRECTORY", directory)
        patch.setattr(project, "TARGET_DIRECTORY", directory / "target")
        invoke_dbt(
            ["compile", *variable_arguments(VARIABLES)],
            warehouse=file,
            target=target,
            on_event=lambda _: None,
            project_directory=directory,
        )
        manifest = json.loads((target / "manifest.json").read_bytes())
        tariffs = manifest["nodes"]["model.shop.tariffs"]
        tariffs["schema"] = "published"
        tariffs["relation_name"] = f'"{NAME}"."published"."tariffs"'
        (home / "state").mkdir()
        (home / "state/manifest.json").write_text(json.dumps(manifest))
        yield home


@pytest.fixture(scope="module")
def load(home: Path) -> Load:
    """Loads a location whose file has the given fields of the section ``dbt``."""

    def location(fields: str) -> Location:
        file = home / NAME / "orchestration.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(f"dbt:\n  name: shop_models\n  project: {home}/project\n{fields}")
        return load_location(file, resources={"warehouse": Warehouse(location=NAME)})

    return location


@pytest.fixture(scope="module")
def location(load: Load, home: Path) -> Location:
    fields = f"  vars: {VARIABLES}\n  selector: shop\n  key_prefix: shop\n  state: {home}/state\n"
    return load(fields)


@pytest.mark.sees("dbt.selector", "dbt.key_prefix")
def test_a_selector_of_the_project_chooses_the_models_and_their_keys_have_the_prefix(
    location: Location,
) -> None:
    graph = location.definitions.resolve_asset_graph()
    made = {key.to_user_string() for key in graph.materializable_asset_keys}
    names = ("net", "price_history", "prices", "sales", "totals", "wide")
    assert made == {f"shop/{name}" for name in names}
    assert graph.get(dg.AssetKey(["shop", "sales"])).parent_keys == {
        dg.AssetKey("raw_orders"),
        dg.AssetKey(["shop", "price_history"]),
    }


def test_an_exposure_of_the_models_is_an_asset_that_nothing_makes(location: Location) -> None:
    specs = {spec.key: spec for spec in location.definitions.resolve_all_asset_specs()}
    board = specs[dg.AssetKey(["exposure", "sales_board"])]
    read = {dep.asset_key.to_user_string() for dep in board.deps}
    assert read == {"raw_orders", "shop/net"}
    assert board.owners == ["ada@example.com"]
    assert board.kinds == {"dbt", "dashboard"}
    assert board.group_name == f"{NAME}_exposures"
    assert board.description == "What the shop's managers look at."
    assert board.metadata["url"] == dg.MetadataValue.url("https://boards.example/sales")
    # that one reads no model of the location
    assert dg.AssetKey(["exposure", "tariff_list"]) not in specs


@pytest.mark.sees("dbt.state", "dbt.vars")
def test_one_run_builds_models_in_sql_and_python_seeds_and_snapshots_and_runs_their_tests(
    location: Location, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    target = home / "project/target" / NAME
    with caplog.at_level(logging.WARNING):
        manifest = json.loads((target / "manifest.json").read_bytes())
        lineage = compute_column_lineage(manifest)
    write_column_lineage(lineage, target)
    assert lineage["model.shop.sales"]["amount"] == [
        ("snapshot.shop.price_history", "price"),
        ("source.shop.raw.orders", "pieces"),
    ]
    assert lineage["snapshot.shop.price_history"]["price"] == [("seed.shop.prices", "price")]
    assert {message.partition(":")[0] for message in caplog.messages} == {
        "no column lineage of the model totals",
        "no column lineage of the model wide",
    }

    job = location.definitions.resolve_implicit_global_asset_job_def()
    with dg.instance_for_test() as instance:
        result = job.execute_in_process(instance=instance)

    events = result.get_asset_materialization_events()
    made = {event.materialization.asset_key.path[-1] for event in events}
    assert made == {"net", "price_history", "prices", "sales", "totals", "wide"}
    checks = {
        (check.asset_key.to_user_string(), check.check_name): check.passed
        for check in result.get_asset_check_evaluations()
    }
    assert checks == {
        ("raw_orders", "source_not_null_raw_orders_article"): True,
        ("raw_orders", "raw_orders_is_fresh"): False,
        ("shop/net", "unique_net_article"): True,
    }
    with duckdb.connect(str(home / f"{NAME}.duckdb"), read_only=True) as connection:
        # the location's variable lets in the order of one piece, which the project's leaves out;
        # the tariffs are those of the other build
        assert connection.sql("from net order by article").fetchall() == [("pear", 5), ("plum", 8)]
        assert connection.sql("from wide").fetchall() == [(6, 10)]
        assert connection.sql("select count(*) from price_history").fetchone() == (2,)


@pytest.mark.parametrize(
    ("fields", "line", "text"),
    [
        ("  selector: shopp\n", 4, "there is no selector shopp in {home}/project/selectors.yml"),
        ("  selector: shop\n  select: sales\n", 1, "selector does not go with select"),
        ("  state: {home}/nowhere\n", 4, "there is no directory {home}/nowhere"),
        ("  state: {home}/project\n", 4, "there is no manifest.json in the directory"),
        ("  key_prefix: shop/\n", 4, "'shop/'"),
        (
            "  vars:\n    least_piece: 1\n",
            5,
            "there is no variable least_piece in {home}/project/dbt_project.yml, "
            "did you mean least_pieces?",
        ),
        ("  vars: {{least_pieces: 2025-01-01}}\n", 4, 'quote it: "2025-01-01"'),
    ],
)
def test_a_wrong_field_is_reported_with_its_line(
    load: Load, home: Path, fields: str, line: int, text: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load(fields.format(home=home))
    [problem] = str(caught.value).splitlines()
    assert f"orchestration.yaml:{line}" in problem
    assert text.format(home=home) in problem
