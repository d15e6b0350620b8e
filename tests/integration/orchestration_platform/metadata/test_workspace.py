"""What is read from Dagster, with its own GraphQL, and joined with dbt's tables."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import PythonFileTarget
from dagster_graphql.test.utils import execute_dagster_graphql
from tests.integration.orchestration_platform.metadata import bakery

from orchestration_platform.metadata.description import (
    Check,
    Column,
    Description,
    Freshness,
    Table,
    TableName,
)
from orchestration_platform.metadata.reading import describe
from orchestration_platform.metadata.workspace import Asset, read_assets
from shared_lib.dagster_client.connection import Connection

REPOSITORY = Path(__file__).parents[4]
FLOUR = TableName("bakery", "raw", "flour")
BREAD = TableName("shop", "raw", "bread")


@pytest.fixture(scope="module")
def assets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Asset]]:
    home = tmp_path_factory.mktemp("bakery")
    file = shutil.copy(bakery.__file__, home / "bakery.py")
    target = PythonFileTarget(
        python_file=str(file), attribute=None, working_directory=str(home), location_name="bakery"
    )
    shutil.copy(REPOSITORY / "dagster.local.yaml", home / "dagster.yaml")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("DAGSTER_HOME", str(home))
        instance = stack.enter_context(dg.DagsterInstance.get())
        context = stack.enter_context(WorkspaceProcessContext(instance, target))
        job = bakery.defs.resolve_job_def("day")
        job.execute_in_process(instance=instance)
        asked: list[str] = []

        class InProcess:
            def ask(self, query: str) -> dict[str, Any]:
                asked.append(query)
                return execute_dagster_graphql(context.create_request_context(), query).data

        yield read_assets(cast("Connection", InProcess()))
        # once for everything, however many assets there are
        assert len(asked) == 1


@pytest.fixture
def description(assets: dict[str, Asset]) -> Description:
    return describe([], assets, environment="ci", ui_url="http://127.0.0.1:3000")


def test_an_asset_that_wrote_a_table_is_described(description: Description) -> None:
    flour = description.by_name[FLOUR]
    assert flour.description == "The flour that came."
    assert set(flour.owners) == {"ada@example.com", "team:mill"}
    assert set(flour.tags) == {"tier=gold", "pii"}
    assert [(c.name, c.type, c.description, c.is_nullable) for c in flour.columns] == [
        ("id", "bigint", "", False),
        ("flour", "varchar", "The flour.", True),
    ]
    assert (flour.rows, flour.location, flour.asset) == (3, "bakery", "flour")
    assert flour.updated_at is not None
    assert flour.freshness is not None
    assert flour.freshness.fail_seconds == 7200


def test_checks_have_their_last_result(description: Description) -> None:
    new, white = description.by_name[FLOUR].checks
    assert (new.name, new.result) == ("is_new", None)
    assert (white.name, white.description) == ("is_white", "The flour is white.")
    assert white.result is not None
    assert (white.result.passed, white.result.description) == (False, "It is brown.")


def test_lineage_goes_through_assets_that_are_not_tables(description: Description) -> None:
    bread = description.by_name[BREAD]
    assert bread.upstream == (FLOUR,)
    assert bread.columns[0].origins == ((FLOUR, "flour"),)


def test_a_deadline_is_known(assets: dict[str, Asset]) -> None:
    freshness = assets["oven"].freshness
    assert freshness == Freshness(cron="0 5 * * *", timezone="Europe/Berlin", is_fresh=None)


def test_what_dbt_says_of_a_table_is_joined_with_what_dagster_says(
    assets: dict[str, Asset],
) -> None:
    model = Table(
        name=FLOUR,
        description="Flour, as dbt describes it.",
        columns=(Column("flour", description="By dbt."), Column("id")),
        owners=("dbt@example.com",),
        tags=("hourly",),
        checks=(Check("is_white", column="flour"), Check("only_in_dbt")),
        asset="flour",
    )
    # the asset writes another table too
    other = replace(model, name=TableName("bakery", "raw", "sacks"), checks=())
    found = describe([model, other], assets, environment="ci", ui_url="")
    flour, sacks = found.by_name[FLOUR], found.by_name[other.name]
    assert flour.description == "Flour, as dbt describes it."
    assert [(c.name, c.type, c.description) for c in flour.columns] == [
        ("flour", "varchar", "By dbt."),
        ("id", "bigint", ""),
    ]
    assert set(flour.owners) == {"ada@example.com", "team:mill"}
    assert set(flour.tags) == {"hourly", "tier=gold", "pii"}
    by_name = {check.name: check for check in flour.checks}
    assert by_name["is_white"].column == "flour"
    assert by_name["is_white"].result is not None
    assert by_name["only_in_dbt"].result is None
    # its rows and columns are not known
    assert (sacks.rows, [c.type for c in sacks.columns]) == (None, ["", ""])
