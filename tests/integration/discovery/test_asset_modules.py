"""What the section ``asset_modules`` does: modules are loaded, with group and prefix of keys."""

import sys
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.discovery import Location, load_location
from shared_lib.discovery.__main__ import explanation

Load = Callable[..., Location]


@pytest.mark.sees("asset_modules.module", "asset_modules.group", "asset_modules.key_prefix")
def test_assets_of_a_module_have_its_group_and_prefix(
    demonstration: Load, instance: dg.DagsterInstance
) -> None:
    location = demonstration()

    specs = {
        spec.key.to_user_string(): spec for spec in location.definitions.resolve_all_asset_specs()
    }
    groups = {name: spec.group_name for name, spec in specs.items() if name.startswith("by/")}
    assert len(groups) == 10
    assert set(groups.values()) == {"partitions"}
    shown = list(explanation(location, specs["by/hours"]))
    line = (
        location.path.read_text()
        .splitlines()
        .index("  - {module: .partitioned, group: partitions, key_prefix: by}")
        + 1
    )
    assert f"  group: partitions  ({location.path}:{line})" in shown
    # and is made by that key
    result = location.definitions.resolve_job_def("customers_job").execute_in_process(
        instance=_with_partition(instance), partition_key="acme"
    )
    [made] = result.get_asset_materialization_events()
    assert made.asset_key == dg.AssetKey(["by", "customers"])


def _with_partition(instance: dg.DagsterInstance) -> dg.DagsterInstance:
    instance.add_dynamic_partitions("customers", ["acme"])
    return instance


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Location]:
    """Loads a location of two modules; one uses the asset and the check of the other."""
    folder = tmp_path / "prefixed_shop"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "raw.py").write_text(
        "import dagster as dg\n\n"
        "@dg.asset\ndef orders() -> None: ...\n\n"
        "listed = [dg.AssetSpec('prices')]\n\n"
        "@dg.asset_check(asset=orders)\n"
        "def there() -> dg.AssetCheckResult:\n    return dg.AssetCheckResult(passed=True)\n"
    )
    (folder / "marts.py").write_text(
        "import dagster as dg\n\nfrom .raw import orders\n\n"
        "@dg.asset(deps=[orders, 'prices'])\ndef report() -> None: ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    def load(text: str) -> Location:
        (folder / "orchestration.yaml").write_text(text)
        return load_location(folder / "orchestration.yaml")

    yield load
    for name in [name for name in sys.modules if name.startswith("prefixed_shop")]:
        del sys.modules[name]


@pytest.mark.parametrize("first", ["marts", "raw"])
def test_what_depends_on_a_renamed_asset_or_checks_it_follows(shop: Load, first: str) -> None:
    entries = ["  - {module: .raw, key_prefix: shop/raw, group: raw}\n", "  - .marts\n"]
    ordered = entries if first == "raw" else reversed(entries)

    definitions = shop("asset_modules:\n" + "".join(ordered)).definitions

    graph = definitions.resolve_asset_graph()
    raw = {dg.AssetKey(["shop", "raw", name]) for name in ("orders", "prices")}
    assert graph.get_all_asset_keys() == {*raw, dg.AssetKey("report")}
    assert graph.get(dg.AssetKey("report")).parent_keys == raw
    assert {graph.get(key).group_name for key in raw} == {"raw"}
    [check] = graph.asset_check_keys
    assert check.asset_key == dg.AssetKey(["shop", "raw", "orders"])


def test_an_impossible_group_or_prefix_is_refused_with_its_place(shop: Load) -> None:
    with pytest.raises(ConfigurationError) as refused:
        shop(
            "asset_modules:\n  - {module: .raw, key_prefix: a//b}\n  - {module: .marts, grup: a}\n"
        )
    with pytest.raises(ConfigurationError) as later:
        shop("asset_modules:\n  - .raw\n  - {module: .marts, group: a-b}\n  - {module: .mart}\n")

    assert [line.partition("yaml:")[2] for line in str(refused.value).splitlines()] == [
        "2: asset_modules.0.key_prefix: 'a//b' is not allowed, allowed is a text matching "
        "^[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*$ or nothing",
        "3: asset_modules.1.grup: unknown key, allowed is one of: group, key_prefix, module",
    ]
    [wrong_group, wrong_module] = str(later.value).splitlines()
    assert "3: asset_modules.1.group: " in wrong_group
    assert "a-b" in wrong_group
    assert "4: asset_modules.2: there is no module prefixed_shop.mart, did you" in wrong_module
