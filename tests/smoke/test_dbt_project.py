"""The one dbt project, shared out among the locations: each node is one's, each source is made."""

import importlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg
import pytest

from shared_lib.dbt.project import PROJECT_DIRECTORY, load_manifest, rules_digest
from shared_lib.discovery.dbt.sections import declared_models

LOCATIONS = sorted(declared_models())


def definitions_of(location: str) -> dg.Definitions:
    return importlib.import_module(f"{location}.definitions").defs


def nodes_of(location: str) -> set[str]:
    """Names of all models, seeds and tests that the location has as assets and checks."""
    graph = definitions_of(location).resolve_asset_graph()
    nodes = load_manifest(location)["nodes"].values()
    keys = {"/".join(key.path) for key in graph.materializable_asset_keys}
    checks = {key.name for key in graph.asset_check_keys}
    return {
        node["name"]
        for node in nodes
        if node["name"] in (checks if node["resource_type"] == "test" else keys)
    }


def test_every_model_seed_and_test_of_the_project_is_of_exactly_one_location() -> None:
    owners = Counter(name for location in LOCATIONS for name in nodes_of(location))
    of_project = {node["name"] for node in load_manifest(LOCATIONS[0])["nodes"].values()}
    assert len(LOCATIONS) >= 2
    assert len(of_project) >= 70
    assert owners == dict.fromkeys(of_project, 1)


def read_sources(location: str) -> Iterator[tuple[str, dg.AssetKey]]:
    """The sources that the location's models and tests read, each with the asset it stands for."""
    manifest, own = load_manifest(location), nodes_of(location)
    for node in manifest["nodes"].values():
        for unique_id in node["depends_on"].get("nodes", ()) if node["name"] in own else ():
            if unique_id in manifest["sources"]:
                meta = manifest["sources"][unique_id]["meta"]["dagster"]
                yield unique_id, dg.AssetKey(meta["asset_key"])


@pytest.mark.parametrize("location", LOCATIONS)
def test_every_source_that_a_location_reads_is_made_by_an_asset_of_it(location: str) -> None:
    made = {spec.key for spec in definitions_of(location).resolve_all_asset_specs()}
    keys = {key for _, key in read_sources(location)}
    assert keys
    assert keys <= made


def test_every_described_source_is_read() -> None:
    described = set(load_manifest(LOCATIONS[0])["sources"])
    assert {source for name in LOCATIONS for source, _ in read_sources(name)} == described


@pytest.mark.parametrize("location", LOCATIONS)
def test_the_relations_of_a_location_are_in_the_file_that_it_writes(location: str) -> None:
    nodes = load_manifest(location)["nodes"].values()
    built = {node["database"] for node in nodes if node["resource_type"] in {"model", "seed"}}
    assert built == {location}


def test_the_rules_of_the_simulation_do_not_change_with_a_model_of_the_bank() -> None:
    from simulation.state.identity import RULES

    folders = [PROJECT_DIRECTORY / folder for folder in RULES]
    bank = [*PROJECT_DIRECTORY.glob("*/bank/**/*.sql")]
    assert len(bank) >= 6
    assert not [path for path in bank if set(path.parents) & set(folders)]
    assert len(rules_digest(RULES)) == 64


# Columns that name a person, an account or a single event, or that describe one.
_OF_ONE = re.compile(
    r"(?<!scenario)_(id|key)$|^(birth|hire|termination)_date$|name$|(^|_)(iban|counterparty)|description"
)
_NAMES_OF_NOTHING_PERSONAL = {"check_name"}
# in which a small group is one person, or one payment
_OF_SMALL_GROUPS = {"level", "department", "age_band", "tag", "account_id"}


def of_one(columns: Iterable[str]) -> set[str]:
    """The columns by which a row may be about a single person, account or payment."""
    found = {column for column in columns if _OF_ONE.search(column)} - _NAMES_OF_NOTHING_PERSONAL
    return found | (_OF_SMALL_GROUPS & set(columns))


def models() -> dict[str, dict[str, Any]]:
    nodes = load_manifest(LOCATIONS[0])["nodes"].values()
    return {node["name"]: node for node in nodes if node["resource_type"] == "model"}


def test_no_model_with_rows_about_one_person_or_account_opts_in_to_a_preview() -> None:
    previewed = {name for name, node in models().items() if node["config"]["meta"].get("preview")}
    assert previewed == {"fct_year_summary", "fct_compensation_growth", "mon_data_quality"}
    assert [name for name in previewed if of_one(models()[name]["columns"])] == []


def test_the_rule_of_previews_refuses_what_has_rows_about_people_and_accounts() -> None:
    about_people = {name for name, node in models().items() if of_one(node["columns"])}
    assert about_people >= {
        "fct_workforce_snapshot", "fct_yearly_events", "int_employee_years", "stg_census_rejects",
        "bank_transactions", "bank_balances_daily", "cash_flow_monthly", "spend_by_tag_monthly",
        "fct_level_mix", "fct_termination_experience", "int_new_hires", "int_hire_templates",
    }  # fmt: skip
