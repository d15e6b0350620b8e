"""What the section ``secrets`` reports to the people who operate the platform."""

from pathlib import Path

import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.discovery import workspace
from shared_lib.discovery.dbt import sections
from shared_lib.discovery.reading import load_configuration
from shared_lib.secrets import SecretNotFoundError, examine, unmet


@pytest.mark.sees("secrets.path", "secrets.keys")
def test_a_location_needs_the_keys_that_its_file_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "needy"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "orchestration.yaml").write_text(
        "secrets:\n  - {path: slack/bot, keys: [token, channel]}\n"
    )
    listed = tmp_path / "workspace.yaml"
    listed.write_text(
        "load_from:\n  - python_module: {module_name: needy.definitions, location_name: needy}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))

    needs = workspace.declared_secrets(listed)

    assert [
        (location, need.path, need.keys) for location, found in needs.items() for need in found
    ] == [("needy", "slack/bot", ("token", "channel"))]


def test_secrets_and_models_go_by_the_package_whatever_dagster_calls_the_location(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "renamed"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "orchestration.yaml").write_text(
        "secrets:\n  - {path: slack/bot, keys: [token]}\ndbt: {name: models}\n"
    )
    listed = tmp_path / "workspace.yaml"
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(workspace.location_files, "__defaults__", (listed,))

    for name in ("", ", location_name: Sales of shops"):
        listed.write_text(
            f"load_from:\n  - python_module: {{module_name: renamed.definitions{name}}}\n"
        )

        # as Vault's role, the warehouse and the parsed project of the package are named
        assert list(workspace.declared_secrets(listed)) == ["renamed"]
        assert list(sections.declared_models()) == ["renamed"]


@pytest.mark.sees("secrets.one_of")
def test_secrets_of_one_word_are_alternatives_within_their_location(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "workspace.yaml"
    listed.write_text("load_from:\n")
    for name in ("first", "second"):
        package = tmp_path / f"{name}_bank"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "orchestration.yaml").write_text(
            f"secrets:\n  - {{path: {name}/a, keys: [k], one_of: api}}\n"
            f"  - {{path: {name}/b, keys: [k], one_of: api}}\n"
        )
        with listed.open("a") as file:
            file.write(
                f"  - python_module: {{module_name: {name}_bank.definitions, "
                f"location_name: {name}}}\n"
            )
    monkeypatch.syspath_prepend(str(tmp_path))
    needs = [need for found in workspace.declared_secrets(listed).values() for need in found]

    class Source:
        def key_names(self, path: str) -> frozenset[str]:
            if path == "first/b":
                return frozenset({"k"})
            raise SecretNotFoundError(f"no secret {path}")

    problems = unmet(needs, examine(needs, secrets=Source()))

    assert {one.path: remedy for one, remedy in problems.items()} == {
        "second/a": "no secret second/a; one of second/a, second/b is enough",
        "second/b": "no secret second/b; one of second/a, second/b is enough",
    }


@pytest.mark.sees("secrets.optional")
def test_an_optional_secret_is_missed_by_those_alone_who_need_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "modest"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "orchestration.yaml").write_text(
        "secrets:\n"
        "  - {path: modest/a, keys: [k], optional: true}\n"
        "  - {path: modest/b, keys: [k], optional: true}\n"
        "  - {path: modest/b, keys: [k]}\n"
        "  - {path: modest/c, keys: [k, l], optional: true}\n"
    )
    listed = tmp_path / "workspace.yaml"
    listed.write_text(
        "load_from:\n  - python_module: {module_name: modest.definitions, location_name: modest}\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    needs = [need for found in workspace.declared_secrets(listed).values() for need in found]

    class Source:
        def key_names(self, path: str) -> frozenset[str]:
            if path == "modest/c":
                return frozenset({"k"})
            raise SecretNotFoundError(f"no secret {path}")

    problems = unmet(needs, examine(needs, secrets=Source()))

    assert {one.path: remedy for one, remedy in problems.items()} == {
        "modest/b": "no secret modest/b",
        "modest/c": "the secret modest/c lacks l: add the missing keys",
    }


def test_the_word_of_one_secret_alone_is_a_mistake(tmp_path: Path) -> None:
    file = tmp_path / "orchestration.yaml"
    file.write_text("secrets:\n  - {path: slack/bot, keys: [token], one_of: chat}\n")
    with pytest.raises(ConfigurationError, match=r"orchestration.yaml:1.*one_of: chat is the word"):
        load_configuration(file)


def test_a_project_of_components_needs_the_secrets_that_they_declare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "composed" / "defs" / "api"
    folder.mkdir(parents=True)
    (tmp_path / "composed" / "__init__.py").touch()
    file = folder / "defs.yaml"
    file.write_text(
        "type: shared_lib.components.Jobs\n---\n"
        "type: shared_lib.components.DeclaredSecrets\nattributes:\n  secrets:\n"
        "    - {path: shop/api, keys: [token]}\n"
    )
    listed = tmp_path / "workspace.yaml"
    listed.write_text("load_from:\n  - python_module: {module_name: composed.definitions}\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    assert workspace.location_files(listed) == {}
    [needs] = workspace.declared_secrets(listed).values()
    assert [(need.path, need.keys) for need in needs] == [("shop/api", ("token",))]

    file.write_text(file.read_text().replace("keys", "key"))
    with pytest.raises(ConfigurationError, match=r"defs.yaml:6: attributes.secrets.0.key: unknown"):
        workspace.declared_secrets(listed)
