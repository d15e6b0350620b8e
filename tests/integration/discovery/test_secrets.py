"""What the section ``secrets`` reports to the people who operate the platform."""

from pathlib import Path

import pytest

from shared_lib.discovery import workspace


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
