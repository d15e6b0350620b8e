"""The models' SQL is built once, and again when the project changes."""

from pathlib import Path

import pytest

from shared_lib.dbt.compiled import Statement
from simulation.scratch import models


class Builds:
    """Counts the builds, in place of dbt; the SQL is that of the project's one model."""

    def __init__(self, project: Path) -> None:
        self.years: list[range] = []
        self._project = project

    def __call__(self, warehouse: Path, years: range) -> tuple[Statement, ...]:
        assert warehouse.read_text() == "opened"
        self.years.append(years)
        sql = (self._project / "models" / "ledger.sql").read_text()
        return (
            Statement("schemas", 'create schema "marts"'),
            *(Statement("ledger", f"{sql} -- é {year}", year) for year in years),
        )


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Builds:
    project = tmp_path / "project"
    (project / "models").mkdir(parents=True)
    (project / "models" / "ledger.sql").write_text("select 1")
    monkeypatch.setattr(models, "PROJECT_DIRECTORY", project)
    monkeypatch.setattr(models, "TARGET_DIRECTORY", project / "target")
    monkeypatch.setenv("DBT_TARGET_PATH", str(project / "target"))
    counted = Builds(project)
    monkeypatch.setattr(models, "_build", counted)
    return counted


def statements(folder: Path, first: int, last: int) -> tuple[Statement, ...]:
    def open_warehouse(path: Path) -> None:
        path.write_text("opened")

    return models.model_statements(range(first, last + 1), folder, open_warehouse)


def test_they_are_built_once_whatever_part_of_the_years_is_asked_for(
    builds: Builds, tmp_path: Path
) -> None:
    built = statements(tmp_path, 2025, 2028)
    assert statements(tmp_path, 2025, 2028) == built
    fewer = statements(tmp_path, 2025, 2026)
    assert [each.year for each in fewer] == [None, 2025, 2026]
    assert set(fewer) < set(built)
    assert builds.years == [range(2025, 2029)]


def test_more_years_or_another_first_one_are_built(builds: Builds, tmp_path: Path) -> None:
    for first, last in [(2025, 2026), (2025, 2027), (2026, 2027), (2025, 2026), (2026, 2026)]:
        statements(tmp_path, first, last)
    assert builds.years == [range(2025, 2027), range(2025, 2028), range(2026, 2028)]


def test_a_changed_project_is_built_again_and_the_old_sql_removed(
    builds: Builds, tmp_path: Path
) -> None:
    before = statements(tmp_path, 2025, 2026)
    target = tmp_path / "project" / "target" / "simulation"
    (model := tmp_path / "project" / "models" / "ledger.sql").write_text("select 2")
    after = statements(tmp_path, 2025, 2026)
    assert [each.sql for each in after] != [each.sql for each in before]
    assert len(list(target.iterdir())) == 1
    model.rename(model.with_name("staff.sql"))
    model.with_name("staff.sql").rename(model)
    assert statements(tmp_path, 2025, 2026) == after
    assert len(builds.years) == 2


def test_a_failed_build_leaves_nothing(
    builds: Builds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> tuple[Statement, ...]:
        raise models.ScratchFailedError("dbt build failed")

    with monkeypatch.context() as patched:
        patched.setattr(models, "_build", fail)
        with pytest.raises(models.ScratchFailedError, match="dbt build failed"):
            statements(tmp_path, 2025, 2026)
    statements(tmp_path, 2025, 2026)
    assert len(builds.years) == 1
