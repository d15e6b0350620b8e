"""A project is parsed again while another process reads the earlier result."""

from pathlib import Path

import pytest

from shared_lib.discovery.dbt import preparation


def test_a_reader_sees_the_former_manifest_or_the_new_one_and_never_a_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "target" / "simulation"
    target.mkdir(parents=True)
    (target / "manifest.json").write_text("former")
    (target / "column_lineage.json").write_text("kept")
    seen, commands = [], []

    def parse(*command: str, target: Path, **_: object) -> None:
        """Like dbt's: empties the file, then writes it."""
        commands.append(command)
        with (target / "manifest.json").open("w") as manifest:
            seen.append((tmp_path / "target" / "simulation" / "manifest.json").read_text())
            manifest.write("new")

    monkeypatch.setattr(preparation, "_dbt", parse)
    preparation.parse("simulation", target, variables={"least": 2})

    assert seen == ["former"]
    # as the steps have them, or each of them would parse again
    assert commands == [("parse", "--no-partial-parse", "--vars", '{"least": 2}')]
    assert (target / "manifest.json").read_text() == "new"
    assert (target / "column_lineage.json").read_text() == "kept"
    assert list(target.parent.iterdir()) == [target]
