"""Where Dagster's UI shows the code of an asset."""

from collections.abc import Callable

import dagster as dg
import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.discovery import Location

Load = Callable[[str], Location]


def test_assets_link_the_deployed_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    from shared_lib.discovery.definitions.code_references import with_code_references
    from simulation.assets import preparation

    monkeypatch.setenv("PLATFORM_GIT_URL", "https://github.com/acme/data.git/")
    monkeypatch.setenv("PLATFORM_GIT_REVISION", "0a1b2c3")

    [census] = with_code_references([preparation.census])

    found = census.metadata_by_key[census.key]["dagster/code_references"].code_references
    assert [one.url.partition("#")[0] for one in found] == [
        "https://github.com/acme/data/tree/0a1b2c3/"
        "code_locations/simulation/simulation/assets/preparation.py"
    ]


@pytest.mark.parametrize(
    ("url", "revision", "problem"),
    [
        ("https://github.com/acme/data", "", "PLATFORM_GIT_REVISION is missing"),
        ("", "0a1b2c3", "PLATFORM_GIT_URL is not an address"),
        ("git@github.com:acme/data", "main", "set it to the https address"),
        ("https://git.acme.test/data", "main", "on GitHub or GitLab"),
        ("https://ada:secret@github.com/acme/data", "main", "set it to the https address"),
    ],
)
def test_half_a_setting_or_an_address_that_dagster_cannot_link_is_refused(
    written: Load, monkeypatch: pytest.MonkeyPatch, url: str, revision: str, problem: str
) -> None:
    monkeypatch.setenv("PLATFORM_GIT_URL", url)
    monkeypatch.setenv("PLATFORM_GIT_REVISION", revision)
    with pytest.raises(ConfigurationError, match=problem) as refused:
        written("")
    assert "secret" not in str(refused.value)


def test_without_the_variables_the_files_of_this_machine_are_linked(written: Load) -> None:
    graph = written("").definitions.resolve_asset_graph()
    found = graph.get(dg.AssetKey("plain")).metadata["dagster/code_references"]
    assert found.code_references[0].file_path.endswith(".py")
