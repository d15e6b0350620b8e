"""The ``dbt`` command of this environment, as a Dagster resource."""

from dagster_dbt import DbtCliResource

from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY


class DbtCommand(DbtCliResource):
    """``DbtCliResource`` without the copy of dbt that it loads into Dagster's own process.

    That copy, an adapter, serves ``fetch_row_counts`` and ``fetch_column_metadata``. The
    platform reads both itself (:mod:`shared_lib.dbt.execution`), because the adapter leaves the
    DuckDB file locked; without it a run starts 4 to 5 s earlier. No public option leaves it out.
    """

    def _initialize_dbt_core_adapter(self, args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Create no adapter: the invocation accepts None."""


def dbt_command() -> DbtCommand:
    """The command for the one project, by path, so that PATH need not hold it."""
    return DbtCommand(
        project_dir=str(PROJECT_DIRECTORY),
        profiles_dir=str(PROJECT_DIRECTORY),
        dbt_executable=str(DBT_EXECUTABLE),
    )
